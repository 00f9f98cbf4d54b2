package gossip

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// retryAfter is for how long an item is left alone that could not be accepted for
// want of room (our guess).
const retryAfter = time.Second

// announced takes in an IHave.
//
// An announced item that is not here is marked as missing, and a timer gives it the
// time to be pushed (SRDS 2007, tree repair).
func (m *Machine) announced(now, at protocol.Time, n *neighbour, msg IHave, out *protocol.Outbox) {
	for _, a := range msg.Items {
		if h := m.recent.get(a.ID); h != nil {
			h.holders |= n.bit()
			continue
		}
		w := m.wants.get(a.ID)
		if w == nil {
			if n.opened == MaxMissingPerNeighbour {
				out.Note("gossip.overflow", n.peer, a.ID, MaxMissingPerNeighbour)
				continue
			}
			w = &want{id: a.ID, size: a.Size, first: at, opener: n, due: m.askAt(at, a.Size)}
			m.wants.add(w)
		}
		w.announcedBy(n, at)
		if a.Size < w.size && !w.handed {
			w.size = a.Size
			if w.asks == 0 {
				m.wants.schedule(w, min(w.due, m.askAt(w.first, a.Size)))
			}
		}
	}
	if msg.Lazy {
		m.reconcile(now, n, out)
	}
}

// askAt is when to ask for an item that was announced at first. Up to a quarter
// of the wait is drawn by lot, so that neighbours do not all ask at once.
func (m *Machine) askAt(first protocol.Time, size int) protocol.Time {
	d := m.wait()
	d += time.Duration(m.rng.Int64N(int64(d)/4 + 1))
	return first.Add(d + onWire(size))
}

// ask asks for what is due.
//
// When the timer expires, the paper grafts the first announcer, and with a second,
// shorter timer the next (SRDS 2007, tree repair). We take the announcer that can
// be expected to answer first.
func (m *Machine) ask(now protocol.Time, out *protocol.Outbox) {
	for m.wants.due() <= now {
		w := m.wants.byDue[0]
		if w.asked != nil {
			w.asked.unanswered(now, w.askedAt)
		}
		a := w.choose(now)
		if a == nil || w.handed || now > w.first.Add(m.cfg.Cache) {
			out.Note("gossip.giveup", "", w.id, int64(w.asks))
			m.wants.remove(w)
			continue
		}
		a.tries++
		m.askOne(now, w, a.n)
	}
	for _, n := range m.neighbours {
		if len(n.toAsk) > 0 {
			m.askFor(now, n, out)
		}
	}
}

// askFor sends n what it is asked for, once or for good.
func (m *Machine) askFor(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	once := !n.eager && !m.cutOff(n)
	for ids := range slices.Chunk(n.toAsk, MaxIDs) {
		ids = slices.Clone(ids)
		if !once {
			m.graft(now, n, ids, out)
			continue
		}
		n.stats.grafts++
		out.Send(n.peer, Graft{Once: true, Items: ids}, protocol.Control, now.Add(maxAnswer))
		out.Note("gossip.ask", n.peer, protocol.ItemID{}, int64(len(ids)))
	}
	n.toAsk = n.toAsk[:0]
}

const (
	// turnAfter is from which time on, of those in a row that a neighbour is asked
	// for what it announced, its link is turned eager by lot, one time in turnOdds;
	// and turnSurely from which time on in any case. (Our measurement: 100 peers, 5
	// publishers at 4 items a second each, after the first flood: 69 to 113 Grafts
	// until the tree was whole, where turning at once took 250.)
	turnAfter  = 2
	turnOdds   = 4
	turnSurely = 5
)

// cutOff counts a time that n is asked for something, and decides by lot whether
// the tree has been cut between here and there, or an item merely got lost.
//
// The paper grafts at once. Where a part of the tree is cut off, all of its peers
// miss the same items at the same time; if each grafted somebody, the tree would
// be full of cycles. One is enough: what it fetches it pushes to the others.
func (m *Machine) cutOff(n *neighbour) bool {
	n.asks++
	switch {
	case n.asks < turnAfter:
		return false
	case n.asks < turnSurely:
		return m.rng.IntN(turnOdds) == 0
	}
	return true
}

// askOne notes down that w is asked of n.
func (m *Machine) askOne(now protocol.Time, w *want, n *neighbour) {
	n.toAsk = append(n.toAsk, w.id)
	n.busy = max(n.busy, now).Add(onWire(w.size))
	w.asks++
	w.asked, w.askedAt = n, now
	w.allowed = n.busy
	m.wants.schedule(w, n.busy.Add(n.answerWait()))
}

// unanswered counts one item that was asked for in vain, and backs off once for
// all that were asked for together.
func (n *neighbour) unanswered(now, asked protocol.Time) {
	n.stats.unanswered++
	if asked >= n.backedOff && n.backoff < maxBackoff {
		n.backoff++
		n.backedOff = now
	}
}

// choose returns whom to ask for w: of those asked least often, live ones first,
// the one that can be expected to answer first; nil where all were asked MaxTries
// times.
func (w *want) choose(now protocol.Time) *announcer {
	var best *announcer
	for i := range w.announcers {
		if a := &w.announcers[i]; a.tries < MaxTries && (best == nil || a.before(best, now)) {
			best = a
		}
	}
	return best
}

func (a *announcer) before(b *announcer, now protocol.Time) bool {
	if a.tries != b.tries {
		return a.tries < b.tries
	}
	if a.n.suspected != b.n.suspected {
		return b.n.suspected
	}
	return a.n.expected(now) < b.n.expected(now)
}

// expected is when an answer of no size, asked for now, can be expected.
func (n *neighbour) expected(now protocol.Time) protocol.Time {
	return max(n.busy, now).Add(n.roundTrip() << n.backoff)
}

// rejected takes back an item that the container did not accept. The ID does not
// cover the signature, so that another neighbour's copy may be good.
func (m *Machine) rejected(now protocol.Time, in protocol.Rejected) {
	if h := m.recent.get(in.ID); h != nil && h.presumed {
		m.recent.remove(h)
	}
	w := m.wants.get(in.ID)
	if w == nil || !w.handed {
		return
	}
	by := w.by
	w.handed, w.by, w.asked = false, nil, nil
	due := now
	if by != nil && in.Retry {
		w.announcedBy(by, now)
	} else if by != nil {
		w.disown(by)
	}
	if in.Retry {
		due = now.Add(retryAfter)
	}
	m.wants.schedule(w, due)
}

// disown stops w from being asked of n.
func (w *want) disown(n *neighbour) {
	for i := range w.announcers {
		if w.announcers[i].n == n {
			w.announcers[i].tries = MaxTries
			return
		}
	}
	if len(w.announcers) < MaxAnnouncers {
		w.announcers = append(w.announcers, announcer{n: n, tries: MaxTries})
	}
}
