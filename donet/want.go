package donet

import (
	"container/heap"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// want is an item that is known of, or handed up, and not accepted yet.
type want struct {
	st      *stream
	seq     uint64
	size    int
	first   protocol.Time // when it was first heard of
	holders peerSet       // who says to have it
	tried   peerSet       // who was asked in this round
	opener  *peer         // who named it first, and counts it
	gap     bool          // the parent has passed it over

	asked   *peer // who was asked last, and has not answered; nil for nobody
	askedAt protocol.Time
	asks    int
	rounds  int
	due     protocol.Time

	handed   bool // to the container, which has not said yet
	id       protocol.ItemID
	by       *peer
	came     protocol.Time
	repaired bool

	index int // in the heap
	order uint64
}

type wantKey struct {
	tag Tag
	seq uint64
}

// wants holds them: looked up by stream and number, and a heap by when something is due.
// Ties are as they came.
type wants struct {
	byKey map[wantKey]*want // for lookup only
	heap  wantHeap
	made  uint64
}

func newWants() wants { return wants{byKey: make(map[wantKey]*want)} }

func (ws *wants) get(st *stream, seq uint64) *want { return ws.byKey[wantKey{st.tag, seq}] }

// add returns the want of an item, a new one where there is none; nil where there are
// MaxWants.
func (ws *wants) add(now protocol.Time, st *stream, seq uint64) *want {
	if w := ws.get(st, seq); w != nil {
		return w
	}
	if len(ws.heap) >= MaxWants {
		return nil
	}
	ws.made++
	w := &want{st: st, seq: seq, first: now, due: protocol.Never, order: ws.made}
	ws.byKey[wantKey{st.tag, seq}] = w
	heap.Push(&ws.heap, w)
	return w
}

func (ws *wants) remove(w *want) {
	ws.release(w)
	if w.opener != nil {
		w.opener.opened--
	}
	delete(ws.byKey, wantKey{w.st.tag, w.seq})
	heap.Remove(&ws.heap, w.index)
}

// release takes note that who was asked owes the item no more.
func (ws *wants) release(w *want) {
	if w.asked != nil {
		w.asked.owes--
		w.asked = nil
	}
}

func (ws *wants) schedule(w *want, due protocol.Time) {
	w.due = due
	heap.Fix(&ws.heap, w.index)
}

func (ws *wants) due() protocol.Time {
	if len(ws.heap) == 0 {
		return protocol.Never
	}
	return ws.heap[0].due
}

// all is a copy of the list that may be changed meanwhile.
func (ws *wants) all() []*want { return append([]*want(nil), ws.heap...) }

// hurry has what was asked of a peer that is gone asked of another.
func (ws *wants) hurry(now protocol.Time, p *peer) {
	for _, w := range ws.all() {
		if w.asked == p {
			ws.release(w)
			if !w.handed {
				ws.schedule(w, now)
			}
		}
	}
}

// hurryStream has all that is known of asked for: nobody will push it.
func (ws *wants) hurryStream(now protocol.Time, st *stream) {
	for _, w := range ws.all() {
		if w.st == st && !w.handed && w.asks == 0 {
			ws.schedule(w, now)
		}
	}
}

// forget takes a peer out of all.
func (ws *wants) forget(p *peer) {
	for _, w := range ws.heap {
		w.holders.remove(p)
		w.tried.remove(p)
		if w.asked == p {
			w.asked = nil
		}
		if w.by == p {
			w.by = nil
		}
		if w.opener == p {
			w.opener = nil
		}
	}
}

// drop removes all of a stream.
func (ws *wants) drop(st *stream) {
	for _, w := range ws.all() {
		if w.st == st {
			ws.remove(w)
		}
	}
}

// wantHeap is ordered by due, then as they came.
type wantHeap []*want

func (h wantHeap) Len() int { return len(h) }
func (h wantHeap) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].order < h[j].order
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

const (
	// minWait and maxWait bound how long a named item is waited for (our guesses).
	minWait = 5 * time.Millisecond
	maxWait = 1500 * time.Millisecond
	// wireRate in bytes a second is what an item is taken to travel at (our guess: a
	// modest uplink).
	wireRate = 1 << 18
)

func onWire(size int) time.Duration { return time.Duration(size) * time.Second / wireRate }

// freshParent is for how long after a join what a parent names is taken to be from before it
// (our guess).
const freshParent = 60 * time.Millisecond

// wait is for how long an item that a peer names is waited for before it is asked for: as
// long as pushed copies have come after, a little more than a round trip while nothing is
// known, and not at all where nobody is there to push it.
func (m *Machine) wait(now protocol.Time, st *stream, p *peer, size int) time.Duration {
	if st.parent == nil && !st.root || st.misses.row > 0 || now < m.silence.hurt {
		return 0
	}
	if p == st.parent && st.former == nil && now.Sub(st.joined) < freshParent {
		return gapWait // it names what it got before it had this child: it will not push that
	}
	d := st.late.bound()
	if st.late.samples < 4 && st.parent != nil {
		d = max(d, p.roundTrip()*5/4, st.parent.roundTrip()*5/4)
	}
	return min(max(d, minWait), maxWait) + onWire(size)
}

// announced takes note that a peer has an item that is not here; it reports whether that
// is the first word of it.
func (m *Machine) announced(now protocol.Time, st *stream, p *peer, seq uint64, size int, out *protocol.Outbox) bool {
	w := m.wants.get(st, seq)
	news := w == nil
	if news {
		if p.opened >= MaxWantsPerPeer {
			return false
		}
		if w = m.wants.add(now, st, seq); w == nil {
			out.Note("donet.overflow", p.id, protocol.ItemID{}, MaxWants)
			return false
		}
		w.size, w.opener = size, p
		p.opened++
	}
	w.holders.add(p)
	if w.handed {
		return false
	}
	if due := now.Add(m.wait(now, st, p, size)); w.asks == 0 && !w.gap && due < w.due {
		m.wants.schedule(w, due)
	}
	if w.asked == nil && w.asks > 0 {
		m.wants.schedule(w, min(w.due, now))
	}
	return news
}
