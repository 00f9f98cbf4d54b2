package antientropy

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxWants bounds the keys that are remembered of what a neighbour has and we
// lack; when they are pulled the next reconciliation finds the rest.
const MaxWants = 4096

// want notes what a neighbour has and we lack. A few items are left to the fast
// path for a while, unless they are known to be old.
func (m *Open) want(now protocol.Time, n *neighbour, lacking []Key, old bool) {
	if len(lacking) == 0 {
		return
	}
	t := &n.topic
	if n.relayed && m.hasDirect() {
		if len(t.wants) == 0 {
			n.grace = now.Add(relayedGrace)
		}
	} else if old || len(lacking) > fewMissing {
		n.grace = 0
	} else if len(t.wants) == 0 {
		n.grace = now.Add(m.cfg.Grace)
	}
	t.add(lacking)
	m.dirty = true
}

// add notes keys, the oldest if there are too many.
func (t *topicState) add(keys []Key) {
	t.wants = mergeKeys(t.wants, keys)
	if len(t.wants) > MaxWants {
		t.wants = t.wants[:MaxWants]
		t.more = true
	}
}

// mergeKeys returns the union of two ascending lists.
func mergeKeys(a, b []Key) []Key {
	union := slices.Concat(a, b)
	slices.SortFunc(union, Key.Compare)
	return slices.Compact(union)
}

// asked returns the IDs that neighbours have been asked for and have not sent.
func (m *Open) asked() map[protocol.ItemID]bool {
	asked := make(map[protocol.ItemID]bool)
	for _, n := range m.nbrs {
		if n.pull != nil {
			for _, k := range n.pull.keys {
				asked[k.ID] = true
			}
		}
	}
	return asked
}

// pullFrom asks a neighbour for the oldest items that it has, and that nobody
// else has been asked for. What is pending stays wanted: it may yet be lost.
func (m *Open) pullFrom(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	t := &n.topic
	if len(t.wants) == 0 {
		return
	}
	size, items := m.budget(n)
	elsewhere := m.asked()
	t.wants = slices.DeleteFunc(t.wants, func(k Key) bool { return k.Compare(m.floor) < 0 || m.keys.has(k) })
	coming := func(k Key) bool { return m.pending.has(k.ID) || elsewhere[k.ID] }
	free := 0
	var first Key
	for _, k := range t.wants {
		if !coming(k) {
			if free++; free == 1 {
				first = k
			}
		}
	}
	if free == 0 {
		return
	}
	items = min(items, MaxWantKeys, m.share(now, n, free, first))
	p := &pull{maxBytes: size}
	var rest []Key
	for _, k := range t.wants {
		if len(p.keys) == items || coming(k) {
			rest = append(rest, k)
		} else {
			p.keys = append(p.keys, k)
		}
	}
	t.wants = rest
	p.asked, p.sending = slices.Clone(p.keys), len(p.keys)
	m.begin(now, n, p)
	out.Note("repair.pull", n.peer, protocol.ItemID{}, int64(len(p.keys)))
	out.Send(n.peer, Want{Token: p.token, Keys: p.asked}, protocol.Control, p.deadline)
}

// leastShare is how many items a pull asks for at least, though others have them too (our
// guess): each pull costs a round trip.
const leastShare = 8

// share is how many of so many items to ask a neighbour for where others have some too:
// half of what falls to it, so that what is left goes to whoever is through first (guided
// self-scheduling; Polychronopoulos, Kuck, 1987). After a partition everybody has what is
// lacking, and the first that is asked may have the slowest line. Who has the first of them
// is taken to have the others.
func (m *Open) share(now protocol.Time, n *neighbour, items int, first Key) int {
	all := 1
	for _, o := range m.nbrs {
		_, has := slices.BinarySearchFunc(o.topic.wants, first, Key.Compare)
		if o != n && has && o.usable() && o.backoff <= now && (n.relayed || !o.relayed) {
			all++
		}
	}
	if all == 1 {
		return items
	}
	return max((items+2*all-1)/(2*all), leastShare)
}

// onWant serves a neighbour.
func (m *Open) onWant(now protocol.Time, n *neighbour, w Want, out *protocol.Outbox) {
	if !m.mayServe(now, n) {
		out.Send(n.peer, Answer{Token: w.Token, Busy: true}, protocol.Control, now.Add(controlFor))
		return
	}
	m.stats.Served++
	a := Answer{Token: w.Token}
	var ids []protocol.ItemID
	for i, k := range w.Keys {
		if m.keys.has(k) {
			position := uint64(i + 1)
			a.Ranges = add(a.Ranges, Range{position, position})
			ids = append(ids, k.ID)
		}
	}
	out.Send(n.peer, a, protocol.Control, now.Add(serveFor))
	if len(ids) > 0 {
		out.FetchAndSend(n.peer, ids, now.Add(serveFor))
	}
}

// onAnswer learns which of the items asked for will come; the neighbour does not
// have the others.
func (m *Open) onAnswer(now protocol.Time, n *neighbour, a Answer, out *protocol.Outbox) {
	p := n.pull
	if p == nil || p.token != a.Token {
		return
	}
	m.dirty = true
	if a.Busy {
		m.putBack(n)
		n.pull = nil
		n.backoff = now.Add(jitter(busyRetry, m.rng))
		return
	}
	var coming []Key
	for i, k := range p.asked {
		if contains(a.Ranges, uint64(i+1)) {
			coming = append(coming, k)
		}
	}
	if len(coming) == 0 {
		n.pull = nil
		m.fail(now, n, out)
		return
	}
	p.asked, p.sending = coming, len(coming)
	p.keys = slices.DeleteFunc(p.keys, func(k Key) bool {
		_, ok := slices.BinarySearchFunc(coming, k, Key.Compare)
		return !ok
	})
	if len(p.keys) == 0 { // the items overtook the answer
		m.finish(now, n)
	}
}

// putBack makes what has not come of a pull wanted again.
func (m *Open) putBack(n *neighbour) {
	n.topic.add(n.pull.keys)
}

// expirePull ends a pull at its deadline.
func (m *Open) expirePull(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	m.putBack(n)
	m.expire(now, n, n.pull.sending, out)
	m.dirty = true
}

// onCarry takes in an item, asked for or not: it may come after its pull has
// ended.
func (m *Open) onCarry(now protocol.Time, from protocol.PeerID, n *neighbour, c protocol.Carry, out *protocol.Outbox) {
	it := c.Item
	k := KeyOf(it)
	switch {
	case m.pending.has(it.ID), m.keys.has(k):
		m.stats.Duplicates++
	case k.Compare(m.floor) >= 0:
		m.pending.add(now, it.ID, pending{seq: it.Seq, from: from, repaired: true})
		handUp(from, c, out)
	}
	if n != nil && n.pull != nil {
		m.credit(now, n, it)
	}
}

// credit counts an item towards the pull that asked for it. Items come in the
// order of the request, so the pull is over with its last.
func (m *Open) credit(now protocol.Time, n *neighbour, it *protocol.Item) {
	p := n.pull
	i := slices.IndexFunc(p.keys, func(k Key) bool { return k.ID == it.ID })
	if i < 0 {
		return
	}
	last := p.keys[i] == p.asked[len(p.asked)-1]
	p.keys = slices.Delete(p.keys, i, i+1)
	m.progress(now, n, it)
	if last || len(p.keys) == 0 {
		m.putBack(n)
		m.finish(now, n)
		m.dirty = true
	}
}
