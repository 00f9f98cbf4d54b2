package gossip

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// pushLife is for how long a pushed item may wait in a queue (our guess). It is
	// announced when it is dropped.
	pushLife = 5 * time.Second
	// answerLife is for how long the answer to a Graft may wait (our guess); who
	// asked has long asked another then.
	answerLife = 5 * time.Second
)

// push sends an item whole over eager links and announces it over lazy ones, to
// none that is known to have it. To a congested neighbour it is announced later.
func (m *Machine) push(now protocol.Time, in protocol.Accepted, h *held, out *protocol.Outbox) {
	for _, n := range m.neighbours {
		switch {
		case h.holders.has(n):
		case n.eager && !n.congested:
			n.stats.pushes++
			out.Send(n.peer, protocol.Carry{Item: in.Item, Hops: in.Hops}, protocol.Fresh, now.Add(pushLife))
		default:
			m.announce(now, n, h.id)
		}
	}
}

// grafted obeys a Graft.
//
// The sender becomes an eager peer, and gets what it asks for (SRDS 2007, tree
// repair).
//
// An item is sent MaxAnswers times at most, or one short message could be made to
// cost a megabyte again and again.
func (m *Machine) grafted(now protocol.Time, n *neighbour, msg Graft, out *protocol.Outbox) {
	if !msg.Once {
		n.turnEager()
		n.grafting = 0
	}
	var ids []protocol.ItemID
	for _, id := range msg.Items {
		if h := m.recent.get(id); h != nil && m.fresh(now, h) && h.answer(n) {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		out.FetchAndSend(n.peer, ids, now.Add(answerLife))
	}
}

// answer reports whether n may be sent the item once more, and counts it.
func (h *held) answer(n *neighbour) bool {
	switch {
	case h.twice.has(n):
		return false
	case h.once.has(n):
		h.twice |= n.bit()
	default:
		h.once |= n.bit()
	}
	return true
}

// sendDropped announces an item that could not be sent.
func (m *Machine) sendDropped(now protocol.Time, in protocol.SendDropped) {
	n := m.find(in.Peer)
	if n == nil || in.Item == nil {
		return
	}
	if h := m.recent.get(in.Item.ID); h != nil {
		m.announce(now, n, h.id)
	}
}
