// Package sendqueue is the queue of frames that wait to be sent on one link: a list a
// class, each bounded in frames and bytes, the urgent class first; what has expired
// goes; congestion is more than half of a bound. The links of the running peer
// (internal/links) and those of the simulator (sim) share it, so that back-pressure
// is the same in both.
package sendqueue

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

// Entry is a queued frame of Size bytes, in whatever form. Tag is what a drop is
// reported with.
type Entry[F any] struct {
	Frame   F
	Size    int
	Class   protocol.Class
	Expires protocol.Time
	Tag     any
}

// Lost is a frame that was dropped.
type Lost struct {
	Class protocol.Class
	Tag   any
}

// Queue holds what is to be sent on a link. The zero value is empty and ready. It is
// not safe for concurrent use.
type Queue[F any] struct {
	// Dropped and Expired count what was not sent, for want of room or of time.
	Dropped, Expired [protocol.NumClasses]uint64

	fifos     [protocol.NumClasses]fifo[F]
	congested bool
	lost      []Lost
}

// Congested reports whether control or fresh frames take more than half of a bound,
// and stays set until they take less than an eighth. Repair, which is paced by its
// room, does not count.
func (q *Queue[F]) Congested() bool { return q.congested }

// HasLost reports whether drops wait to be reported.
func (q *Queue[F]) HasLost() bool { return len(q.lost) > 0 }

// TakeLost returns the drops not yet reported.
func (q *Queue[F]) TakeLost() []Lost {
	lost := q.lost
	q.lost = nil
	return lost
}

// Queued returns the frames and bytes that wait, all classes together.
func (q *Queue[F]) Queued() (frames, bytes int) {
	for i := range q.fifos {
		frames += q.fifos[i].len()
		bytes += q.fifos[i].bytes
	}
	return frames, bytes
}

// Fits reports whether a frame of n bytes is within the bounds of class c.
func (q *Queue[F]) Fits(c protocol.Class, n int) bool { return q.fifos[c].fits(c, n) }

// Push queues e, or drops it where its class has no room even when the expired
// frames at its head are dropped.
func (q *Queue[F]) Push(now protocol.Time, e Entry[F]) {
	f := &q.fifos[e.Class]
	for !f.fits(e.Class, e.Size) && f.len() > 0 && f.first().Expires < now {
		q.expire(f.pop())
	}
	if !f.fits(e.Class, e.Size) {
		q.Refuse(e)
	} else {
		f.push(e)
	}
	q.mark()
}

// Refuse drops e, as Push does where there is no room: the link cannot carry it.
func (q *Queue[F]) Refuse(e Entry[F]) {
	q.Dropped[e.Class]++
	q.lose(e)
}

// Pop takes out the next frame if it is of at most limit bytes. Expired frames
// before it are dropped.
func (q *Queue[F]) Pop(now protocol.Time, limit int) (Entry[F], bool) {
	for c := range q.fifos {
		f := &q.fifos[c]
		for f.len() > 0 && f.first().Expires < now {
			q.expire(f.pop())
		}
		if f.len() == 0 {
			continue
		}
		if f.first().Size > limit {
			break
		}
		e := f.pop()
		q.mark()
		return e, true
	}
	q.mark()
	return Entry[F]{}, false
}

// Discard empties a class without reporting what was in it.
func (q *Queue[F]) Discard(c protocol.Class) { q.fifos[c] = fifo[F]{} }

// Room returns the room of a class in frames and bytes.
func (q *Queue[F]) Room(c protocol.Class) (frames, bytes int) {
	f := &q.fifos[c]
	return max(0, maxFrames[c]-f.len()), max(0, maxBytes[c]-f.bytes)
}

// mark sets congested by what gossip sends: more than half of a bound, until less
// than an eighth. Repair, which is paced by its room, does not count.
func (q *Queue[F]) mark() {
	high, low := false, true
	for c := protocol.Control; c <= protocol.Fresh; c++ {
		f := &q.fifos[c]
		high = high || 2*f.len() > maxFrames[c] || 2*f.bytes > maxBytes[c]
		low = low && 8*f.len() < maxFrames[c] && 8*f.bytes < maxBytes[c]
	}
	q.congested = high || q.congested && !low
}

// expire counts a frame that is too late.
func (q *Queue[F]) expire(e Entry[F]) {
	q.Expired[e.Class]++
	q.lose(e)
}

// lose notes a frame to be reported.
func (q *Queue[F]) lose(e Entry[F]) {
	if len(q.lost) < MaxUnreported {
		q.lost = append(q.lost, Lost{e.Class, e.Tag})
	}
}

// fifo is a list of entries with the sum of their bytes.
type fifo[F any] struct {
	entries []Entry[F]
	head    int
	bytes   int
}

func (f *fifo[F]) len() int         { return len(f.entries) - f.head }
func (f *fifo[F]) first() *Entry[F] { return &f.entries[f.head] }

// fits reports whether a frame of n bytes is within the bounds of class c.
func (f *fifo[F]) fits(c protocol.Class, n int) bool {
	return f.len() < maxFrames[c] && f.bytes+n <= maxBytes[c]
}

// push appends. Room freed at the head is used again before the list grows.
func (f *fifo[F]) push(e Entry[F]) {
	if len(f.entries) == cap(f.entries) && f.head > len(f.entries)/2 {
		n := copy(f.entries, f.entries[f.head:])
		clear(f.entries[n:])
		f.entries, f.head = f.entries[:n], 0
	}
	f.entries = append(f.entries, e)
	f.bytes += e.Size
}

// pop takes out the first entry. An emptied list keeps no memory beyond a few
// entries.
func (f *fifo[F]) pop() Entry[F] {
	e := f.entries[f.head]
	f.entries[f.head] = Entry[F]{}
	f.head++
	f.bytes -= e.Size
	if f.len() == 0 {
		f.head = 0
		f.entries = f.entries[:0]
		if cap(f.entries) > 64 {
			f.entries = nil
		}
	}
	return e
}
