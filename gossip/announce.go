package gossip

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// announce queues an announcement. As in the paper (SRDS 2007, lazy push), several
// share a message.
func (m *Machine) announce(now protocol.Time, n *neighbour, id protocol.ItemID) {
	if len(n.queue) == MaxQueue {
		n.queue = slices.Delete(n.queue, 0, 1)
	}
	n.queue = append(n.queue, id)
	switch {
	case len(n.queue) >= MaxIDs:
		n.flushAt = now
	case n.flushAt == protocol.Never:
		n.flushAt = now.Add(m.cfg.Flush)
	}
}

// announceToAll announces an item over every link: it is not new enough to be
// pushed.
func (m *Machine) announceToAll(now protocol.Time, h *held) {
	for _, n := range m.neighbours {
		if !h.holders.has(n) {
			m.announce(now, n, h.id)
		}
	}
}

// flushDue is when what is queued has to go. A congested neighbour is left alone:
// it would ask for more than the link can bear.
func (n *neighbour) flushDue() protocol.Time {
	if n.congested {
		return protocol.Never
	}
	return n.flushAt
}

// flush announces what is queued, except what the neighbour has told it has since,
// and what is no longer announced.
func (m *Machine) flush(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	var items []Announcement
	for i, id := range n.queue {
		if h := m.recent.get(id); h != nil && !h.holders.has(n) && m.fresh(now, h) {
			items = append(items, Announcement{ID: id, Size: h.size})
		}
		if len(items) == MaxIDs || i == len(n.queue)-1 && len(items) > 0 {
			out.Send(n.peer, IHave{Lazy: !n.eager, Items: items}, protocol.Control, now.Add(m.cfg.Cache))
			items = nil
		}
	}
	n.queue = n.queue[:0]
	n.flushAt = protocol.Never
}

// flushAll announces all that waits, because this peer is about to leave.
func (m *Machine) flushAll(now protocol.Time, out *protocol.Outbox) {
	for _, n := range m.neighbours {
		m.flush(now, n, out)
	}
}
