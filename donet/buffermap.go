package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// recently is the age up to which items are named to who has just come.
	recently = 2 * time.Second
	// catchUpNumbers is how far below the greatest number that a newcomer hears of its
	// map begins: what is older it gets from repair.
	catchUpNumbers = 256
)

// changed has what is new told to partners, and to whom else it is owed.
func (m *Machine) changedMap(now protocol.Time, st *stream) {
	for _, p := range m.peers.order {
		r := st.known(p)
		if !p.speaks() || !p.partner() && (r == nil || !r.dirty) {
			continue
		}
		if r == nil {
			r = st.rel(p)
			r.sent-- // what has just come is news to it
		}
		if r.flushAt == protocol.Never && !p.congested {
			r.flushAt = max(now, r.flushed.Add(m.mapPause(now, st, p)))
		}
	}
}

// mapPause is the time between two maps for a peer. Who is pushed what is new wants to know
// of it only when something has gone wrong, and says so then.
func (m *Machine) mapPause(now protocol.Time, st *stream, p *peer) time.Duration {
	if now < p.needy || !st.attached() || m.cfg.Paper {
		return mapEvery
	}
	return mapRest
}

// retellAll has a peer whose queue has drained told what it was not sent.
func (m *Machine) retellAll(now protocol.Time, p *peer) {
	for _, st := range m.streams.order {
		if r := st.known(p); r != nil && (r.dirty || p.partner()) {
			r.flushAt = now
		}
	}
}

// owe has a peer told of an item that was not pushed to it after all.
func (m *Machine) owe(now protocol.Time, st *stream, p *peer, seq uint64) {
	r := st.rel(p)
	r.theirs.remove(seq)
	for i := len(st.log) - 1; i >= 0; i-- {
		if st.log[i].seq == seq {
			r.sent = min(r.sent, st.first+i)
			break
		}
	}
	r.dirty = true
	if !p.congested {
		r.flushAt = min(r.flushAt, max(now, r.flushed.Add(mapEvery)))
	}
}

// flushMaps sends the changes that are due, and those that are not urgent and soon will
// be.
func (m *Machine) flushMaps(now protocol.Time, out *protocol.Outbox) {
	for _, st := range m.streams.order {
		for _, p := range m.peers.order {
			r := st.known(p)
			if r == nil || r.flushAt == protocol.Never {
				continue
			}
			if r.flushAt <= now || r.flushAt <= now.Add(mapEarly) && now >= r.flushed.Add(mapRest-mapEarly) {
				r.flushAt = protocol.Never
				if p.speaks() && !p.congested {
					m.flushMap(now, st, p, r, out)
				}
			}
		}
	}
}

// flushMap sends a peer what is new and not known to be there too, and with it what was
// new a moment ago.
func (m *Machine) flushMap(now protocol.Time, st *stream, p *peer, r *relation, out *protocol.Outbox) {
	news := false
	from := max(r.sent-st.first, 0)
	for _, h := range st.log[from:] {
		news = news || !r.theirs.has(h.seq)
	}
	r.sent, r.dirty = st.first+len(st.log), false
	if !news {
		return
	}
	for from > 0 && st.log[from-1].at >= now.Add(-retell*m.mapPause(now, st, p)) {
		from--
	}
	m.sendMap(now, st, p, st.log[from:], false, out)
	if r.standAt <= now.Add(standEvery/2) && st.tree {
		m.tellStand(now, st, p, false, out) // in the same packet
	}
}

// flushFull sends a peer all that was accepted lately.
func (m *Machine) flushFull(now protocol.Time, st *stream, p *peer, out *protocol.Outbox) {
	if m.cfg.Paper {
		return
	}
	r := st.rel(p)
	r.sent, r.flushAt = st.first+len(st.log), protocol.Never
	from := len(st.log)
	for from > 0 && st.log[from-1].at >= now.Add(-recently) {
		from--
	}
	if from < len(st.log) {
		m.sendMap(now, st, p, st.log[from:], true, out)
	}
}

// tellRecent names what was accepted lately to a peer in need.
func (m *Machine) tellRecent(now protocol.Time, p *peer, out *protocol.Outbox) {
	for _, st := range m.streams.order {
		m.flushFull(now, st, p, out)
		st.rel(p).dirty = true
	}
}

// catchUp names to a new child what came lately.
func (m *Machine) catchUp(now protocol.Time, st *stream, p *peer) {
	r := st.rel(p)
	i := len(st.log)
	for i > 0 && st.log[i-1].at >= now.Add(-recently) {
		i--
	}
	r.sent, r.dirty = st.first+i, true
	if i < len(st.log) {
		r.flushAt = now
	}
}

// sendMap sends a map of some items.
func (m *Machine) sendMap(now protocol.Time, st *stream, p *peer, list []*held, full bool, out *protocol.Outbox) {
	seqs := make([]uint64, len(list))
	for i, h := range list {
		seqs[i] = h.seq
	}
	st.rel(p).flushed = now
	size := min(int(st.flow.size), protocol.MaxItemSize)
	for _, runs := range runsOf(seqs) {
		out.Send(p.id, Map{Full: full, Tag: st.tag, Size: size, Runs: runs}, protocol.Control, now.Add(recently))
	}
}

// runsOf makes runs of numbers, at most MaxRuns and MaxSpan in a message; it sorts seqs.
func runsOf(seqs []uint64) (messages [][]Run) {
	slices.Sort(seqs)
	var runs []Run
	span := 0
	for i, s := range seqs {
		last := len(runs) - 1
		switch {
		case i > 0 && seqs[i-1] == s:
			continue
		case span == MaxSpan || last == MaxRuns-1 && runs[last].First+uint64(runs[last].Count) != s:
			messages = append(messages, runs)
			runs, span = []Run{{s, 1}}, 0
		case last >= 0 && runs[last].First+uint64(runs[last].Count) == s:
			runs[last].Count++
		default:
			runs = append(runs, Run{s, 1})
		}
		span++
	}
	if len(runs) > 0 {
		messages = append(messages, runs)
	}
	return messages
}

// takeMap takes note of what a peer has, and when to ask for what does not come.
func (m *Machine) takeMap(now protocol.Time, p *peer, msg Map, out *protocol.Outbox) {
	st := m.stream(now, msg.Tag)
	if st == nil {
		return
	}
	last := msg.Runs[len(msg.Runs)-1]
	if top := last.First + uint64(last.Count) - 1; !st.have.used {
		st.have.floor(max(top, catchUpNumbers) - catchUpNumbers)
	}
	r := st.rel(p)
	news := false
	for _, run := range msg.Runs {
		for seq := run.First; seq < run.First+uint64(run.Count); seq++ {
			if r.theirs.add(seq) && !st.have.has(seq) {
				news = m.announced(now, st, p, seq, msg.Size, out) || news
			}
		}
	}
	if news {
		m.hearNews(now)
	}
	m.ask(now, out)
	if now >= r.flushed.Add(mapRest/2) && r.flushAt != protocol.Never {
		r.flushAt = now // one acknowledgement of the transport less than later
		m.flushMaps(now, out)
	}
}
