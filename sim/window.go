package sim

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Nothing that a host does is known to another before the least latency of the topology
// has passed. So all that is due within a window of that length can happen to different
// hosts in any order, or at once, and come to the same: the conservative simulation in
// parallel of Chandy and Misra (Asynchronous distributed simulation via a sequence of
// parallel computations, CACM 1981), with a barrier at the end of each window. What
// hosts have in common is kept a lane at a time and put together, in the order that one
// processor would have made it in, when the window is over.

// minBeside is for how many events at least it is worth to wake other processors (our
// guess: they take some microseconds each, to wake another one as much).
const minBeside = 32

// window is a lane's part of one.
type window struct {
	// end is the first instant after it, 0 outside.
	end protocol.Time
	// ready is what was due in it when it began, in order; own what its hosts have made
	// happen to themselves since, in the order of heap.
	ready []event
	next  int
	own   []event
	heap  []due
	// out is what is due later, or to others.
	out    []event
	events uint64
	// happened is what did, in order, with trace and told for all of it.
	happened []happened
	trace    trace
	told     []told
	merged   int // of happened
	broken   any // what a host panicked with: to be raised where somebody can say more
}

// happened is one event that happened, and how far in the window's trace and in told
// what belongs to it goes.
type happened struct {
	at          protocol.Time
	seq         uint64
	trace, told int
}

// beside is how long windows are now, 0 where everything must happen one after another:
// where something is drawn for message after message, or somebody watches, or hosts have
// a segment in common, or no time passes between them.
func (n *Network) beside() time.Duration {
	c := &n.cfg
	if c.Beside == nil || len(n.lanes) < 2 || c.Loss > 0 || c.Jitter > 0 || c.Lose != nil ||
		c.Watch != nil || c.After != nil || n.see != nil || n.alone || len(n.segments) > 0 {
		return 0
	}
	return n.least
}

// runWindow lets everything happen that is due before end, on all lanes.
func (n *Network) runWindow(end protocol.Time) {
	count := 0
	for ; n.queue.len() > 0 && n.queue.next().at < end; count++ {
		e := n.queue.pop()
		w := &n.laneOf(e.host).window
		w.ready = append(w.ready, e)
	}
	for _, l := range n.lanes {
		l.window.end, l.trace = end, &l.window.trace
	}
	if count < minBeside {
		for _, run := range n.runs {
			run()
		}
	} else {
		n.cfg.Beside(n.runs)
	}
	for _, l := range n.lanes {
		if l.window.broken != nil {
			panic(l.window.broken)
		}
	}
	n.merge()
	for _, l := range n.lanes {
		l.trace = &n.trace
		l.window.close(n)
	}
}

// laneOf is the lane that a host is dealt to, without a look at the host itself.
func (n *Network) laneOf(host int32) *lane { return n.lanes[int(host)%len(n.lanes)] }

// merge puts together what the lanes have to tell, in order.
func (n *Network) merge() {
	for {
		var first *window
		for _, l := range n.lanes {
			if w := &l.window; w.merged < len(w.happened) && (first == nil || w.head().before(first.head())) {
				first = w
			}
		}
		if first == nil {
			return
		}
		first.tell(n)
	}
}

func (w *window) head() *happened { return &w.happened[w.merged] }

func (a *happened) before(b *happened) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// tell tells the network of the next event that happened.
func (w *window) tell(n *Network) {
	var from happened
	if w.merged > 0 {
		from = w.happened[w.merged-1]
	}
	to := w.head()
	w.merged++
	n.now = to.at
	n.trace.add(w.trace.wait[from.trace:to.trace])
	for _, t := range w.told[from.told:to.told] {
		n.hear(t)
	}
}

// close gives the queue what is due later, and leaves the window empty, with its room.
func (w *window) close(n *Network) {
	for i := range w.out {
		n.queue.push(w.out[i].seq, &w.out[i])
	}
	n.events += w.events
	clear(w.ready)
	clear(w.out)
	clear(w.own)
	clear(w.told)
	*w = window{ready: w.ready[:0], own: w.own[:0], heap: w.heap[:0], out: w.out[:0],
		happened: w.happened[:0], trace: trace{wait: w.trace.wait[:0]}, told: w.told[:0]}
}

// schedule keeps an event until its time has come.
func (w *window) schedule(by *Host, e *event) {
	switch {
	case e.at >= w.end:
		w.out = append(w.out, *e)
	case e.host == by.index:
		w.heap = pushDue(w.heap, due{e.at, e.seq, int32(len(w.own))})
		w.own = append(w.own, *e)
	default:
		panic(fmt.Sprintf("sim: seed %d, %v: host %d is known of at host %d after %v, and the least latency is %v",
			by.net.cfg.Seed, by.lane.now, by.index, e.host, e.at.Sub(by.lane.now), by.net.least))
	}
}

// run lets everything happen that is due to the lane's hosts within the window.
func (l *lane) run() {
	w := &l.window
	defer func() { w.broken = recover() }()
	for w.take(&l.event) {
		e := &l.event
		l.now = e.at
		at, seq := e.at, e.seq // downlink changes the event
		if l.step(e) {
			w.events++
			w.happened = append(w.happened, happened{at, seq, len(w.trace.wait), len(w.told)})
		}
	}
}

// take takes out the next event of the window; it reports whether there is one.
func (w *window) take(e *event) bool {
	switch ready := w.next < len(w.ready); {
	case len(w.heap) > 0 && (!ready || w.heap[0].before(&due{at: w.ready[w.next].at, seq: w.ready[w.next].seq})):
		*e = w.own[w.heap[0].slot]
		w.heap = popDue(w.heap)
	case ready:
		*e = w.ready[w.next]
		w.next++
	default:
		return false
	}
	return true
}
