package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Most beats say nothing new but their number. Then a Same of a few bytes takes a Beat's
// place: it names by a check the last position that the receiver was told whole. Who does
// not know that one asks for all of it with Again.

const (
	// childSame and watcherSame are for how long a child, or a watcher, is not told what
	// it needs less: the coordinate, the places left, what its going would save (our
	// guesses).
	childSame   = 8 * time.Second
	watcherSame = 24 * time.Second
	// sameOffer: of a watcher's share, an offer is another if it differs by more than one
	// part in so many (our guess).
	sameOffer = 16
)

// whole is a position that was told or heard whole, and when.
type whole struct {
	State
	at protocol.Time
}

// check tells one position from another: those that are told after one another differ in
// what it is made from, or the receiver needs nothing of the difference.
func (s *State) check() uint16 {
	h := uint64(14695981039346656037)
	mix := func(v uint64) { h = (h ^ v) * 1099511628211 }
	mix(s.Epoch)
	mix(uint64(s.Latency))
	mix(uint64(s.Wait))
	for _, k := range s.Path {
		mix(k)
	}
	return uint16(h>>48) ^ uint16(h>>24)
}

// covers reports whether a position that was told before will do for another: where the
// tree depends on it the two are equal, so that nothing is claimed that is not so.
func (w *whole) covers(now protocol.Time, s *State, child bool) bool {
	o := &w.State
	if !s.Attached || !o.Attached || s.Root != o.Root || term(s.Epoch) != term(o.Epoch) || s.Epoch <= o.Epoch ||
		s.Latency != o.Latency || s.Publishes != o.Publishes || s.Reach != o.Reach || !slices.Equal(s.Path, o.Path) {
		return false
	}
	if child {
		return s.Wait == o.Wait && now.Sub(w.at) < childSame
	}
	d := s.Offer - o.Offer
	return max(d, -d) <= o.Offer/sameOffer && (s.Spare == 0) == (o.Spare == 0) && now.Sub(w.at) < watcherSame
}

// beat tells a child or a watcher where this peer stands.
func (m *Machine) beat(now protocol.Time, p *peer, out *protocol.Outbox) {
	p.told = now
	s := m.state(p)
	if p.saidTo != nil && p.saidTo.covers(now, &s, p.child) {
		out.Send(p.id, Same{Number: uint32(s.Epoch), Check: p.saidTo.check()}, protocol.Control, now.Add(time.Second))
		return
	}
	p.saidTo = &whole{s, now}
	out.Send(p.id, Beat{s}, protocol.Control, now.Add(time.Second))
}

// takeSame takes a beat whose position was heard before.
func (m *Machine) takeSame(now protocol.Time, p *peer, msg Same, out *protocol.Outbox) {
	if p.heardOf == nil || p.heardOf.check() != msg.Check {
		out.Send(p.id, Again{}, protocol.Control, now.Add(time.Second))
		return
	}
	s := p.heardOf.State
	s.Epoch = term(s.Epoch)<<32 | uint64(msg.Number)
	s.At, s.Offer, s.Prime, s.Spare, s.Price = p.state.At, p.state.Offer, p.state.Prime, p.state.Spare, p.state.Price // later than the rest, perhaps
	m.beaten(now, p, s, out)
}

// takeAgain tells all once more.
func (m *Machine) takeAgain(now protocol.Time, p *peer) {
	p.saidTo = nil
	if p.child || p.watcher {
		p.beatAt = min(p.beatAt, max(now, p.told.Add(beatSoon)))
	}
}
