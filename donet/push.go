package donet

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// pushLife is for how long a pushed item may wait in a queue, answerLife the answer to
	// an Ask (our guesses). What is dropped is told.
	pushLife   = 5 * time.Second
	answerLife = 4 * time.Second
	// maxGap bounds the numbers that are looked for because the parent passed them over.
	maxGap = 64
)

// carried hands an item up and notes down how it came.
func (m *Machine) carried(now protocol.Time, from protocol.PeerID, c protocol.Carry, out *protocol.Outbox) {
	repaired := c.Flags&protocol.FlagRepaired != 0
	p := m.peers.find(from)
	if st := m.stream(now, m.tag(c.Item.Author)); st != nil && m.running {
		m.cameBy(now, st, p, c.Item, repaired, out)
	}
	hops := c.Hops
	if hops < math.MaxUint8 {
		hops++
	}
	out.Add(protocol.Arrive{Item: c.Item, From: from, Hops: hops, Repaired: repaired})
}

// cameBy notes down how a copy came: p is nil for a peer with which there is nothing.
func (m *Machine) cameBy(now protocol.Time, st *stream, p *peer, it *protocol.Item, repaired bool, out *protocol.Outbox) {
	seq := it.Seq
	if p != nil {
		p.spoke = now
		p.got.add(now, len(it.Bytes))
		st.rel(p).theirs.add(seq)
		if w := m.wants.get(st, seq); w != nil && w.asked == p {
			m.answered(now, w, p, len(it.Bytes))
		}
		switch {
		case repaired:
		case p == st.parent:
			st.misses.came(now)
		case st.tree && st.joining != p && st.former != p && m.streams.base() != nil && st.child(p) == nil:
			m.notMine(now, st, p, out)
		}
	}
	if st.have.has(seq) {
		return
	}
	if w := m.wants.add(now, st, seq); w != nil && !w.handed {
		w.handed, w.id, w.by, w.came, w.repaired = true, it.ID, p, now, repaired
		m.wants.schedule(w, now.Add(judged))
		m.hearNews(now)
	}
}

// judged is for how long a verdict of the container is waited for.
const judged = 10 * time.Second

// gap looks for numbers that the parent has passed over before one that is verified: their
// copies were lost, or the parent lacks them too.
func (m *Machine) gap(now protocol.Time, st *stream, seq uint64) {
	from := st.pushed + 1
	first := st.pushed == 0
	st.pushed = max(st.pushed, seq)
	if first || seq <= from || seq-from > maxGap {
		return
	}
	for s := from; s < seq; s++ {
		if !st.have.has(s) && m.wants.get(st, s) == nil {
			if w := m.wants.add(now, st, s); w != nil {
				w.size, w.gap = int(st.flow.size), true
				m.wants.schedule(w, now.Add(gapWait))
			}
		}
	}
}

// gapWait is for how long a number that was passed over may come late (our guess): the
// parent may just have got it itself.
const gapWait = 8 * time.Millisecond

// accepted takes an item into memory and passes it on.
func (m *Machine) accepted(now protocol.Time, in protocol.Accepted, out *protocol.Outbox) {
	st := m.stream(now, m.tag(in.Item.Author))
	if st == nil || !m.running {
		return
	}
	seq := in.Item.Seq
	w := m.wants.get(st, seq)
	mine := in.From == "" || w != nil && w.handed
	if w != nil {
		m.learn(now, st, w, out)
		m.wants.remove(w)
	}
	st.hold(now, in.Item)
	if st.parent != nil && in.From == st.parent.id && !in.Repaired {
		m.gap(now, st, seq)
	}
	st.flow.add(now, len(in.Item.Bytes))
	if m.cfg.Paper {
		return
	}
	if in.From == "" && in.Item.Author == m.self {
		m.mayRoot(now, st)
		if st.beatAt <= now.Add(beatEarly) {
			m.beat(now, st) // with the item
		}
	}
	if mine || !in.Repaired {
		m.push(now, st, in, out)
	} else {
		// Those who are served by this peer may have it by repair as well: they are told.
		for _, c := range st.children {
			m.owe(now, st, c.p, seq)
		}
	}
	m.changedMap(now, st)
	m.flushMaps(now, out)
}

// push sends an item at once to those that surely lack it: the children in the stream's
// spanning part; without one, or while its own is new, both ways along the part that all
// share. Without any the author's neighbours lack it; everybody else's are told of it and
// ask, or each would get it from all.
func (m *Machine) push(now protocol.Time, st *stream, in protocol.Accepted, out *protocol.Outbox) {
	base := m.streams.base()
	placed := st.tree && (st.attached() || len(st.children) > 0)
	if placed {
		for _, c := range st.children {
			m.pushTo(now, st, c.p, in, out)
		}
	}
	switch {
	case base == nil || placed && base == st && st.root && len(st.children) == 0:
		for _, p := range m.peers.order {
			if !p.speaks() {
				continue
			}
			if in.From == "" {
				m.pushTo(now, st, p, in, out)
			} else if !st.rel(p).theirs.has(in.Item.Seq) && p.id != in.From {
				m.owe(now, st, p, in.Item.Seq)
			}
		}
	case base != st && (!placed || st.root && now.Sub(st.planted) < youngFor):
		for _, c := range base.children {
			m.pushTo(now, st, c.p, in, out)
		}
		if base.parent != nil {
			m.pushTo(now, st, base.parent, in, out)
		}
	}
}

// youngFor is for how long an author's own spanning part is taken to lack some (our guess).
const youngFor = 2 * time.Second

// pushTo sends an item to a peer that is not known to have it. A congested one is told
// later: it does not keep others from anything.
func (m *Machine) pushTo(now protocol.Time, st *stream, p *peer, in protocol.Accepted, out *protocol.Outbox) {
	r := st.rel(p)
	switch seq := in.Item.Seq; {
	case p.id == in.From || r.theirs.has(seq):
	case p.congested:
		m.owe(now, st, p, seq)
	default:
		r.theirs.add(seq)
		p.gave.add(now, len(in.Item.Bytes))
		out.Send(p.id, protocol.Carry{Item: in.Item, Hops: in.Hops}, protocol.Fresh, now.Add(pushLife))
	}
}

// sendDropped has a peer told of what could not be sent.
func (m *Machine) sendDropped(now protocol.Time, in protocol.SendDropped) {
	p := m.peers.find(in.Peer)
	if p == nil || in.Item == nil {
		return
	}
	if st := m.streams.find(m.tag(in.Item.Author)); st != nil {
		m.owe(now, st, p, in.Item.Seq)
	}
}

// duplicate takes note that an item was known to the container: it is not sought.
func (m *Machine) duplicate(now protocol.Time, in protocol.Duplicate) {
	for _, w := range m.wants.heap {
		if w.handed && w.id == in.ID && w.came == now {
			w.st.have.add(w.seq)
			m.wants.remove(w)
			return
		}
	}
}

// rejected takes back an item that the container did not accept. Another's copy may be
// good; who brought a bad one is not asked again.
func (m *Machine) rejected(now protocol.Time, in protocol.Rejected, out *protocol.Outbox) {
	p := m.peers.find(in.From)
	if !in.Retry && p != nil {
		m.distrust(now, p, "garbage", out)
	}
	for _, w := range m.wants.heap {
		if !w.handed || w.id != in.ID {
			continue
		}
		w.handed, w.by = false, nil
		due := now
		if in.Retry {
			due = now.Add(time.Second)
		}
		if p != nil && !in.Retry {
			w.holders.remove(p)
			w.st.rel(p).theirs.remove(w.seq)
		}
		m.wants.schedule(w, due)
		return
	}
}
