package gossip

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// How the two ends of a link come to agree. Both may hold it eager or lazy; a
// Graft or a Prune changes both ends, if it arrives. Where it is lost:
//
//   - This end holds the link eager, the other lazy: the other announces what it
//     accepts, and says that it holds the link lazy. A Graft that may have been
//     lost is repeated a few times; otherwise this end gives in (reconcile).
//   - This end holds the link lazy, the other eager: the other pushes. If its
//     copy is the first, its push is useful and this end turns eager (delivered);
//     if it is a duplicate, the Prune is repeated (duplicate).
//
// A change is in flight for about a round trip, during which what arrives may
// contradict it by accident, so neither happens before the link has settled.

// maxGrafting bounds how often a Graft is repeated that nothing confirms.
const maxGrafting = 3

// settle starts the time that a change needs to reach the other end.
func (n *neighbour) settle(now protocol.Time) { n.settled = now.Add(n.patience()) }

// graft turns a link eager on both sides, and asks for items.
func (m *Machine) graft(now protocol.Time, n *neighbour, ids []protocol.ItemID, out *protocol.Outbox) {
	n.turnEager()
	n.grafting++
	n.settle(now)
	n.stats.grafts++
	out.Send(n.peer, Graft{Items: ids}, protocol.Control, now.Add(maxAnswer))
	out.Note("gossip.graft", n.peer, protocol.ItemID{}, int64(len(ids)))
}

// prune turns a link lazy on both sides, because id came over it once too often.
func (m *Machine) prune(now protocol.Time, n *neighbour, id protocol.ItemID, out *protocol.Outbox) {
	n.turnLazy()
	n.settle(now)
	n.stats.prunes++
	out.Send(n.peer, Prune{}, protocol.Control, now.Add(maxAnswer))
	out.Note("gossip.prune", n.peer, id, 0)
}

// pruned obeys a Prune. It grafts nobody instead, even where no eager link is
// left: the next announcement will, if one is needed. Where another object brings
// all items first, and every push is a duplicate, none is.
func (n *neighbour) pruned(now protocol.Time) {
	n.turnLazy()
	n.settle(now)
}

// turnLazy holds the link lazy at this end.
func (n *neighbour) turnLazy() {
	n.eager = false
	n.grafting = 0
	n.run = run{}
}

// turnEager holds the link eager at this end.
func (n *neighbour) turnEager() {
	n.eager = true
	n.asks = 0
	n.early = 0
	n.run = run{}
}

// reconcile takes note that the other end holds the link lazy.
func (m *Machine) reconcile(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	if !n.eager || now < n.settled {
		return
	}
	if 0 < n.grafting && n.grafting < maxGrafting {
		m.graft(now, n, nil, out)
		return
	}
	n.turnLazy()
}

// suspect routes around a link that has fallen silent. It is held lazy from here
// on, without a word to the other end, which may be well.
func (m *Machine) suspect(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	if n == nil || n.suspected {
		return
	}
	n.suspected = true
	m.wants.hurry(now, n)
	if n.eager {
		n.turnLazy()
		m.reroute(now, out)
	}
}

// restore trusts a link again. It stays lazy, because another has taken its place,
// unless there was none.
func (m *Machine) restore(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	if n == nil {
		return
	}
	n.suspected = false
	if !slices.ContainsFunc(m.neighbours, func(n *neighbour) bool { return n.eager }) {
		m.reroute(now, out)
	}
}

// reroute grafts the nearest live neighbour with a lazy link, if there is one
// whose link has settled: one that has just been pruned would be a poor choice.
func (m *Machine) reroute(now protocol.Time, out *protocol.Outbox) {
	var best *neighbour
	for _, n := range m.neighbours {
		if n.eager || n.suspected || now < n.settled {
			continue
		}
		if best == nil || n.roundTrip() < best.roundTrip() {
			best = n
		}
	}
	if best != nil {
		m.graft(now, best, nil, out)
	}
}
