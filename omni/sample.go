package omni

import (
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
}

// distance is the round trip to the member: measured, or foretold from here.
func (s *sample) distance(here Coordinate) time.Duration {
	if s.rtt > 0 {
		return s.rtt
	}
	return Distance(here, s.At)
}

// sampleTable holds the samples, in no order that matters but a fixed one.
type sampleTable struct {
	list  []sample
	index map[protocol.PeerID]int // for lookup only
}

func newSampleTable() sampleTable {
	return sampleTable{index: make(map[protocol.PeerID]int)}
}

func (t *sampleTable) get(p protocol.PeerID) *sample {
	if i, ok := t.index[p]; ok {
		return &t.list[i]
	}
	return nil
}

// put takes a sample in if it is later than what is known of the peer. Beyond
// MaxSamples the oldest goes.
func (t *sampleTable) put(s sample) {
	if old := t.get(s.Peer); old != nil {
		if s.at > old.at {
			s.rtt = max(s.rtt, old.rtt)
			*old = s
		}
		return
	}
	if len(t.list) < MaxSamples {
		t.index[s.Peer] = len(t.list)
		t.list = append(t.list, s)
		return
	}
	oldest := 0
	for i := range t.list {
		if t.list[i].at < t.list[oldest].at {
			oldest = i
		}
	}
	if t.list[oldest].at < s.at {
		delete(t.index, t.list[oldest].Peer)
		t.list[oldest] = s
		t.index[s.Peer] = oldest
	}
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
	own := Sample{Peer: m.self, At: s.At, Latency: s.Latency, Offer: s.Offer, Spare: s.Spare, Price: s.Price, Reach: s.Reach, Weight: m.weight, Addr: m.addr}
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
	for _, p := range m.peers.order {
		if p.speaks() && p.heard > 0 && p.state.Reach == ReachPublic && (p.child || p.source || p.watcher || p.member) &&
			(best == nil || p.rtt < best.rtt) {
			best = p
		}
	}
	if best == nil {
		return ""
	}
	return best.id
}
