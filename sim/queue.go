package sim

import (
	"github.com/quilt-p2p/quilt/protocol"
)

// event is something that happens to one host at one time.
type event struct {
	at    protocol.Time
	host  int32
	from  int32     // the other host, of messages and links
	gen   uint32    // of the link, so that what a closed link carried is lost
	bytes int32     // of messages: length of the encoded frame
	kind  eventKind // what happens
	then  eventKind // of arrivals: what it is behind the downlink
	input protocol.Input
	frame frame // of messages
}

// frame is a message under way.
type frame struct {
	topic  protocol.TopicID
	object protocol.ObjectID
	msg    protocol.Message
}

type eventKind uint8

const (
	evWake eventKind = iota
	evInput
	evMessage
	evLinkUp   // the dialled side's and the dialler's view of a finished dial
	evLinkGone // the other side has closed
	evDialled  // a dial arrives at its target
	evUplink   // the uplink is free for the next frame
	evArrive   // the last bit of a frame is at the downlink
	evHeard    // a frame that came by multicast is through the downlink
	evDetect   // the host looks again at its environment
	numEventKinds
)

// queue holds events in order of (time, sequence number): a heap with four children
// a node, half as deep as one with two and with a node's children side by side in
// memory, over the times alone; the events, four times as large, stay in their
// slots.
type queue struct {
	heap []due
	// slots holds the events, free the slots that hold none.
	slots []event
	free  []int32
}

// due is the place of one event in the order.
type due struct {
	at   protocol.Time
	seq  uint64 // order among events of one instant: that of their making
	slot int32
}

func (a *due) before(b *due) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

func (q *queue) len() int { return len(q.heap) }

// next is the earliest event. The queue must not be empty.
func (q *queue) next() *event { return &q.slots[q.heap[0].slot] }

// push adds an event.
func (q *queue) push(seq uint64, e *event) {
	d := due{at: e.at, seq: seq}
	if n := len(q.free); n > 0 {
		d.slot = q.free[n-1]
		q.free = q.free[:n-1]
		q.slots[d.slot] = *e
	} else {
		d.slot = int32(len(q.slots))
		q.slots = append(q.slots, *e)
	}
	q.heap = append(q.heap, d)
	h, i := q.heap, len(q.heap)-1
	for i > 0 {
		parent := (i - 1) / 4
		if !d.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = d
}

// pop takes the earliest event out. The queue must not be empty.
func (q *queue) pop() event {
	h := q.heap
	slot := h[0].slot
	e := q.slots[slot]
	q.slots[slot] = event{} // let go of what it refers to
	q.free = append(q.free, slot)
	last := len(h) - 1
	d := h[last]
	q.heap = h[:last]
	if last > 0 {
		q.sink(d)
	}
	return e
}

// sink puts d in the place of the earliest, and from there to where it belongs.
func (q *queue) sink(d due) {
	h, i := q.heap, 0
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&d) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = d
}
