package omni

import (
	"math"
	"math/bits"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// usualValue is the value for which a place's price is reckoned for others.
const usualValue = 4

// sample is what is kept of a Sample, and when it was true: there are MaxSamples of them,
// so it is packed.
type sample struct {
	Peer protocol.PeerID
	At   vivaldi.Coordinate
	Reach
	spare                       uint8
	latency, offer, prime, cost micro
	weight                      int32
	// rtt is the round trip, where this peer has measured it; 0 for never.
	rtt brief
	// hint is what it may be by what others have measured from near here; 0 for unknown.
	hint brief
	// least is what it is at least by the same; 0 for unknown.
	least brief
	at    protocol.Time
	// root is the key of the root of the tree in which it stands there.
	root uint64
	addr string
	door *door // nil for none
}

// door is Door and DoorAddr of a Sample.
type door struct {
	peer protocol.PeerID
	addr string
}

// micro is a duration as it travels, in microseconds; brief one of up to four seconds, in
// nanoseconds.
type (
	micro uint32
	brief uint32
)

func pack(d time.Duration) micro { return micro(micros(d) / time.Microsecond) }

func (d micro) duration() time.Duration { return time.Duration(d) * time.Microsecond }

func shorten(d time.Duration) brief { return brief(min(max(d, 0), math.MaxUint32)) }

func (d brief) duration() time.Duration { return time.Duration(d) }

// keep packs what is told of a member that stands under a root.
func keep(s *Sample, at protocol.Time, root uint64) sample {
	k := sample{
		Peer: s.Peer, At: s.At, Reach: s.Reach, spare: uint8(min(s.Spare, maxSpare)),
		latency: pack(s.Latency), offer: pack(s.Offer), prime: pack(s.Prime), cost: pack(s.Price),
		weight: int32(s.Weight), at: at, root: root, addr: s.Addr,
	}
	if s.Door != "" {
		k.door = &door{s.Door, s.DoorAddr}
	}
	return k
}

// told is the sample as others are told of it at a time.
func (s *sample) told(now protocol.Time) Sample {
	t := Sample{
		Peer: s.Peer, At: s.At, Reach: s.Reach, Spare: int(s.spare),
		Latency: s.latency.duration(), Offer: s.offer.duration(), Prime: s.prime.duration(), Price: s.cost.duration(),
		Weight: int(s.weight), Way: s.rtt.duration(), Age: now.Sub(s.at), Addr: s.addr,
	}
	if s.door != nil {
		t.Door, t.DoorAddr = s.door.peer, s.door.addr
	}
	return t
}

// distance is the round trip to the member: measured, or foretold from here, within what
// others have measured. A hint of a shorter way is believed before all, for shorter ways
// than the straight one are what coordinates cannot tell of.
func (s *sample) distance(here vivaldi.Coordinate) time.Duration {
	if s.rtt > 0 {
		return s.rtt.duration()
	}
	d := max(vivaldi.Distance(here, s.At), s.least.duration())
	if s.hint > 0 {
		d = min(d, s.hint.duration())
	}
	return d
}

// sampleTable holds the samples, in no order that matters but a fixed one.
type sampleTable struct {
	list []sample
	// first has the place after which a chain of samples begins, by the end of a key, next
	// how each goes on: places are counted from 1, 0 is the end. A map would take ten
	// times the memory.
	first, next [MaxSamples]uint16
	// ways are the round trips that were measured, to at most MaxWays peers by their keys,
	// for lookup only; measured has who they are as they came, oldest is the place of the
	// first. A member that does not exist may be named so that it seems as near as one that
	// was measured; its coordinate could claim as much.
	ways     map[uint64]brief
	measured []uint64
	oldest   int
}

// measure remembers a round trip, in the place of that which is remembered longest.
func (t *sampleTable) measure(p protocol.PeerID, rtt time.Duration) {
	if s := t.get(p); s != nil {
		s.rtt = shorten(rtt)
	}
	key := protocol.KeyOf(p)
	if _, known := t.ways[key]; !known && len(t.measured) < MaxWays {
		t.measured = append(t.measured, key)
	} else if !known {
		delete(t.ways, t.measured[t.oldest])
		t.measured[t.oldest] = key
		t.oldest = (t.oldest + 1) % MaxWays
	}
	t.ways[key] = shorten(rtt)
}

// way is the round trip that was measured to a peer, 0 for none.
func (t *sampleTable) way(p protocol.PeerID) brief { return t.ways[protocol.KeyOf(p)] }

func newSampleTable() sampleTable {
	return sampleTable{ways: make(map[uint64]brief)}
}

func (t *sampleTable) get(p protocol.PeerID) *sample {
	for at := t.first[chain(p)]; at > 0; at = t.next[at-1] {
		if s := &t.list[at-1]; s.Peer == p {
			return s
		}
	}
	return nil
}

// chain is in which chain a peer is.
func chain(p protocol.PeerID) uint64 { return protocol.KeyOf(p) % MaxSamples }

// enchain puts the sample at a place into its chain, unchain takes it out.
func (t *sampleTable) enchain(i int) {
	first := &t.first[chain(t.list[i].Peer)]
	t.next[i], *first = *first, uint16(i+1)
}

func (t *sampleTable) unchain(i int) {
	at := &t.first[chain(t.list[i].Peer)]
	for *at != uint16(i+1) {
		at = &t.next[*at-1]
	}
	*at = t.next[i]
}

// put takes a sample in if it is later than what is known of the peer. Beyond
// MaxSamples the one at the place goes that last chooses.
func (t *sampleTable) put(s sample, last func(list []sample) int) {
	if old := t.get(s.Peer); old != nil {
		if s.at > old.at {
			s.rtt = max(s.rtt, old.rtt)
			if old.hint > 0 && (s.hint == 0 || old.hint < s.hint) {
				s.hint = old.hint
			}
			s.least = max(s.least, old.least)
			*old = s
		}
		return
	}
	s.rtt = t.way(s.Peer)
	if len(t.list) < MaxSamples {
		t.list = append(t.list, s)
		t.enchain(len(t.list) - 1)
		return
	}
	i := last(t.list)
	t.unchain(i)
	t.list[i] = s
	t.enchain(i)
}

// remove takes the sample at a place out; the last comes there.
func (t *sampleTable) remove(i int) {
	last := len(t.list) - 1
	t.unchain(i)
	if i != last {
		t.unchain(last)
		t.list[i] = t.list[last]
		t.enchain(i)
	}
	t.list[last] = sample{}
	t.list = t.list[:last]
}

// contest is of how many samples, drawn, the one that promises least makes room for
// another (our guess): so most of those that stay are good for this peer, and some are
// any, which others can use.
const contest = 6

// worse is the place in a full list of the sample that goes: none of a peer with a link,
// if there are others, for it may be a door whose address is to be known.
func (m *Machine) worse(list []sample) int {
	at, worst, most := m.place.Coordinate(), 0, time.Duration(-1)
	for range contest {
		i := m.rng.IntN(len(list))
		s := &list[i]
		d := s.offer.duration() + s.distance(at)/2
		if s.root != m.rootKey() {
			d += maxLatency
		} else if p := m.peers.find(s.Peer); p != nil && p.linked {
			d = 0
		}
		if d > most {
			worst, most = i, d
		}
	}
	return worst
}

// version tells what is known of a member now from what was known before: its offer, in
// steps of an eighth to a quarter, and whether it has room.
func (s *sample) version() uint8 {
	v := uint64(s.offer)
	n := bits.Len64(v | 4)
	step := uint8(n)<<2 | uint8(v>>(n-3))&3
	if s.spare == 0 {
		step |= 1 << 7
	}
	return step
}

// expire forgets what is too old.
func (t *sampleTable) expire(now protocol.Time) {
	for i := 0; i < len(t.list); {
		if now.Sub(t.list[i].at) > sampleLife {
			t.remove(i)
		} else {
			i++
		}
	}
}

// own is what this peer says of itself.
func (m *Machine) own() Sample {
	s := m.state(nil)
	own := Sample{Peer: m.self, At: s.At, Latency: s.Latency, Offer: s.Offer, Prime: s.Prime, Spare: s.Spare, Price: s.Price, Reach: s.Reach, Weight: m.weight, Addr: m.addr}
	if !s.Attached {
		own.Latency, own.Offer = maxLatency, maxLatency
	}
	if own.Door = m.door(); own.Door != "" {
		if d := m.samples.get(own.Door); d != nil {
			own.DoorAddr = d.addr
		}
	}
	return own
}

// door is a public peer that is linked to this one, for whom wants to punch a way in or
// to be dialled: the parent rather than others, for it stays.
func (m *Machine) door() protocol.PeerID {
	if r := m.nics.reach(); r != ReachPunch && r != ReachNone {
		return ""
	}
	if m.parent != nil && m.parent.state.Reach == ReachPublic {
		return m.parent.id
	}
	var best *peer
	located := func(p *peer) bool { s := m.samples.get(p.id); return s != nil && s.addr != "" }
	for _, p := range m.peers.order {
		if !p.speaks() || p.state.Reach != ReachPublic || !p.child && !p.source && !p.watcher && !p.member {
			continue
		}
		if best == nil || located(p) && !located(best) || located(p) == located(best) && p.rtt < best.rtt {
			best = p
		}
	}
	if best == nil {
		return ""
	}
	return best.id
}
