package omni

import (
	"math/bits"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// usualValue is the value for which a place's price is reckoned for others.
const usualValue = 4

// sample is a Sample and when it was true.
type sample struct {
	Sample
	at protocol.Time
	// from told of it last, and may know its address.
	from protocol.PeerID
	// root is the key of the root of the tree in which it stands there.
	root uint64
	// rtt is the round trip, where this peer has measured it; 0 for never.
	rtt time.Duration
	// hint is what it may be by what others have measured from near here; 0 for unknown.
	hint time.Duration
}

// distance is the round trip to the member: measured, or foretold from here. A hint of a
// shorter way is believed, for shorter ways than the straight one are what coordinates
// cannot tell of.
func (s *sample) distance(here Coordinate) time.Duration {
	if s.rtt > 0 {
		return s.rtt
	}
	d := Distance(here, s.At)
	if s.hint > 0 {
		d = min(d, s.hint)
	}
	return d
}

// sampleTable holds the samples, in no order that matters but a fixed one.
type sampleTable struct {
	list  []sample
	index map[protocol.PeerID]int // for lookup only
	// ways are the round trips that were measured, to at most MaxWays peers, for lookup
	// only; measured has who they are as they came, oldest is the place of the first.
	ways     map[protocol.PeerID]time.Duration
	measured []protocol.PeerID
	oldest   int
}

// measure remembers a round trip, in the place of that which is remembered longest.
func (t *sampleTable) measure(p protocol.PeerID, rtt time.Duration) {
	if s := t.get(p); s != nil {
		s.rtt = rtt
	}
	if _, known := t.ways[p]; !known && len(t.measured) < MaxWays {
		t.measured = append(t.measured, p)
	} else if !known {
		delete(t.ways, t.measured[t.oldest])
		t.measured[t.oldest] = p
		t.oldest = (t.oldest + 1) % MaxWays
	}
	t.ways[p] = rtt
}

func newSampleTable() sampleTable {
	return sampleTable{index: make(map[protocol.PeerID]int), ways: make(map[protocol.PeerID]time.Duration)}
}

func (t *sampleTable) get(p protocol.PeerID) *sample {
	if i, ok := t.index[p]; ok {
		return &t.list[i]
	}
	return nil
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
			*old = s
		}
		return
	}
	s.rtt = t.ways[s.Peer]
	if len(t.list) < MaxSamples {
		t.index[s.Peer] = len(t.list)
		t.list = append(t.list, s)
		return
	}
	i := last(t.list)
	delete(t.index, t.list[i].Peer)
	t.list[i] = s
	t.index[s.Peer] = i
}

func (t *sampleTable) remove(p protocol.PeerID) {
	i, ok := t.index[p]
	if !ok {
		return
	}
	last := len(t.list) - 1
	t.list[i] = t.list[last]
	t.index[t.list[i].Peer] = i
	t.list = t.list[:last]
	delete(t.index, p)
}

// contest is of how many samples, drawn, the one that promises least makes room for
// another (our guess): so most of those that stay are good for this peer, and some are
// any, which others can use.
const contest = 6

// worse is the place in a full list of the sample that goes: none of a peer with a link,
// if there are others, for it may be a door whose address is to be known.
func (m *Machine) worse(list []sample) int {
	at, worst, most := m.place.coordinate(), 0, time.Duration(-1)
	for range contest {
		i := m.rng.IntN(len(list))
		s := &list[i]
		d := s.Offer + s.distance(at)/2
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
func (s *Sample) version() uint8 {
	v := uint64(max(s.Offer, 0) / time.Microsecond)
	n := bits.Len64(v | 4)
	step := uint8(n)<<2 | uint8(v>>(n-3))&3
	if s.Spare == 0 {
		step |= 1 << 7
	}
	return step
}

// expire forgets what is too old.
func (t *sampleTable) expire(now protocol.Time) {
	for i := 0; i < len(t.list); {
		if now.Sub(t.list[i].at) > sampleLife {
			t.remove(t.list[i].Peer)
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
			own.DoorAddr = d.Addr
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
	located := func(p *peer) bool { s := m.samples.get(p.id); return s != nil && s.Addr != "" }
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
