package links

import "github.com/quilt-p2p/quilt/protocol"

// Bounds of a link's queue, our guesses: a control or repair class holds the
// largest frame; a fresh class two of them, or a burst of some thousand posts.
const (
	MaxControlFrames = 1024
	MaxControlBytes  = 1 << 20
	MaxFreshFrames   = 2048
	MaxFreshBytes    = 2 << 20
	MaxRepairFrames  = 256
	MaxRepairBytes   = 1 << 20
	// MaxUnreported bounds the drops not yet told to the Handler; of more, only the
	// counters tell.
	MaxUnreported = 4096
)

var (
	maxFrames = [protocol.NumClasses]int{MaxControlFrames, MaxFreshFrames, MaxRepairFrames}
	maxBytes  = [protocol.NumClasses]int{MaxControlBytes, MaxFreshBytes, MaxRepairBytes}
)

// entry is a queued frame.
type entry struct {
	frame   []byte
	class   protocol.Class
	expires protocol.Time
	tag     any
}

// lost is a frame that was dropped and waits to be reported.
type lost struct {
	class protocol.Class
	tag   any
}

// queue holds what is to be sent on a link: a first-in-first-out list a class,
// the lower class served first. It is not safe for concurrent use.
type queue struct {
	fifos     [protocol.NumClasses]fifo
	congested bool
	lost      []lost

	dropped, expired [protocol.NumClasses]uint64
}

// push queues e, or drops it where its class has no room even when the expired
// frames at its head are dropped.
func (q *queue) push(now protocol.Time, e entry) {
	f := &q.fifos[e.class]
	for !f.fits(e.class, len(e.frame)) && f.len() > 0 && f.first().expires < now {
		q.expire(f.pop())
	}
	if !f.fits(e.class, len(e.frame)) {
		q.dropped[e.class]++
		q.lose(e)
	} else {
		f.push(e)
	}
	q.mark()
}

// pop takes out the next frame if it is of at most limit bytes. Expired frames
// before it are dropped.
func (q *queue) pop(now protocol.Time, limit int) (entry, bool) {
	for c := range q.fifos {
		f := &q.fifos[c]
		for f.len() > 0 && f.first().expires < now {
			q.expire(f.pop())
		}
		if f.len() == 0 {
			continue
		}
		if len(f.first().frame) > limit {
			break
		}
		e := f.pop()
		q.mark()
		return e, true
	}
	q.mark()
	return entry{}, false
}

// discard empties a class without reporting what was in it.
func (q *queue) discard(c protocol.Class) { q.fifos[c] = fifo{} }

// room returns the room of a class in frames and bytes.
func (q *queue) room(c protocol.Class) (frames, bytes int) {
	f := &q.fifos[c]
	return max(0, maxFrames[c]-f.len()), max(0, maxBytes[c]-f.bytes)
}

// mark sets congested by what gossip sends: more than half of a bound, until less
// than an eighth. Repair, which is paced by its room, does not count.
func (q *queue) mark() {
	high, low := false, true
	for c := protocol.Control; c <= protocol.Fresh; c++ {
		f := &q.fifos[c]
		high = high || 2*f.len() > maxFrames[c] || 2*f.bytes > maxBytes[c]
		low = low && 8*f.len() < maxFrames[c] && 8*f.bytes < maxBytes[c]
	}
	q.congested = high || q.congested && !low
}

// expire counts a frame that is too late.
func (q *queue) expire(e entry) {
	q.expired[e.class]++
	q.lose(e)
}

// lose notes a frame to be reported.
func (q *queue) lose(e entry) {
	if len(q.lost) < MaxUnreported {
		q.lost = append(q.lost, lost{e.class, e.tag})
	}
}

// fifo is a list of entries with the sum of their bytes.
type fifo struct {
	entries []entry
	head    int
	bytes   int
}

func (f *fifo) len() int      { return len(f.entries) - f.head }
func (f *fifo) first() *entry { return &f.entries[f.head] }

// fits reports whether a frame of n bytes is within the bounds of class c.
func (f *fifo) fits(c protocol.Class, n int) bool {
	return f.len() < maxFrames[c] && f.bytes+n <= maxBytes[c]
}

// push appends. Room freed at the head is used again before the list grows.
func (f *fifo) push(e entry) {
	if len(f.entries) == cap(f.entries) && f.head > len(f.entries)/2 {
		n := copy(f.entries, f.entries[f.head:])
		clear(f.entries[n:])
		f.entries, f.head = f.entries[:n], 0
	}
	f.entries = append(f.entries, e)
	f.bytes += len(e.frame)
}

// pop takes out the first entry. An emptied list keeps no memory beyond a few
// entries.
func (f *fifo) pop() entry {
	e := f.entries[f.head]
	f.entries[f.head] = entry{}
	f.head++
	f.bytes -= len(e.frame)
	if f.len() == 0 {
		f.head = 0
		f.entries = f.entries[:0]
		if cap(f.entries) > 64 {
			f.entries = nil
		}
	}
	return e
}
