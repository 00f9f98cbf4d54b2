package swarm

import (
	"fmt"
	"slices"

	"github.com/quilt-p2p/quilt/large"
)

// check says what is wrong with a machine's state, "" for nothing.
func (m *Machine) check() string {
	if len(m.fetching) > MaxFetching || len(m.waiting) > MaxWaiting+MaxFetching || len(m.done) > MaxDone || len(m.serving) > MaxServing || len(m.peers) > MaxNeighbours {
		return "a list is beyond its bound"
	}
	if len(m.byRoot) != len(m.fetching)+len(m.waiting)+len(m.done) {
		return fmt.Sprintf("%d contents by root, %d fetched, %d waiting, %d done", len(m.byRoot), len(m.fetching), len(m.waiting), len(m.done))
	}
	flight := 0
	for _, s := range m.storing { //tidy:orderless a sum
		flight += s.bytes
	}
	of := map[*neighbour]int{}
	for _, t := range m.fetching {
		for _, r := range t.requests {
			flight += t.layout.Len(int(r.piece))
			of[r.side.n]++
			if !slices.Contains(m.peers, r.side.n) || !slices.Contains(t.sides, r.side) {
				return "a piece is asked of a peer that is gone"
			}
		}
		if bad := t.check(); bad != "" {
			return bad
		}
	}
	if flight != m.inFlight {
		return fmt.Sprintf("%d bytes in flight, %d counted", flight, m.inFlight)
	}
	if m.inFlight > MaxInFlight+large.MaxSegment {
		return "too much is in flight"
	}
	for _, n := range m.peers {
		if n.asked != of[n] {
			return fmt.Sprintf("%d pieces are asked of %s, %d counted", of[n], n.id, n.asked)
		}
		if n.asked > MaxWindow+1 {
			return "too much is asked of one neighbour"
		}
	}
	for _, t := range m.serving {
		if t.phase != done || !slices.Contains(m.done, t) {
			return "what is served is not here in full"
		}
		if bad := t.seed.check(t); bad != "" {
			return bad
		}
	}
	return ""
}

func (t *transfer) check() string {
	if t.phase != fetching {
		return ""
	}
	lists := append(slices.Clone(t.lacking), t.index...)
	slices.Sort(lists)
	if len(slices.Compact(slices.Clone(lists))) != len(lists) {
		return "a piece is lacked twice"
	}
	left := 0
	for i, st := range t.state {
		_, known := t.tree.Hash(i)
		_, listed := slices.BinarySearch(lists, uint32(i))
		if listed != (st == missing && known) {
			return fmt.Sprintf("piece %d is in state %d, its hash known: %v, listed: %v", i, st, known, listed)
		}
		if (st == asked) != (t.askedOf(i) > 0) || t.askedOf(i) > 2 {
			return fmt.Sprintf("piece %d is in state %d and asked of %d", i, st, t.askedOf(i))
		}
		if (st == held) != t.have.Has(i) {
			return "what is held is not in the map"
		}
		if st != held {
			left++
		}
	}
	if left != t.left {
		return fmt.Sprintf("%d pieces are left, %d counted", left, t.left)
	}
	avail := make([]uint16, t.pieces)
	for _, s := range t.sides {
		useful := 0
		for i := range t.pieces {
			if s.has.Has(i) {
				avail[i]++
			}
			if _, listed := slices.BinarySearch(lists, uint32(i)); listed && s.hasPiece(i) {
				useful++
			}
		}
		if useful != s.useful {
			return fmt.Sprintf("%s has %d pieces of use, %d counted", s.n.id, useful, s.useful)
		}
		if len(s.wants) > MaxWants {
			return "a neighbour waits for too much"
		}
	}
	if !slices.Equal(avail, t.avail) {
		return "rarity is counted wrongly"
	}
	return ""
}

func (sd *seeding) check(t *transfer) string {
	if sd == nil {
		return ""
	}
	open := 0
	for _, s := range t.sides {
		if s.shown != nil {
			if open += len(s.shown.open); len(s.shown.open) > seedAhead {
				return "a neighbour is shown too much"
			}
		}
	}
	if open != sd.open {
		return fmt.Sprintf("%d pieces are shown and not sent, %d counted", open, sd.open)
	}
	return ""
}
