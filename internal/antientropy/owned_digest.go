package antientropy

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// controlFor is how long a digest or a reconciliation is of use.
	controlFor = 10 * time.Second
	// replyEvery is the time after which a neighbour is told again what it was
	// told before, if it asks for it by a digest that lacks something: what it
	// was told may have been lost.
	replyEvery = time.Second
	// fewMissing: so many entries beyond our highest, or in a gap that has just
	// opened, are left to the fast path for Config.Grace; more, or older ones, it
	// will not bring.
	fewMissing = 64
	// probes is how many neighbours are asked at once for a gap (our guess).
	probes = 2
)

// digest says what is held from a sequence number on.
func (m *Owned) digest(from uint64) Digest {
	d := Digest{Floor: m.floor, From: m.floor, Top: m.held.top()}
	from = min(from, d.Top)
	i := search(m.held.ranges, from)
	if i > 0 {
		d.From = from
	}
	if listed := m.held.ranges[i:min(len(m.held.ranges), i+MaxDigestRuns)]; len(listed) > 0 {
		d.Runs = append(d.Runs, listed...) // a copy: messages are immutable
		d.Head = m.held.heads[i]
	}
	return d
}

// sendDigest tells a neighbour what is held from a sequence number on.
func (m *Owned) sendDigest(now protocol.Time, n *neighbour, from uint64, out *protocol.Outbox) {
	n.feed.toldVersion, n.feed.toldFrom, n.feed.toldAt = m.version, from, now
	out.Send(n.peer, m.digest(from), protocol.Control, now.Add(controlFor))
}

// somewhere returns where an unprompted digest is to begin: mostly at the floor,
// as the lowest gaps are closed first. But gaps that nobody can close must not
// hide those above for ever.
func (m *Owned) somewhere() uint64 {
	if runs := len(m.held.ranges); runs > MaxDigestRuns && m.rng.IntN(2) == 0 {
		return m.held.ranges[m.rng.IntN(runs)].First
	}
	return m.floor
}

// onDigest takes in what a neighbour holds, and replies if it lacks something.
func (m *Owned) onDigest(now protocol.Time, n *neighbour, d Digest, out *protocol.Outbox) {
	if !n.serve.take(now) {
		m.stats.Refused++
		return
	}
	first, waiting := !n.feed.heard, len(m.missing(n)) > 0
	n.feed.take(d)
	if missing := m.missing(n); len(missing) > 0 {
		behind := count(missing)
		out.Note("repair.behind", n.peer, protocol.ItemID{}, int64(behind))
		recent := missing[0].First > m.held.top() || m.probeAt != protocol.Never
		switch few := behind <= fewMissing; {
		case n.relayed && m.hasDirect():
			if !waiting {
				n.grace = now.Add(relayedGrace)
			}
		case first || !few || !recent:
			n.grace = 0
		case !waiting:
			n.grace = now.Add(m.cfg.Grace)
		}
	}
	m.dirty = true
	if from, lacks := m.lacks(n); lacks {
		repeat := n.feed.toldVersion == m.version && n.feed.toldFrom == from
		if !repeat || now >= n.feed.toldAt.Add(replyEvery) {
			m.sendDigest(now, n, from, out)
		}
	}
	m.lookForFork(now, n, d, out)
}

// take replaces what a digest speaks of.
func (f *feedState) take(d Digest) {
	f.heard, f.asked = true, false
	f.floor, f.from, f.top, f.known = d.Floor, d.From, d.Top, d.Top
	f.listed = d.Runs
	if k := len(d.Runs); k > 0 {
		f.known = d.Runs[k-1].Last
	}
	// What was listed before beyond the new list is likely to be held still.
	rest := subtract(f.runs, []Range{{d.From, max(f.known, d.From)}})
	f.runs = append([]Range(nil), d.Runs...)
	for _, r := range clip(rest, Range{d.Floor, d.Top}) {
		if len(f.runs) < maxRunsKnown {
			f.runs = add(f.runs, r)
		}
	}
}

// maxRunsKnown bounds the runs that are remembered of a neighbour.
const maxRunsKnown = 8 * MaxDigestRuns

// missing is what a neighbour holds that is neither here nor on its way to the
// disk, whether somebody has been asked for it or not.
func (m *Owned) missing(n *neighbour) []Range {
	offered := clip(n.feed.runs, Range{m.floor, m.held.horizon()})
	return subtract(subtract(offered, m.held.ranges), m.pendingSeqs)
}

// lacks returns the first entry that is held, and that a neighbour wants and, as
// far as is known, lacks.
func (m *Owned) lacks(n *neighbour) (first uint64, ok bool) {
	f := &n.feed
	if !f.heard {
		return m.floor, true
	}
	useful := clip(m.held.ranges, Range{max(f.floor, f.from), f.known})
	if missed := subtract(useful, f.listed); len(missed) > 0 {
		return missed[0].First, true
	}
	beyond := max(f.top+1, f.floor)
	return beyond, m.held.top() >= beyond
}

// tell tells the neighbours that lack it of what has been repaired.
func (m *Owned) tell(now protocol.Time, out *protocol.Outbox) {
	for _, n := range m.nbrs {
		if from, ok := m.lacks(n); ok && n.usable() && n.feed.toldVersion != m.version {
			m.sendDigest(now, n, from, out)
		}
	}
}

// probe asks around for gaps that the fast path has left: neighbours reply to a
// digest that lacks something with their own.
func (m *Owned) probe(now protocol.Time, out *protocol.Outbox) {
	gaps := subtract(subtract(m.held.gaps(), m.pendingSeqs), m.outstanding())
	if len(gaps) == 0 {
		return
	}
	var last *neighbour
	for range probes {
		if n := m.someone(); n != nil && n != last {
			out.Note("repair.gap", n.peer, protocol.ItemID{}, int64(count(gaps)))
			m.sendDigest(now, n, gaps[0].First-1, out)
			last = n
		}
	}
}

// askForMore asks a neighbour with many gaps, once after each digest, for what it
// holds beyond those it has listed.
func (m *Owned) askForMore(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	f := &n.feed
	if f.heard && !f.asked && f.known < f.top {
		f.asked = true
		m.sendDigest(now, n, f.known, out)
	}
}
