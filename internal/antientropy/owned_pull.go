package antientropy

import "github.com/quilt-p2p/quilt/protocol"

// outstanding is what neighbours have been asked for and have not sent yet.
func (m *Owned) outstanding() (rs []Range) {
	for _, n := range m.nbrs {
		if n.pull != nil {
			for _, r := range n.pull.ranges {
				rs = add(rs, r)
			}
		}
	}
	return rs
}

// pullFrom asks a neighbour for the lowest entries that are missing and that
// nobody else has been asked for.
func (m *Owned) pullFrom(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	wanted := subtract(m.missing(n), m.outstanding())
	if len(wanted) == 0 {
		m.askForMore(now, n, out)
		return
	}
	size, items := m.budget(n)
	p := &pull{maxBytes: size}
	for _, r := range wanted {
		if items == 0 || len(p.ranges) == MaxPullRanges {
			break
		}
		r.Last = min(r.Last, r.First+uint64(items)-1)
		items -= int(r.Len())
		p.ranges = append(p.ranges, r)
	}
	p.share = share(size, len(p.ranges))
	m.begin(now, n, p)
	out.Note("repair.pull", n.peer, protocol.ItemID{}, int64(count(p.ranges)))
	out.Send(n.peer, Pull{Token: p.token, MaxBytes: size, Ranges: p.ranges}, protocol.Control, p.deadline)
}

// share is what a pull brings of each of its ranges at most.
func share(maxBytes, ranges int) int { return max(maxBytes/ranges, 1) }

// onPull serves a neighbour. The driver streams what is held; the answer is
// clipped to it, so that who pulls does not wait for what cannot come.
func (m *Owned) onPull(now protocol.Time, n *neighbour, p Pull, out *protocol.Outbox) {
	if !m.mayServe(now, n) {
		out.Send(n.peer, Answer{Token: p.Token, Busy: true}, protocol.Control, now.Add(controlFor))
		return
	}
	m.stats.Served++
	a := Answer{Token: p.Token}
	for _, r := range p.Ranges {
		held := clip(m.held.ranges, r)
		if len(held) > 0 {
			a.Ranges = append(a.Ranges, Range{held[0].First, held[len(held)-1].Last})
		}
	}
	out.Send(n.peer, a, protocol.Control, now.Add(serveFor))
	for _, r := range a.Ranges {
		out.FetchRange(n.peer, m.owner, r.First, r.Last, share(p.MaxBytes, len(p.Ranges)), now.Add(serveFor))
	}
}

// onAnswer learns what a pull will bring, and that the neighbour does not hold
// the rest.
func (m *Owned) onAnswer(now protocol.Time, n *neighbour, a Answer, out *protocol.Outbox) {
	p := n.pull
	if p == nil || p.token != a.Token {
		return
	}
	m.dirty = true
	if a.Busy {
		n.pull = nil
		n.backoff = now.Add(jitter(busyRetry, m.rng))
		return
	}
	var coming []Range
	for _, r := range a.Ranges {
		coming = append(coming, clip(p.ranges, r)...)
	}
	for _, r := range subtract(p.ranges, coming) {
		n.feed.runs = remove(append([]Range(nil), n.feed.runs...), r)
	}
	if len(coming) == 0 {
		// Retention may have been at work; or its digest lied, and the next one
		// will.
		n.pull = nil
		m.fail(now, n, out)
		return
	}
	if last := coming[len(coming)-1]; last != p.ranges[len(p.ranges)-1] {
		p.tail = 0
		if contains(p.got, last.Last) { // the items overtook the answer
			p.ranges = coming
			m.finish(now, n)
			return
		}
	}
	p.ranges = coming
}

// onCarry takes in an entry, asked for or not: it may come after its pull has
// ended.
func (m *Owned) onCarry(now protocol.Time, from protocol.PeerID, n *neighbour, c protocol.Carry, out *protocol.Outbox) {
	it := c.Item
	if !m.ours(it) {
		handUp(from, c, out)
		return // the container will refuse it and have the link charged
	}
	switch {
	case m.pending.has(it.ID), m.held.has(it.Seq) && !m.awaited(it.ID):
		m.stats.Duplicates++
	case it.Seq >= m.floor:
		m.awaitStore(now, it, pending{seq: it.Seq, from: from, repaired: true})
		handUp(from, c, out)
	}
	if n != nil && n.pull != nil {
		m.credit(now, n, it)
	}
}

// credit counts an entry towards the pull that asked for it. Entries come in
// ascending order, so the pull is over with the last of its last range, or when
// that has brought its share.
func (m *Owned) credit(now protocol.Time, n *neighbour, it *protocol.Item) {
	p := n.pull
	if !contains(p.ranges, it.Seq) || contains(p.got, it.Seq) {
		return
	}
	p.got = add(p.got, Range{it.Seq, it.Seq})
	m.progress(now, n, it)
	last := p.ranges[len(p.ranges)-1]
	if last.Contains(it.Seq) {
		p.tail += len(it.Bytes)
		if it.Seq == last.Last || p.tail >= p.share {
			m.finish(now, n)
			m.dirty = true
		}
	}
}
