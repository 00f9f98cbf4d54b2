package gossip

import (
	"container/heap"
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// want is an item that was announced or handed up, and is not yet accepted.
type want struct {
	id protocol.ItemID
	// size is the least announced, so that a liar cannot lengthen the wait.
	size int
	// first is when it was first announced, or came.
	first protocol.Time
	// opener is who announced it first, and counts it; nil if gone or nobody.
	opener *neighbour
	// announcers are neighbours that announced it, first one first; at most
	// MaxAnnouncers.
	announcers []announcer
	// holders are all neighbours known to have it, announcers among them.
	holders set

	// asked is who was asked last, at askedAt; nil for nobody, or when it has gone.
	asked   *neighbour
	askedAt protocol.Time
	// allowed is the wait for the answer that is due to size, its own and that of
	// what was asked for before.
	allowed protocol.Time
	// asks counts the Grafts for it.
	asks int

	// handed is set while a copy of it is with the container; came says when, and
	// by whom: nil for a neighbour that has gone.
	handed   bool
	by       *neighbour
	came     protocol.Time
	repaired bool
	again    bool // the same neighbour sent another copy meanwhile

	due   protocol.Time // when to ask for it
	order uint64        // of creation
	index int           // in the heap
}

// announcer is a source of a missing item.
type announcer struct {
	n     *neighbour
	at    protocol.Time // when it announced
	tries int           // how often it was asked
}

// wants are the missing items, at most MaxMissing, soonest due first.
type wants struct {
	byID    map[protocol.ItemID]*want
	byDue   wantHeap
	created uint64
}

func newWants() wants { return wants{byID: map[protocol.ItemID]*want{}} }

func (ws *wants) get(id protocol.ItemID) *want { return ws.byID[id] }

func (ws *wants) len() int { return len(ws.byDue) }

// due is when the next item is due.
func (ws *wants) due() protocol.Time {
	if len(ws.byDue) == 0 {
		return protocol.Never
	}
	return ws.byDue[0].due
}

// add makes room for w by dropping the oldest, and adds it.
func (ws *wants) add(w *want) {
	if len(ws.byDue) == MaxMissing {
		oldest := ws.byDue[0]
		for _, o := range ws.byDue {
			if o.order < oldest.order {
				oldest = o
			}
		}
		ws.remove(oldest)
	}
	ws.created++
	w.order = ws.created
	if w.opener != nil {
		w.opener.opened++
	}
	ws.byID[w.id] = w
	heap.Push(&ws.byDue, w)
}

func (ws *wants) remove(w *want) {
	if w.opener != nil {
		w.opener.opened--
	}
	delete(ws.byID, w.id)
	heap.Remove(&ws.byDue, w.index)
}

// schedule sets when to ask for w.
func (ws *wants) schedule(w *want, due protocol.Time) {
	w.due = due
	heap.Fix(&ws.byDue, w.index)
}

// hurry makes what a neighbour was asked for due at once: it will not answer.
func (ws *wants) hurry(now protocol.Time, n *neighbour) {
	for _, w := range ws.byDue {
		if w.asked == n && !w.handed {
			w.asked = nil
			w.due = now
		}
	}
	heap.Init(&ws.byDue)
}

// forget removes a neighbour that has gone from all wants.
func (ws *wants) forget(now protocol.Time, n *neighbour) {
	ws.hurry(now, n)
	for _, w := range ws.byDue {
		w.holders &^= n.bit()
		w.announcers = slices.DeleteFunc(w.announcers, func(a announcer) bool { return a.n == n })
		if w.opener == n {
			w.opener = nil
		}
		if w.asked == n {
			w.asked = nil
		}
		if w.by == n {
			w.by = nil
		}
	}
}

// announcedBy adds a source of w; further ones than MaxAnnouncers are remembered
// as holders only.
func (w *want) announcedBy(n *neighbour, at protocol.Time) {
	known := slices.ContainsFunc(w.announcers, func(a announcer) bool { return a.n == n })
	if !known && len(w.announcers) < MaxAnnouncers {
		w.announcers = append(w.announcers, announcer{n: n, at: at})
	}
	w.holders |= n.bit()
}

// wantHeap implements heap.Interface.
type wantHeap []*want

func (h wantHeap) Len() int { return len(h) }

func (h wantHeap) Less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].order < h[j].order
}

func (h wantHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *wantHeap) Push(x any) {
	w := x.(*want)
	w.index = len(*h)
	*h = append(*h, w)
}

func (h *wantHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}
