package gossip

import (
	"fmt"
	"math/bits"

	"github.com/quilt-p2p/quilt/protocol"
)

// check returns which invariant of the machine does not hold, "" for none.
func (m *Machine) check() string {
	live, bad := m.checkNeighbours()
	if bad == "" {
		bad = m.checkWants(live)
	}
	if bad == "" {
		bad = m.checkRecent(live)
	}
	return bad
}

// checkNeighbours returns the set of neighbours, too.
func (m *Machine) checkNeighbours() (set, string) {
	var live set
	for i, n := range m.neighbours {
		live |= n.bit()
		switch {
		case i > 0 && m.neighbours[i-1].peer >= n.peer:
			return 0, "neighbours are out of order"
		case m.slots[n.slot] != n:
			return 0, "a slot does not hold its neighbour"
		case len(n.queue) > MaxQueue:
			return 0, "a queue of announcements is past its bound"
		case (len(n.queue) == 0) != (n.flushAt == protocol.Never):
			return 0, "a queue and its deadline disagree"
		case len(n.toAsk) > 0:
			return 0, "a Graft was not sent"
		case n.grafting > 0 && !n.eager:
			return 0, "a lazy link is being grafted"
		}
	}
	if len(m.neighbours) > MaxNeighbours || bits.OnesCount32(uint32(live)) != len(m.neighbours) {
		return 0, "neighbours and slots disagree"
	}
	return live, ""
}

func (m *Machine) checkRecent(live set) string {
	r := &m.recent
	if r.len() > MaxRecent || len(r.order)-r.head != r.len() {
		return fmt.Sprintf("%d recent items, %d in order", r.len(), len(r.order)-r.head)
	}
	for i, h := range r.order[r.head:] {
		switch {
		case r.byID[h.id] != h:
			return "a recent item is not found by its ID"
		case i > 0 && r.order[r.head+i-1].at > h.at:
			return "recent items are out of order"
		case (h.holders|h.once|h.twice)&^live != 0:
			return "a stranger holds a recent item"
		case h.by >= 0 && m.slots[h.by] == nil:
			return "a recent item is of a neighbour that has gone"
		case m.wants.get(h.id) != nil:
			return "an item is both held and missing"
		}
	}
	return ""
}

func (m *Machine) checkWants(live set) string {
	ws := &m.wants
	if ws.len() > MaxMissing || len(ws.byID) != ws.len() {
		return fmt.Sprintf("%d missing items, %d in order", len(ws.byID), ws.len())
	}
	opened := map[*neighbour]int{}
	for i, w := range ws.byDue {
		switch {
		case ws.byID[w.id] != w:
			return "a missing item is not found by its ID"
		case w.index != i:
			return "a missing item has lost its place"
		case i > 0 && ws.byDue.Less(i, (i-1)/2):
			return "missing items are out of order"
		case len(w.announcers) > MaxAnnouncers:
			return "announcers are past their bound"
		case w.holders&^live != 0:
			return "a stranger holds a missing item"
		}
		for _, n := range []*neighbour{w.opener, w.asked, w.by} {
			if n != nil && m.slots[n.slot] != n {
				return "a missing item is of a neighbour that has gone"
			}
		}
		for _, a := range w.announcers {
			if m.slots[a.n.slot] != a.n || a.tries > MaxTries {
				return "an announcer has gone, or was asked too often"
			}
		}
		opened[w.opener]++
	}
	for _, n := range m.neighbours {
		if n.opened != opened[n] || n.opened > MaxMissingPerNeighbour {
			return fmt.Sprintf("%d missing items opened by a neighbour, %d counted", opened[n], n.opened)
		}
	}
	return ""
}
