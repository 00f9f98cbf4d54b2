package omni

import (
	"container/heap"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// want is an item announced, or handed up, and not accepted yet.
type want struct {
	id    Short
	size  int
	first protocol.Time // when it was first heard of
	from  []*peer       // who announced it, as they came; at most MaxAnnouncers
	asked peerSet       // those that were asked
	below bool          // a child announced it
	// excused is set where the parent has said that it has not got it either.
	excused bool
	holders peerSet
	asks    int
	due     protocol.Time

	handed   bool // to the container, which has not said yet
	by       *peer
	came     protocol.Time
	repaired bool
	author   protocol.PeerID

	index int // in the heap
	seq   uint64
}

// wants holds them: looked up by ID, and a heap by when something is due. Ties are as
// they came.
type wants struct {
	byID map[Short]*want // for lookup only
	heap wantHeap
	seq  uint64
}

func newWants() wants { return wants{byID: make(map[Short]*want)} }

func (ws *wants) get(id Short) *want { return ws.byID[id] }

// add returns the want of an item, a new one where there is none; nil where there are
// MaxWants.
func (ws *wants) add(id Short, now protocol.Time) *want {
	if w := ws.byID[id]; w != nil {
		return w
	}
	if len(ws.heap) >= MaxWants {
		return nil
	}
	ws.seq++
	w := &want{id: id, first: now, due: protocol.Never, seq: ws.seq}
	ws.byID[id] = w
	heap.Push(&ws.heap, w)
	return w
}

func (ws *wants) remove(w *want) {
	delete(ws.byID, w.id)
	heap.Remove(&ws.heap, w.index)
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

// hurry has what was asked of a peer that is gone asked of another, hurryAll all that
// is announced asked for: nobody will push it.
func (ws *wants) hurry(now protocol.Time, p *peer) {
	for _, w := range append(wantHeap(nil), ws.heap...) {
		if !w.handed && w.asked.has(p) {
			ws.schedule(w, now)
		}
	}
}

func (ws *wants) hurryAll(now protocol.Time) {
	for _, w := range append(wantHeap(nil), ws.heap...) {
		if !w.handed && w.asks == 0 && len(w.from) > 0 {
			ws.schedule(w, now)
		}
	}
}

// forget takes a peer out of all.
func (ws *wants) forget(p *peer) {
	for _, w := range ws.heap {
		for i := 0; i < len(w.from); i++ {
			if w.from[i] == p {
				w.from = append(w.from[:i:i], w.from[i+1:]...)
				i--
			}
		}
		w.asked.remove(p)
		w.holders.remove(p)
		if w.by == p {
			w.by = nil
		}
	}
}

// wantHeap is ordered by due, then as they came.
type wantHeap []*want

func (h wantHeap) Len() int { return len(h) }
func (h wantHeap) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].seq < h[j].seq
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
	// minWait and maxWait bound how long an announced item is waited for (our guesses).
	minWait = 5 * time.Millisecond
	maxWait = 1500 * time.Millisecond
	// unknownRTT stands in for a round trip that nobody has measured (our guess).
	unknownRTT = 100 * time.Millisecond
	// wireRate in bytes a second is what an item is taken to travel at (our guess: a
	// modest uplink).
	wireRate = 1 << 19
	// answerSlack is what an answer may take beside two round trips (our guess).
	answerSlack = 40 * time.Millisecond
)

func onWire(size int) time.Duration { return time.Duration(size) * time.Second / wireRate }

// estimator is the smoothed mean and deviation of a duration, as in RFC 6298, section
// 2: "RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|, SRTT <- (1 - alpha) * SRTT +
// alpha * R'", alpha 1/8 and beta 1/4.
type estimator struct {
	mean, dev time.Duration
	samples   int
}

func (e *estimator) add(sample time.Duration) {
	e.samples++
	if e.samples == 1 {
		e.mean, e.dev = sample, max(sample, -sample)/2
		return
	}
	diff := max(e.mean-sample, sample-e.mean)
	e.dev += (diff - e.dev) / 4
	e.mean += (sample - e.mean) / 8
}

// bound is what a sample rarely exceeds: "RTO <- SRTT + max (G, K*RTTVAR), K = 4".
func (e *estimator) bound() time.Duration { return e.mean + 4*e.dev }

// wait is for how long an item that p announces is waited for before it is asked for:
// as long as copies have come after announcements, hardly at all where they come before
// them, a little more than the round trip while nothing is known, and not at all where
// nobody is there to push it.
func (m *Machine) wait(p *peer, size int) time.Duration {
	if m.parent == nil && !m.isRoot() || m.misses.row > 0 || m.hurt {
		return 0
	}
	d := m.late.bound()
	if m.late.samples < 4 {
		d = max(d, p.roundTrip()+p.roundTrip()/4)
		if m.parent != nil {
			d = max(d, m.parent.roundTrip()*5/4)
		}
	}
	return min(max(d, minWait), maxWait) + onWire(size)
}

func (p *peer) roundTrip() time.Duration {
	if p.rtt == 0 {
		return unknownRTT
	}
	return p.rtt
}
