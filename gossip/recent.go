package gossip

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// recognised is for how many times Config.Cache a held item is recognised. It is
// announced and served for one; the second is for announcements of those to whom
// it came late.
const recognised = 2

// held is an item that this peer holds, remembered by its ID.
type held struct {
	id   protocol.ItemID
	size int
	at   protocol.Time
	// by is who brought the first copy.
	by source
	// presumed is set where only the container's word says that it is held: it came
	// longer ago than is remembered here, or is being judged for another object.
	presumed bool
	// announced is when it was first announced, where late is still to be measured
	// by the pushed copy that follows the one asked for.
	announced protocol.Time
	measure   bool
	// holders are neighbours known to have it.
	holders set
	// once and twice are those to whom it was sent on request.
	once, twice set
}

// source says where an item's first copy came from: a neighbour's slot, or one of:
type source int

const (
	// ownSource: it was published here, or another object brought it fresh. A copy
	// that a neighbour pushes is one too many.
	ownSource source = -1 - iota
	// otherSource: whatever brought it will not bring the next one: repair, or a
	// neighbour that has gone. It speaks against nobody's pushing.
	otherSource
)

// recent is what this peer has held for a short time: at most MaxRecent items.
type recent struct {
	byID  map[protocol.ItemID]*held
	order []*held // ascending by at, from head on
	head  int
}

func newRecent() recent { return recent{byID: map[protocol.ItemID]*held{}} }

func (r *recent) get(id protocol.ItemID) *held { return r.byID[id] }

func (r *recent) len() int { return len(r.byID) }

// add remembers an item that is not yet there, and forgets the oldest where there
// is no room.
func (r *recent) add(h *held) {
	if r.len() == MaxRecent {
		r.pop()
	}
	if r.head > len(r.order)/2 {
		n := copy(r.order, r.order[r.head:])
		clear(r.order[n:])
		r.order, r.head = r.order[:n], 0
	}
	r.byID[h.id] = h
	r.order = append(r.order, h)
}

// pop forgets the oldest.
func (r *recent) pop() {
	delete(r.byID, r.order[r.head].id)
	r.order[r.head] = nil
	r.head++
}

// remove forgets one.
func (r *recent) remove(h *held) {
	delete(r.byID, h.id)
	i := r.head + slices.Index(r.order[r.head:], h)
	r.order = slices.Delete(r.order, i, i+1)
}

// expire forgets what has been here since before.
func (r *recent) expire(before protocol.Time) {
	for r.head < len(r.order) && r.order[r.head].at < before {
		r.pop()
	}
}

// forget makes a neighbour's slot free for another.
func (r *recent) forget(n *neighbour) {
	for _, h := range r.order[r.head:] {
		h.holders &^= n.bit()
		h.once &^= n.bit()
		h.twice &^= n.bit()
		if h.by == source(n.slot) {
			h.by = otherSource
		}
	}
}

// fresh reports whether an item is still announced and served.
func (m *Machine) fresh(now protocol.Time, h *held) bool {
	return now <= h.at.Add(m.cfg.Cache)
}
