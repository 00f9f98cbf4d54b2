package gossip

import (
	"math"

	"github.com/quilt-p2p/quilt/protocol"
)

// carried hands an item up and notes down how it came, n being nil for a peer that
// is no neighbour.
func (m *Machine) carried(now, at protocol.Time, from protocol.PeerID, n *neighbour, c protocol.Carry, out *protocol.Outbox) {
	repaired := c.Flags&protocol.FlagRepaired != 0
	m.copy.id, m.copy.at, m.copy.repaired = c.Item.ID, at, repaired
	if n != nil {
		n.grafting = 0 // confirmed: it sends
		if repaired {
			n.settled = min(n.settled, at)
			n.backoff = 0
		}
		m.noteCopy(now, at, n, c.Item, repaired)
	}
	hops := c.Hops
	if hops < math.MaxUint8 {
		hops++
	}
	out.Add(protocol.Arrive{Item: c.Item, From: from, Hops: hops, Repaired: repaired})
}

// noteCopy remembers a first copy until the container has judged it.
func (m *Machine) noteCopy(now, at protocol.Time, n *neighbour, it *protocol.Item, repaired bool) {
	w := m.wants.get(it.ID)
	if w != nil && repaired && w.asked == n {
		m.answered(at, w)
	}
	if m.recent.get(it.ID) != nil {
		return
	}
	switch {
	case w == nil:
		w = &want{id: it.ID, size: len(it.Bytes), first: at}
		m.wants.add(w)
	case w.handed:
		w.again = w.again || w.by == n
		w.holders |= n.bit()
		return
	}
	w.handed, w.by, w.came, w.repaired, w.again = true, n, at, repaired, false
	w.holders |= n.bit()
	// A verdict that does not come within the window no longer matters.
	m.wants.schedule(w, now.Add(m.cfg.Cache))
}

// answered measures how long the answer to a Graft took, where it cannot be the
// answer to an earlier one: "RTT samples MUST NOT be made using segments that were
// retransmitted" (RFC 6298, section 3, Karn's algorithm).
func (m *Machine) answered(at protocol.Time, w *want) {
	n := w.asked
	for _, a := range w.announcers {
		if a.n == n && a.tries == 1 {
			wire := w.allowed.Sub(w.askedAt)
			n.answers.add(at.Sub(w.askedAt) - wire)
		}
	}
	w.asked = nil
}

// accepted takes an item into memory and passes it on.
func (m *Machine) accepted(now protocol.Time, in protocol.Accepted, out *protocol.Outbox) {
	id := in.Item.ID
	h := m.recent.get(id)
	if h != nil && !h.presumed {
		return
	}
	if h == nil {
		h = &held{id: id, size: len(in.Item.Bytes), at: now}
		m.recent.add(h)
	}
	h.presumed = false
	m.crossed.accepted(now, in.Item.Author)
	h.by = ownSource
	if in.Repaired {
		h.by = otherSource
	}
	if n := m.find(in.From); n != nil {
		h.holders |= n.bit()
	}
	w := m.wants.get(id)
	if w != nil {
		m.wants.remove(w)
		h.holders |= w.holders
		if w.handed {
			m.delivered(now, h, w, out)
		}
	}
	m.spread(now, in, h, w, out)
}

// spread passes on what was accepted, w being nil for what was not wanted here.
//
// An item that repair brought is not pushed, for those below may have it already.
// It is announced where somebody else announced it lately. Otherwise nobody here
// knows how old it is: a peer that catches up on a year would have its neighbours,
// who no longer recognise the items, fetch them all once more. Repair's digests
// tell those who lack them.
func (m *Machine) spread(now protocol.Time, in protocol.Accepted, h *held, w *want, out *protocol.Outbox) {
	asked := w != nil && w.handed && w.asks > 0
	announced := w != nil && len(w.announcers) > 0
	switch {
	case !in.Repaired || asked:
		m.push(now, in, h, out)
	case announced:
		m.announceToAll(now, h)
	}
}

// delivered learns from how the first copy of an item came.
func (m *Machine) delivered(now protocol.Time, h *held, w *want, out *protocol.Outbox) {
	n := w.by
	h.by = otherSource
	if n == nil {
		return
	}
	h.by = source(n.slot)
	n.stats.deliveries++
	n.stats.delivered = w.came
	if w.repaired {
		h.announced, h.measure = w.first, w.asks > 0
		return
	}
	// The sender of a first copy joins the eager peers (SRDS 2007, algorithm 1). Not
	// while a Prune is on its way there, for then this copy was sent before it
	// arrived.
	if !n.eager && now >= n.settled {
		n.turnEager()
	}
	n.run = run{}
	for _, a := range w.announcers {
		a.n.asks = 0
	}
	if len(w.announcers) > 0 && w.announcers[0].at < w.came {
		m.late.add(w.came.Sub(w.first) - onWire(h.size))
	}
	m.optimise(now, n, w, out)
}
