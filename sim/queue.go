package sim

import (
	"github.com/quilt-p2p/quilt/protocol"
)

// event is something that happens to one host at one time.
type event struct {
	at    protocol.Time
	seq   uint64 // order among events of one instant: that of their making
	host  int32
	kind  eventKind
	then  eventKind      // of arrivals: what it is behind the downlink
	from  int32          // the other host, of messages and links
	gen   uint32         // of the link, so that what a closed link carried is lost
	input protocol.Input // of inputs
	bytes int            // of messages: length of the encoded frame
	frame frame          // of messages
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
	evArrive   // the last bit of a frame is at the downlink
	numEventKinds
)

// queue is a binary heap of events in order of (at, seq).
type queue struct{ heap []event }

func (q *queue) len() int { return len(q.heap) }

func less(a, b *event) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// push adds an event.
func (q *queue) push(e event) {
	q.heap = append(q.heap, e)
	h := q.heap
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !less(&h[i], &h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop takes the earliest event out. The queue must not be empty.
func (q *queue) pop() event {
	h := q.heap
	first := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h[last] = event{} // let go of what it refers to
	h = h[:last]
	q.heap = h
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && less(&h[child+1], &h[child]) {
			child++
		}
		if !less(&h[child], &h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	return first
}
