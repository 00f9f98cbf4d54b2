package gossip

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Why a duplicate does not always prune at once. The eager links of several
// publishers are one tree. Where it has a cycle, the two copies of one publisher's
// item meet at one link of the cycle, those of another's at another link. Were both
// cut at once, the tree would fall apart, be grafted at several places, have
// cycles again, and so on: with five publishers and 100 peers it went on for
// minutes, and items took 0.5 s instead of 0.1 s (our measurement). So while items
// of several authors are on their way, a link is pruned only after a time drawn by
// lot, and only if no first copy came over it in between. Somebody on the cycle is
// the first to cut it, and then there are no more duplicates to make the others
// cut theirs.

const (
	// crossWindow is how far apart items of different authors may be accepted to be
	// taken as on their way at the same time, and for how long that holds: longer
	// than an item is on its way (our guess).
	crossWindow = time.Second
	// holdTrips is how many round trips over the longest eager link a Prune is held
	// back at most (our measurement: with 2 a tree of 100 peers and 5 publishers
	// took twice as long to settle; 8 was no better).
	holdTrips = 4
	// runGap ends a run of duplicates (our guess).
	runGap = 3 * time.Second
)

// run is a run of duplicates over one link without a first copy between them. The
// zero value is none.
type run struct {
	open        bool
	prune, last protocol.Time // when to prune, and when the last came
}

// crossed notices when items of different authors are on their way at once.
type crossed struct {
	author protocol.PeerID // of the last item
	last   protocol.Time   // when it was accepted
	until  protocol.Time
}

func (c *crossed) accepted(now protocol.Time, author protocol.PeerID) {
	if c.author != "" && c.author != author && now < c.last.Add(crossWindow) {
		c.until = now.Add(crossWindow)
	}
	c.author, c.last = author, now
}

// ripe notes down a duplicate from n and reports whether it is time to prune.
func (m *Machine) ripe(now protocol.Time, n *neighbour) bool {
	if now >= m.crossed.until {
		return true
	}
	if !n.run.open || now >= n.run.last.Add(runGap) {
		hold := holdTrips * max(m.greatestRTT(), n.roundTrip())
		n.run.open = true
		n.run.prune = now.Add(time.Duration(m.rng.Int64N(int64(hold))))
	}
	n.run.last = now
	return now >= n.run.prune
}

// duplicate prunes a link that brought a copy too many.
//
// The sender of a duplicate becomes a lazy peer, and is told by a Prune (SRDS 2007,
// tree construction).
func (m *Machine) duplicate(now protocol.Time, in protocol.Duplicate, out *protocol.Outbox) {
	n := m.find(in.From)
	w, h := m.wants.get(in.ID), m.recent.get(in.ID)
	if w != nil && w.handed && w.by == n && !w.again {
		// What is new here is known to the container.
		h = &held{id: w.id, size: w.size, at: now, by: otherSource, presumed: true, holders: w.holders}
		m.wants.remove(w)
		m.recent.add(h)
	}
	if n == nil {
		return
	}
	n.stats.duplicates++
	by := otherSource
	switch {
	case h != nil:
		h.holders |= n.bit()
		by = h.by
		m.measureLate(n, h)
	case w != nil:
		// The first copy is still being judged. If it is refused, this one was good.
		w.announcedBy(n, now)
		if w.by != nil {
			by = source(w.by.slot)
		}
	}
	if now >= n.settled && m.redundant(n, by) && m.ripe(now, n) {
		m.prune(now, n, in.ID, out)
	}
}

// measureLate learns from a pushed copy that came after the item had been asked
// for elsewhere: the wait was too short.
func (m *Machine) measureLate(n *neighbour, h *held) {
	if h.measure && n.eager && m.copy.id == h.id && !m.copy.repaired {
		h.measure = false
		m.late.add(m.copy.at.Sub(h.announced) - onWire(h.size))
	}
}

// redundant reports whether n need not push, another having brought the first
// copy: one that is eager still, so that crossing duplicates of several items
// cannot prune every link.
func (m *Machine) redundant(n *neighbour, by source) bool {
	switch by {
	case ownSource:
		return true
	case otherSource:
		return false
	}
	first := m.slots[by]
	return first != n && first.eager
}
