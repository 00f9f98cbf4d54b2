package donet

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// answerSlack is what an answer may take beside its round trips and the wire (our
	// guess).
	answerSlack = 50 * time.Millisecond
	// againAfter is the pause before all who say to have an item are asked once more,
	// maxRounds how often; then it is left to repair.
	againAfter = 400 * time.Millisecond
	maxRounds  = 6
	// worthless is the age at which nobody waits for an item any more: it is left to
	// repair (our guess).
	worthless = 15 * time.Second
)

// ask asks for what is due. "The algorithm first calculates the number of potential
// suppliers for each segment [...]. Starting from those with only one potential supplier,
// then those with two, and so forth. Among the multiple potential suppliers, the one with
// the highest bandwidth and enough available time is selected" (INFOCOM 2005, section
// III-C).
func (m *Machine) ask(now protocol.Time, out *protocol.Outbox) {
	if m.wants.due() > now || !m.running {
		return
	}
	var list []*want
	for m.wants.due() <= now {
		w := m.wants.heap[0]
		m.wants.schedule(w, protocol.Never)
		if w.asked != nil && !w.handed {
			m.unanswered(now, w, out)
		}
		if w.handed || now.Sub(w.first) > worthless {
			m.wants.remove(w)
			continue
		}
		list = append(list, w)
	}
	slices.SortStableFunc(list, func(a, b *want) int {
		return cmp.Or(cmp.Compare(a.holders.count(), b.holders.count()), cmp.Compare(a.first, b.first), cmp.Compare(a.seq, b.seq))
	})
	for _, w := range list {
		if m.wants.get(w.st, w.seq) == w {
			m.assign(now, w, out)
		}
	}
	m.sendAsks(now, out)
	m.tellLate(now, list, out)
}

// assign chooses who is asked for an item.
func (m *Machine) assign(now protocol.Time, w *want, out *protocol.Outbox) {
	p := m.supplier(now, w)
	if p == nil || w.gap && w.asks == 0 {
		m.need(now, out) // who else has it?
	}
	if p == nil {
		w.rounds++
		if w.rounds > maxRounds {
			m.wants.remove(w)
			return
		}
		w.tried = peerSet{}
		m.wants.schedule(w, now.Add(againAfter))
		return
	}
	w.tried.add(p)
	w.asks++
	w.asked, w.askedAt = p, now
	p.owes++
	p.toAsk = append(p.toAsk, w)
	m.wants.schedule(w, now.Add(m.patience(p, w)))
}

// supplier is who can be expected to bring an item first, of those that say to have it
// and were not asked in this round; nil for nobody. A gap is first asked of the parent.
func (m *Machine) supplier(now protocol.Time, w *want) (best *peer) {
	if w.gap && w.asks == 0 && w.st.parent != nil && w.st.parent.speaks() && !w.tried.has(w.st.parent) {
		return w.st.parent
	}
	least := time.Duration(0)
	for _, p := range m.peers.order {
		if !w.holders.has(p) || w.tried.has(p) || !p.speaks() || p.owes >= maxInFlight || m.grudges.has(now, p.id) {
			continue
		}
		if d := m.takes(p, w); best == nil || d < least {
			best, least = p, d
		}
	}
	return best
}

// takes is how long a peer may be expected to take for one more item: a round trip, and
// all that it owes at the rate at which it has sent.
func (m *Machine) takes(p *peer, w *want) time.Duration {
	d := p.roundTrip() + time.Duration(float64((p.owes+1)*max(w.size, 256))/p.bandwidth()*float64(time.Second))
	return d * time.Duration(1+p.failed)
}

// patience is for how long an answer is waited for.
func (m *Machine) patience(p *peer, w *want) time.Duration {
	return min(p.roundTrip()*5/4+answerSlack+2*time.Duration(float64((p.owes+1)*max(w.size, 256))/p.bandwidth()*float64(time.Second)), 2*time.Second)
}

// sendAsks sends what was assigned.
func (m *Machine) sendAsks(now protocol.Time, out *protocol.Outbox) {
	for _, p := range m.peers.order {
		if len(p.toAsk) == 0 {
			continue
		}
		for _, st := range m.streams.order {
			var seqs []uint64
			for _, w := range p.toAsk {
				if w.st == st {
					seqs = append(seqs, w.seq)
				}
			}
			for part := range slices.Chunk(seqs, MaxAsk) {
				for _, runs := range runsOf(part) {
					out.Send(p.id, Ask{st.tag, runs}, protocol.Control, now.Add(time.Second))
				}
				out.Note("donet.ask", p.id, protocol.ItemID{}, int64(len(part)))
			}
		}
		p.toAsk = p.toAsk[:0]
	}
}

// answered measures a peer by its answer.
func (m *Machine) answered(now protocol.Time, w *want, p *peer, size int) {
	p.failed = 0
	p.measured(now.Sub(w.askedAt)-p.roundTrip(), size*max(p.owes, 1))
	m.wants.release(w)
}

// unanswered takes note that an answer has not come. Of one who was only thought to have
// the item that says nothing.
func (m *Machine) unanswered(now protocol.Time, w *want, out *protocol.Outbox) {
	p := w.asked
	m.wants.release(w)
	if !w.holders.has(p) {
		return
	}
	p.slower()
	if now < p.failedAt.Add(answerSlack) {
		return
	}
	p.failedAt = now
	p.failed++
	if p.failed >= maxFailed {
		m.distrust(now, p, "unanswered", out)
	}
}

// maxFailed is how many requests in a row, at different times, may stay unanswered (our
// guess: with 5% of messages lost an honest peer comes there once in ten million).
const maxFailed = 5

// tellLate tells children that items are late here too, where they are asked for because
// the parent has not brought them: they are not to blame this peer.
func (m *Machine) tellLate(now protocol.Time, list []*want, out *protocol.Outbox) {
	for _, w := range list {
		st := w.st
		if w.asks != 1 || st.root || len(st.children) == 0 || now < st.lastExcused.Add(lateEvery) {
			continue
		}
		st.lastExcused = now
		for _, c := range st.children {
			out.Send(c.p.id, Late{st.tag}, protocol.Control, now.Add(time.Second))
		}
	}
}

// lateEvery is the least time between two excuses.
const lateEvery = 250 * time.Millisecond

// takeLate excuses the parent, a few times: it has not got what it should have brought,
// and asks for it.
func (m *Machine) takeLate(now protocol.Time, p *peer, tag Tag) {
	st := m.streams.find(tag)
	if st == nil || st.parent != p || st.excuses >= maxExcuses {
		return
	}
	st.excuses++
	st.excused = now.Add(2*p.roundTrip() + excuseFor)
}

// maxExcuses bounds the excuses of one parent until it has brought items for a while
// again, excuseFor is what one is good for beside two round trips (our guesses).
const (
	maxExcuses = 4
	excuseFor  = 150 * time.Millisecond
)
