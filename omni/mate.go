package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// mates: of so many members, drawn, the nearest is asked (our guess).
	mates = 24
	// tellNews is how many that are near are soon told of a gain (our guess).
	tellNews = 3
)

// Mates are members near this peer in the space of coordinates. Where there are no links
// to them they are dialled, to ask what they know and to tell them of a gain: a good
// parent of theirs is one for this peer, by the way that they have measured.

// askMate opens a link to somebody near to ask, and reports whether it does.
func (m *Machine) askMate(now protocol.Time, out *protocol.Outbox) bool {
	s := m.mate(now)
	if s == nil || !m.attached() || m.probing() >= maxProbes {
		return false
	}
	id := s.Peer
	m.dial(now, s, asParent, out)
	p := m.peers.find(id)
	if p == nil || p.probe == nil {
		return false // by a door first: it is asked when there is a reason to
	}
	p.probe.ask = true
	return true
}

// mate is a member that is near, without a link: what is good for it is good for this
// peer too. nil for none.
func (m *Machine) mate(now protocol.Time) *sample {
	at := m.place.Coordinate()
	var best *sample
	for range min(mates, len(m.samples.list)) {
		s := &m.samples.list[m.rng.IntN(len(m.samples.list))]
		if s.root != m.rootKey() || s.behind() && m.nics.reach() == ReachNone || !m.dialable(s) || m.refusals.has(now, s.Peer) || m.peers.find(s.Peer) != nil {
			continue
		}
		if best == nil || s.distance(at) < best.distance(at) {
			best = s
		}
	}
	return best
}

// away is the round trip to the sender of samples, the first of which is its own.
func (m *Machine) away(p *peer, msg *Samples) time.Duration {
	if p != nil && p.rtt > 0 {
		return p.rtt
	}
	if len(msg.List) == 0 {
		return 0
	}
	if d := m.samples.way(msg.List[0].Peer).duration(); d > 0 {
		return d
	}
	return vivaldi.Distance(m.place.Coordinate(), msg.List[0].At)
}

// limit is what others have to promise a member to be of use to it: what it has, and a
// little for what coordinates err by.
func (s *Sample) limit() time.Duration { return s.Latency + 2*time.Millisecond }

// foretold is the latency that a member promises to another by their coordinates.
func (s *sample) foretold(them *Sample) time.Duration {
	return s.foretoldBy(them, vivaldi.Distance(s.At, them.At))
}

// foretoldBy is the same by a round trip.
func (s *sample) foretoldBy(them *Sample, rtt time.Duration) time.Duration {
	d := s.offer
	if them.Weight >= primeValue {
		d = s.prime
	}
	if s.spare == 0 {
		d += s.cost / usualValue
	}
	return d.duration() + rtt/2
}
