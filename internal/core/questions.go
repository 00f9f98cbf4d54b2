package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// question is one item asked about.
type question struct {
	id       protocol.ItemID
	asker    protocol.PeerID // who asked us first; empty where this host asks
	until    protocol.Time
	againAt  protocol.Time // when this host repeats it; Never for others' questions
	pause    time.Duration // before it is repeated once more
	passedAt protocol.Time // when it was last put to the neighbours
	flushAt  protocol.Time // when gathered answers go on; Never without any
	stored   bool          // this host has stored it
	known    []protocol.PeerID
	fresh    []protocol.PeerID // of known, not yet passed on
}

// own reports whether it is this host's question.
func (q *question) own() bool { return q.asker == "" }

// repeat has all that is known passed on once more.
func (q *question) repeat(at protocol.Time) {
	q.fresh = slices.Clone(q.known)
	if len(q.fresh) > 0 {
		q.flushAt = min(q.flushAt, at)
	}
}

// questions are the questions of one topic that are open, this host's own and those
// of others apart, so that these never push out those; oldest first.
type questions struct {
	own, others []*question
	counted     int // peers that are known for others' questions
}

// get returns the question about an item, nil for none.
func (qs *questions) get(id protocol.ItemID) *question {
	for _, list := range [][]*question{qs.own, qs.others} {
		for _, q := range list {
			if q.id == id {
				return q
			}
		}
	}
	return nil
}

// each calls f with every question.
func (qs *questions) each(f func(*question)) {
	for _, list := range [][]*question{qs.own, qs.others} {
		for _, q := range list {
			f(q)
		}
	}
}

// add remembers a question. Beyond a bound the oldest one goes, of this host's own,
// of the same asker, or of all others.
func (qs *questions) add(q *question) {
	if q.own() {
		if len(qs.own) >= MaxOwnAsks {
			qs.own = slices.Delete(qs.own, 0, 1)
		}
		qs.own = append(qs.own, q)
		return
	}
	n, first := 0, -1
	for i, o := range qs.others {
		if o.asker == q.asker {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	switch {
	case n >= MaxAsksPerPeer:
		qs.remove(qs.others[first])
	case len(qs.others) >= MaxAsks:
		qs.remove(qs.others[0])
	}
	qs.others = append(qs.others, q)
}

// remove forgets a question.
func (qs *questions) remove(q *question) {
	is := func(o *question) bool { return o == q }
	if slices.ContainsFunc(qs.others, is) {
		qs.counted -= len(q.known)
	}
	qs.own = slices.DeleteFunc(qs.own, is)
	qs.others = slices.DeleteFunc(qs.others, is)
}

// expire forgets those whose time is over.
func (qs *questions) expire(now protocol.Time) {
	over := func(q *question) bool { return q.until <= now }
	for _, q := range qs.others {
		if over(q) {
			qs.counted -= len(q.known)
		}
	}
	qs.own = slices.DeleteFunc(qs.own, over)
	qs.others = slices.DeleteFunc(qs.others, over)
}

// count adds a peer to those that have stored an item; it reports whether it is
// new, and there was room.
func (qs *questions) count(q *question, p protocol.PeerID) bool {
	if len(q.known) >= MaxReceiptPeers || !q.own() && qs.counted >= MaxCounted {
		return false
	}
	i, ok := slices.BinarySearch(q.known, p)
	if ok {
		return false
	}
	q.known = slices.Insert(q.known, i, p)
	q.fresh = append(q.fresh, p)
	if !q.own() {
		qs.counted++
	}
	return true
}
