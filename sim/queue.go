package sim

import (
	"github.com/quilt-p2p/quilt/protocol"
)

// event is something that happens to one host at one time.
type event struct {
	at    protocol.Time
	seq   uint64
	host  int32
	from  int32     // the other host, of messages and links
	gen   uint64    // of the link, so that what a closed link carried is lost
	bytes int32     // of messages: length of the encoded frame
	kind  eventKind // what happens
	then  eventKind // of arrivals: what it is behind the downlink
	ahead airborne  // of arrivals: how long it was on the sender's line
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

// queue holds events in order of (time, sequence number). It is a ring of buckets of
// about a millisecond each: an event is put into that of its time and stays there;
// only the bucket whose turn has come is put in order, by a heap that then fits the
// processor's cache. With one heap over the events of a hundred thousand hosts every
// step of a sift is a cache miss.
type queue struct {
	count int
	// The bucket of the present has number turn; it holds what is due before
	// (turn+1)*bucketSpan, and heap is the order of what is left in it.
	turn int64
	heap []due
	ring [buckets]bucket
	// spare are chunks that no bucket has, used is how many one has.
	spare []*chunk
	used  int
	// far holds what is due beyond the ring, ordered by time as heap is.
	far      []due
	farSlots []event
	farFree  []int32
}

const (
	bucketSpan = 1 << 20 // ns
	buckets    = 4096    // 4.3 s: all but the time-outs of dials
	// chunkSize is how many events a bucket has room for at a time. What is due in
	// seconds is little beside what is due at once, and there are many buckets.
	chunkSize = 8
)

// bucket is the events of one millisecond, in the order in which they were pushed.
type bucket struct {
	chunks []*chunk
	n      int32
}

type chunk [chunkSize]event

// at is the place of one event.
func (b *bucket) at(slot int32) *event { return &b.chunks[slot/chunkSize][slot%chunkSize] }

// due is the place of one event in the order.
type due struct {
	at   protocol.Time
	seq  uint64 // order among events of one instant: that of their making
	slot int32
}

func (a *due) before(b *due) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

func (q *queue) len() int { return q.count }

// push adds an event.
func (q *queue) push(seq uint64, e *event) {
	q.count++
	turn := max(int64(e.at)/bucketSpan, q.turn) // the clock may stand before the bucket
	if turn >= q.turn+buckets {
		q.pushFar(seq, e)
		return
	}
	slot := q.put(turn, e)
	q.ring[turn%buckets].at(slot).seq = seq
	if turn == q.turn {
		q.heap = pushDue(q.heap, due{e.at, seq, slot})
	}
}

// put puts an event into a bucket and returns where.
func (q *queue) put(turn int64, e *event) int32 {
	b := &q.ring[turn%buckets]
	slot := b.n
	if int(slot) == len(b.chunks)*chunkSize {
		b.chunks = append(b.chunks, q.chunk())
	}
	*b.at(slot) = *e
	b.n++
	return slot
}

// chunk returns an empty one.
func (q *queue) chunk() *chunk {
	q.used++
	if n := len(q.spare); n > 0 {
		c := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return c
	}
	return new(chunk)
}

// release takes the chunks of a bucket in which nothing is left. Those of a crowd are
// not kept: no more are spare than others are used.
func (q *queue) release(b *bucket) {
	q.used -= len(b.chunks)
	if room := 1 + q.used - len(q.spare); room > 0 {
		q.spare = append(q.spare, b.chunks[:min(room, len(b.chunks))]...)
	}
	clear(b.chunks)
	*b = bucket{chunks: b.chunks[:0]}
}

// pushFar keeps an event until the ring has come near.
func (q *queue) pushFar(seq uint64, e *event) {
	slot := int32(len(q.farSlots))
	if n := len(q.farFree); n > 0 {
		slot, q.farFree = q.farFree[n-1], q.farFree[:n-1]
		q.farSlots[slot] = *e
	} else {
		q.farSlots = append(q.farSlots, *e)
	}
	q.far = pushDue(q.far, due{e.at, seq, slot})
}

// next is the earliest event, valid until the next push or pop. The queue must not be
// empty.
func (q *queue) next() *event {
	for len(q.heap) == 0 {
		q.advance()
	}
	return q.ring[q.turn%buckets].at(q.heap[0].slot)
}

// pop takes the earliest event out. The queue must not be empty.
func (q *queue) pop() event {
	at := q.next()
	e := *at
	*at = event{} // let go of what it refers to
	q.heap = popDue(q.heap)
	q.count--
	return e
}

// advance makes the next bucket that of the present.
func (q *queue) advance() {
	q.release(&q.ring[q.turn%buckets])
	q.turn++
	for len(q.far) > 0 && int64(q.far[0].at)/bucketSpan < q.turn+buckets {
		d := q.far[0]
		q.far = popDue(q.far)
		e := &q.farSlots[d.slot]
		e.seq = d.seq
		q.put(int64(d.at)/bucketSpan, e)
		*e = event{}
		q.farFree = append(q.farFree, d.slot)
	}
	b := &q.ring[q.turn%buckets]
	for i := range b.n {
		e := b.at(i)
		q.heap = pushDue(q.heap, due{e.at, e.seq, i})
	}
}

// pushDue adds d to a heap with four children a node: half as deep as one with two,
// and a node's children side by side in memory.
func pushDue(h []due, d due) []due {
	h = append(h, d)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !d.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = d
	return h
}

// popDue takes the first out of a heap.
func popDue(h []due) []due {
	last := len(h) - 1
	d := h[last]
	h = h[:last]
	if last == 0 {
		return h
	}
	i := 0
	for {
		child := 4*i + 1
		if child >= last {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, last); c++ {
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
	return h
}
