package donet

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// stream is what one author publishes: which of it is here, and where this peer stands
// in its spanning part.
type stream struct {
	tag    Tag
	have   window
	log    []*held          // accepted, as they came; from first on
	first  int              // how many were forgotten: the number of log[0]
	bySeq  map[uint64]*held // for lookup only
	rels   []*relation      // by the peer's slot; nil for nothing
	used   protocol.Time    // when anything happened
	flow   flow
	late   estimator // how long after an announcement the pushed copy comes
	pushed uint64    // the greatest number that the parent has pushed
	// verified is the greatest number of an item that was accepted.
	verified uint64

	// Where this peer stands.
	tree    bool          // there is a spanning part
	planted protocol.Time // since when
	root    bool          // this is the author's host
	beat    uint64
	beatAt  protocol.Time // when the author's host begins the next; Never elsewhere
	heard   protocol.Time // when beat came
	lag     time.Duration
	// Told to others in beat feasibleBeat, feasible was the least lag: see feasible.go.
	feasible     time.Duration
	feasibleBeat uint64
	path         []uint32
	parent       *peer
	joined       protocol.Time // when it became the parent
	former       *peer         // the parent before, until formerUntil: see handover.go
	formerUntil  protocol.Time
	children     []*child // in the order in which they are sent to
	weight       int
	alt          time.Duration // the least lag known elsewhere
	moves        uint64
	orphan       protocol.Time // since when there is no parent, or was none the last time
	before       time.Duration // the lag before that

	joining     *peer
	joinUntil   protocol.Time
	lookAt      protocol.Time
	lookEvery   time.Duration
	reportAt    protocol.Time // Never for no news
	reported    protocol.Time
	yielding    protocol.Time // until when another place is looked for, because this is asked back
	yieldLimit  time.Duration // up to which lag
	misses      misses
	excused     protocol.Time // until when the parent is not blamed
	excuses     int           // of the present parent
	lastExcused protocol.Time // when the children were told to wait
}

// relation is what is between this peer and another concerning one stream.
type relation struct {
	theirs  window // what it has, or was sent
	stand   Stand
	heard   protocol.Time // when it told its stand; 0 for never
	told    protocol.Time // when it was told this peer's
	standAt protocol.Time // when it is told next; Never for no need
	// Of the map: what of the log it was told, when changes are due, when the last went.
	sent    int
	flushAt protocol.Time
	flushed protocol.Time
	dirty   bool // it is told though it is no partner
}

// child is a peer to which a stream is pushed.
type child struct {
	p             *peer
	weight, value int
	other         time.Duration // the least lag that it knows to have elsewhere
	yields        protocol.Time // until when it has been asked to look elsewhere
}

// streamTable holds the streams, ascending by tag.
type streamTable struct{ order []*stream }

func (t *streamTable) find(tag Tag) *stream {
	i, ok := slices.BinarySearchFunc(t.order, tag, byTag)
	if !ok {
		return nil
	}
	return t.order[i]
}

func byTag(s *stream, t Tag) int { return cmp.Compare(s.tag, t) }

// trees are the streams with a spanning part.
func (t *streamTable) trees() (list []*stream) {
	for _, st := range t.order {
		if st.tree {
			list = append(list, st)
		}
	}
	return list
}

// base is the stream with the spanning part along which items of authors without one
// are sent, both ways: the same at all peers before long. nil for none.
func (t *streamTable) base() *stream {
	for _, st := range t.order {
		if st.tree && (st.attached() || len(st.children) > 0) {
			return st
		}
	}
	return nil
}

// stream returns the stream with a tag, a new one where there is none. Beyond
// MaxStreams the one goes that was idle longest and has no spanning part; nil where all
// have.
func (m *Machine) stream(now protocol.Time, tag Tag) *stream {
	if st := m.streams.find(tag); st != nil {
		st.used = now
		return st
	}
	if len(m.streams.order) == MaxStreams {
		var oldest *stream
		for _, st := range m.streams.order {
			if !st.tree && (oldest == nil || st.used < oldest.used) {
				oldest = st
			}
		}
		if oldest == nil {
			return nil
		}
		m.wants.drop(oldest)
		m.serving.drop(oldest)
		i, _ := slices.BinarySearchFunc(m.streams.order, oldest.tag, byTag)
		m.streams.order = slices.Delete(m.streams.order, i, i+1)
	}
	st := &stream{tag: tag, used: now, bySeq: make(map[uint64]*held), weight: 1,
		beatAt: protocol.Never, lookAt: protocol.Never, reportAt: protocol.Never, joinUntil: protocol.Never, formerUntil: protocol.Never,
		orphan: now, alt: maxLag}
	i, _ := slices.BinarySearchFunc(m.streams.order, tag, byTag)
	m.streams.order = slices.Insert(m.streams.order, i, st)
	return st
}

// rel is what is between this peer and another concerning the stream.
func (st *stream) rel(p *peer) *relation {
	for len(st.rels) <= p.slot {
		st.rels = append(st.rels, nil)
	}
	r := st.rels[p.slot]
	if r == nil {
		r = &relation{standAt: protocol.Never, flushAt: protocol.Never, sent: st.first + len(st.log)}
		st.rels[p.slot] = r
	}
	return r
}

// known is the same where there is something, else nil.
func (st *stream) known(p *peer) *relation {
	if p.slot < len(st.rels) {
		return st.rels[p.slot]
	}
	return nil
}

// forget frees a peer's slot.
func (st *stream) forget(p *peer) {
	if p.slot < len(st.rels) {
		st.rels[p.slot] = nil
	}
	for _, h := range st.log {
		h.served.remove(p)
		h.again.remove(p)
	}
}

// attached reports whether this peer has a place in the spanning part.
func (st *stream) attached() bool { return st.root || st.parent != nil }

// child is the child that a peer is, nil for none.
func (st *stream) child(p *peer) *child {
	for _, c := range st.children {
		if c.p == p {
			return c
		}
	}
	return nil
}

func (st *stream) removeChild(p *peer) {
	st.children = slices.DeleteFunc(st.children, func(c *child) bool { return c.p == p })
}

// held is an item that was accepted here.
type held struct {
	id            protocol.ItemID
	seq           uint64
	size          int
	at            protocol.Time
	served, again peerSet // peers that were sent it on request, once and twice
}

// hold remembers an accepted item. What peers have said decides where the map begins only
// until an item is verified: where one is below a map whose greatest number is nobody's
// but a liar's, the map begins anew.
func (st *stream) hold(now protocol.Time, it *protocol.Item) {
	if !st.have.used {
		st.have.floor(max(it.Seq, 1) - 1)
	}
	if !st.have.add(it.Seq) && st.have.top > st.verified {
		st.have = window{}
		st.have.floor(max(it.Seq, 1) - 1)
		st.have.add(it.Seq)
		for _, h := range st.log {
			st.have.add(h.seq)
		}
	}
	st.verified = max(st.verified, it.Seq)
	h := &held{id: it.ID, seq: it.Seq, size: len(it.Bytes), at: now}
	st.expire(now)
	if len(st.log) == MaxHeld {
		st.drop()
	}
	st.log = append(st.log, h)
	st.bySeq[it.Seq] = h
}

// expire forgets what is too old to be served.
func (st *stream) expire(now protocol.Time) {
	for len(st.log) > 0 && st.log[0].at < now.Add(-remember) {
		st.drop()
	}
}

func (st *stream) drop() {
	if h := st.log[0]; st.bySeq[h.seq] == h { // of two with one number the later is served
		delete(st.bySeq, h.seq)
	}
	st.log[0] = nil
	st.log = st.log[1:]
	st.first++
}

// serve reports whether a peer may be sent an item on request, and counts: twice, for the
// first answer may be lost.
func (h *held) serve(p *peer) bool {
	switch {
	case h.again.has(p):
		return false
	case h.served.has(p):
		h.again.add(p)
	default:
		h.served.add(p)
	}
	return true
}
