package swarm

import (
	"math/bits"
	"slices"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// takeHave takes in what a neighbour has, and answers it where it asks.
func (m *Machine) takeHave(now protocol.Time, n *neighbour, h Have, out *protocol.Outbox) {
	t := m.byRoot[h.Root]
	if t == nil {
		return // when its manifest comes, the neighbour is asked
	}
	beyond := len(h.List) > 0 && int(h.List[len(h.List)-1]) >= t.pieces
	if h.Form == Map && h.Pieces != t.pieces || beyond {
		m.misconduct(n, "swarm.impossible", out)
		return
	}
	s := t.side(n)
	switch {
	case h.Form == All || h.Form == Map && h.Map.Count() == t.pieces:
		t.count(s, nil, true)
	case h.Form == Map:
		t.count(s, slices.Clone(h.Map), false)
	case !s.all:
		t.add(s, h.List)
	}
	s.known = true
	s.wants = slices.DeleteFunc(s.wants, func(p uint32) bool { return s.hasPiece(int(p)) })
	switch {
	case t.phase == done:
		m.toldOfDone(now, t, s, h.Ask, out)
	case t.phase == fetching && h.Ask:
		m.introduceTo(now, t, s, false, out)
		m.request(now, t, s, out)
	case t.phase == fetching:
		m.request(now, t, s, out)
	}
}

// toldOfDone takes in what a neighbour lacks of a content that is here in full.
func (m *Machine) toldOfDone(now protocol.Time, t *transfer, s *side, asks bool, out *protocol.Outbox) {
	if s.all && t.seed != nil {
		t.showAll()
	}
	if asks {
		if !s.all {
			m.startServing(t)
			m.seedFor(now, t, s)
		}
		m.introduceTo(now, t, s, false, out)
	}
	switch {
	case !slices.Contains(m.serving, t):
		t.sides = nil // nobody is served
	case s.all:
		m.idle(t)
	}
}

// count replaces what is known of a neighbour.
func (t *transfer) count(s *side, has large.Bits, all bool) {
	if t.phase != fetching {
		s.has, s.all = has, all
		return
	}
	each(s.has, func(i int) { t.avail[i]-- })
	s.has, s.all, s.useful = has, all, 0
	each(has, func(i int) {
		t.avail[i]++
		if t.wanting(i) {
			s.useful++
		}
	})
	if all {
		s.useful = len(t.lacking) + len(t.index)
	}
}

// add takes in what a neighbour has beside what it had.
func (t *transfer) add(s *side, list []uint32) {
	if s.has == nil {
		s.has = large.NewBits(t.pieces)
	}
	for _, p := range list {
		if s.has.Set(int(p)) && t.phase == fetching {
			t.avail[p]++
			if t.wanting(int(p)) {
				s.useful++
			}
		}
	}
}

// wanting reports whether a piece is in lacking or index.
func (t *transfer) wanting(i int) bool {
	if t.state[i] != missing {
		return false
	}
	_, known := t.tree.Hash(i)
	return known
}

// each calls f for every piece of a set.
func each(set large.Bits, f func(i int)) {
	for w, word := range set {
		for ; word != 0; word &= word - 1 {
			f(64*w + bits.TrailingZeros64(word))
		}
	}
}

// introduce tells a neighbour what is here and asks what is there.
func (m *Machine) introduce(now protocol.Time, t *transfer, s *side, out *protocol.Outbox) {
	if t.phase == fetching {
		m.introduceTo(now, t, s, true, out)
	}
}

func (m *Machine) introduceTo(now protocol.Time, t *transfer, s *side, ask bool, out *protocol.Outbox) {
	s.fresh, s.whole = nil, false
	h := Have{Root: t.root, Ask: ask}
	switch {
	case t.phase == fetching:
		h.Form, h.Pieces, h.Map = Map, t.pieces, slices.Clone(t.have)
	case s.shown != nil:
		h.Form, h.Pieces, h.Map = Map, t.pieces, slices.Clone(s.shown.set)
	default:
		h.Form = All
	}
	out.Send(s.n.id, h, protocol.Control, now.Add(wantLife))
}

// announce has neighbours told of a piece that is here now.
func (m *Machine) announce(now protocol.Time, t *transfer, i int, out *protocol.Outbox) {
	for _, s := range t.sides {
		if s.known && !s.hasPiece(i) {
			s.fresh = append(s.fresh, uint32(i))
			if len(s.fresh) >= tellAt {
				m.tellSide(now, t, s, out)
			}
		}
	}
}

// tell tells neighbours what is new.
func (m *Machine) tell(now protocol.Time, t *transfer, out *protocol.Outbox) {
	for _, s := range t.sides {
		m.tellSide(now, t, s, out)
	}
}

func (m *Machine) tellSide(now protocol.Time, t *transfer, s *side, out *protocol.Outbox) {
	switch {
	case s.whole || len(s.fresh) > MaxList:
		m.introduceTo(now, t, s, false, out)
	case len(s.fresh) > 0:
		slices.Sort(s.fresh)
		out.Send(s.n.id, Have{Root: t.root, Form: Added, List: s.fresh}, protocol.Control, now.Add(wantLife))
		s.fresh = nil // the message has the list
	}
}

// misconduct charges a neighbour for what no honest one sends.
func (m *Machine) misconduct(n *neighbour, what string, out *protocol.Outbox) {
	n.shunned = true
	m.takeBack(n)
	out.Note(what, n.id, protocol.ItemID{}, 0)
	out.Add(protocol.Charge{Peer: n.id, Reason: what})
}
