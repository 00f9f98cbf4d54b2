package swarm

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// phase is how far a transfer is.
type phase uint8

const (
	waiting  phase = iota // for a place
	opening               // for the driver
	noRoom                // the driver had none
	fetching              // pieces
	done                  // all are here
)

// state is where one piece is.
type state uint8

const (
	missing state = iota
	asked
	writing
	held
)

// transfer is one content.
type transfer struct {
	root   large.Hash
	items  []protocol.ItemID // its manifests
	item   *protocol.Item    // one of them; nil once done
	pieces int
	phase  phase

	// While fetching.
	layout   large.Layout
	tree     *large.Tree
	state    []state
	have     large.Bits
	left     int      // pieces not yet held
	lacking  []uint32 // missing, with a known hash: to be asked for, in no order
	index    []uint32 // the same, of index pieces
	avail    []uint16 // how many sides have each piece, those with all not counted
	requests []request
	moved    protocol.Time // last progress
	askAt    protocol.Time // when to ask neighbours anew
	askPause time.Duration
	openAt   protocol.Time // noRoom: when to ask the driver again

	sides  []*side  // by neighbour
	seed   *seeding // nil where all is shown to everybody
	spread bool     // and it stays so
}

// request is one piece asked of one neighbour.
type request struct {
	piece uint32
	side  *side
	at    protocol.Time
}

// side is what is known of one neighbour about one content.
type side struct {
	n      *neighbour
	known  bool       // it has told
	all    bool       // it has all
	has    large.Bits // else what it has, nil for nothing
	useful int        // of what it has, how many are in lacking or index

	fresh []uint32 // what it is to be told
	whole bool     // it is to be told all anew
	wants []uint32 // what it waits for
	// wantedAt is when it last asked for any.
	wantedAt protocol.Time
	shown    *shown // what it is shown where that is not all
}

// side returns what is known of a neighbour, made if need be.
func (t *transfer) side(n *neighbour) *side {
	i, ok := t.findSide(n)
	if !ok {
		t.sides = slices.Insert(t.sides, i, &side{n: n})
	}
	return t.sides[i]
}

func (t *transfer) findSide(n *neighbour) (int, bool) {
	return slices.BinarySearchFunc(t.sides, n, func(s *side, n *neighbour) int { return cmp.Compare(s.n.id, n.id) })
}

// removeSide forgets a neighbour, whose requests were taken back.
func (t *transfer) removeSide(n *neighbour) {
	i, ok := t.findSide(n)
	if !ok {
		return
	}
	s := t.sides[i]
	t.count(s, nil, false)
	if t.seed != nil {
		t.seed.giveBack(s)
	}
	t.sides = slices.Delete(t.sides, i, i+1)
	if t.phase == done && len(t.sides) == 0 {
		t.seed = nil
	}
}

// news reports whether somebody is to be told something.
func (t *transfer) news() bool {
	return slices.ContainsFunc(t.sides, func(s *side) bool { return s.whole || len(s.fresh) > 0 })
}

// held reports whether this host has a piece.
func (t *transfer) held(i int) bool { return t.phase == done || t.phase == fetching && t.have.Has(i) }

// accepted takes in an item that may be a manifest.
func (m *Machine) accepted(now protocol.Time, it *protocol.Item, out *protocol.Outbox) {
	man, ok := large.Of(it)
	if !ok {
		return
	}
	root := man.Root()
	if t := m.byRoot[root]; t != nil {
		if len(t.items) < MaxItems && !slices.Contains(t.items, it.ID) {
			t.items = append(t.items, it.ID)
		}
		if t.phase == done {
			out.Add(Done{Topic: m.cfg.Topic, Root: root, Items: []protocol.ItemID{it.ID}})
		}
		return
	}
	if len(m.waiting) >= MaxWaiting {
		out.Note("swarm.no-place", "", it.ID, man.Size())
		return
	}
	t := &transfer{root: root, item: it, items: []protocol.ItemID{it.ID}, pieces: man.Pieces(), layout: man.Layout}
	m.byRoot[root] = t
	m.waiting = append(m.waiting, t)
	m.refill(now, out)
}

// refill gives free places to transfers that wait. One without progress makes room.
func (m *Machine) refill(now protocol.Time, out *protocol.Outbox) {
	if len(m.waiting) > 0 && len(m.fetching) >= MaxFetching {
		i := slices.IndexFunc(m.fetching, func(t *transfer) bool {
			return now.Sub(t.moved) >= yieldAfter && (t.phase == fetching || t.phase == noRoom)
		})
		if i < 0 {
			return
		}
		t := m.fetching[i]
		m.fetching = slices.Delete(m.fetching, i, i+1)
		m.park(t)
		m.waiting = append(m.waiting, t)
	}
	for len(m.waiting) > 0 && len(m.fetching) < MaxFetching {
		t := m.waiting[0]
		m.waiting = slices.Delete(m.waiting, 0, 1)
		m.fetching = append(m.fetching, t)
		t.phase, t.moved = opening, now
		out.Add(Open{Topic: m.cfg.Topic, Root: t.root, Item: t.item})
	}
}

// park takes a transfer back to where it was before it had a place: what is on disk
// the driver will say again.
func (m *Machine) park(t *transfer) {
	for _, r := range t.requests {
		r.side.n.asked--
		m.inFlight -= t.layout.Len(int(r.piece))
	}
	*t = transfer{root: t.root, item: t.item, items: t.items, pieces: t.pieces, layout: t.layout}
}

// opened begins to fetch.
func (m *Machine) opened(now protocol.Time, in Opened, out *protocol.Outbox) {
	t := m.byRoot[in.Root]
	if t == nil || t.phase != opening {
		return
	}
	if !in.OK {
		t.phase, t.openAt = noRoom, now.Add(openAgain)
		out.Note("swarm.no-room", "", t.items[0], t.layout.Size())
		return
	}
	t.phase, t.moved = fetching, now
	t.begin(in)
	if t.left == 0 {
		m.finish(now, t, out)
		return
	}
	t.askPause = askAgain
	t.askAt = now.Add(askAgain)
	for _, n := range m.peers {
		m.introduce(now, t, t.side(n), out)
	}
}

// begin sets up what a transfer knows of its pieces.
func (t *transfer) begin(in Opened) {
	t.have, t.tree = in.Have, in.Tree
	if t.have == nil {
		t.have = large.NewBits(t.pieces)
	}
	if t.tree == nil {
		m, _ := large.Of(t.item)
		t.tree = large.NewTree(m)
	}
	t.state = make([]state, t.pieces)
	t.avail = make([]uint16, t.pieces)
	t.left = t.pieces
	sides := t.sides // who has told already
	t.sides = nil
	for i := range t.pieces {
		if t.have.Has(i) {
			t.state[i] = held
			t.left--
		} else if _, known := t.tree.Hash(i); known {
			t.lack(i)
		}
	}
	for _, s := range sides {
		has, all := s.has, s.all
		s.has, s.all = nil, false
		t.sides = append(t.sides, s)
		t.count(s, has, all)
	}
}

// lack puts a piece among those to be asked for.
func (t *transfer) lack(i int) {
	t.state[i] = missing
	if i < t.layout.Index() {
		t.index = append(t.index, uint32(i))
	} else {
		t.lacking = append(t.lacking, uint32(i))
	}
	for _, s := range t.sides {
		if s.hasPiece(i) {
			s.useful++
		}
	}
}

// unlack takes it out again: the k-th of a list.
func (t *transfer) unlack(list *[]uint32, k int) int {
	i := int((*list)[k])
	(*list)[k] = (*list)[len(*list)-1]
	*list = (*list)[:len(*list)-1]
	for _, s := range t.sides {
		if s.hasPiece(i) {
			s.useful--
		}
	}
	return i
}

func (s *side) hasPiece(i int) bool { return s.all || s.has.Has(i) }

// finish: everything is here.
func (m *Machine) finish(now protocol.Time, t *transfer, out *protocol.Outbox) {
	m.fetching = slices.DeleteFunc(m.fetching, func(o *transfer) bool { return o == t })
	out.Add(Done{Topic: m.cfg.Topic, Root: t.root, Items: slices.Clone(t.items)})
	t.phase, t.spread = done, true
	t.item, t.tree, t.state, t.have, t.lacking, t.index, t.avail, t.requests = nil, nil, nil, nil, nil, nil, nil, nil
	t.sides = slices.DeleteFunc(t.sides, func(s *side) bool { return s.all || !s.known })
	for _, s := range t.sides {
		s.fresh, s.whole = nil, true
	}
	m.keep(t)
	m.startServing(t)
	m.tell(now, t, out)
	m.refill(now, out)
}

// keep remembers a content that is here in full.
func (m *Machine) keep(t *transfer) {
	if len(m.done) >= MaxDone {
		old := m.done[0]
		m.done = slices.Delete(m.done, 0, 1)
		m.serving = slices.DeleteFunc(m.serving, func(o *transfer) bool { return o == old })
		delete(m.byRoot, old.root)
	}
	m.done = append(m.done, t)
}

// kept takes in what is on disk in full.
func (m *Machine) kept(in Kept) {
	if m.byRoot[in.Root] != nil {
		return // Opened tells
	}
	t := &transfer{root: in.Root, layout: in.Layout, pieces: in.Layout.Pieces(), phase: done}
	m.byRoot[in.Root] = t
	m.keep(t)
}

// gone forgets a content.
func (m *Machine) gone(now protocol.Time, root large.Hash, out *protocol.Outbox) {
	t := m.byRoot[root]
	if t == nil {
		return
	}
	is := func(o *transfer) bool { return o == t }
	m.park(t)
	delete(m.byRoot, root)
	m.fetching = slices.DeleteFunc(m.fetching, is)
	m.waiting = slices.DeleteFunc(m.waiting, is)
	m.done = slices.DeleteFunc(m.done, is)
	m.serving = slices.DeleteFunc(m.serving, is)
	m.refill(now, out)
}

// startServing notes that neighbours ask for a content that is here in full. Where
// that are too many the one for longest asked about is to be asked for anew.
func (m *Machine) startServing(t *transfer) {
	if len(t.sides) == 0 || slices.Contains(m.serving, t) {
		return
	}
	if len(m.serving) >= MaxServing {
		m.serving[0].sides, m.serving[0].seed = nil, nil
		m.serving = slices.Delete(m.serving, 0, 1)
	}
	m.serving = append(m.serving, t)
}

// idle ends the serving of a content that nobody lacks any more.
func (m *Machine) idle(t *transfer) {
	t.sides = slices.DeleteFunc(t.sides, func(s *side) bool { return s.all && len(s.wants) == 0 })
	if len(t.sides) == 0 {
		t.seed = nil
		m.serving = slices.DeleteFunc(m.serving, func(o *transfer) bool { return o == t })
	}
}
