package links

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/quilt-p2p/quilt/internal/sendqueue"
	"github.com/quilt-p2p/quilt/protocol"
)

// batchSize is how much is written at once: small frames share one write, large
// ones are written by pieces of it.
const batchSize = 64 << 10

// entry is a frame that waits.
type entry = sendqueue.Entry[[]byte]

// sender is a link's queue, shared by those who send, the writer, and the link's
// own goroutine, which reports to the Handler.
type sender struct {
	mu        sync.Mutex
	q         sendqueue.Queue[[]byte]
	closed    bool // takes nothing more
	congested bool // what the Handler was last told
	waiting   chan struct{}
	quota     quota

	framesOut, bytesOut, payload uint64

	wake chan struct{} // there is something to write, or closed was set
	news chan struct{} // there is something to report
}

func newSender() *sender {
	return &sender{quota: unlimited, wake: make(chan struct{}, 1), news: make(chan struct{}, 1)}
}

// signal wakes who listens on c, once however often it is called before.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// send queues a frame, or drops it; false once closed.
func (s *sender) send(now protocol.Time, e entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.push(now, e)
	return true
}

// sendWait queues a frame once there is room for it.
func (s *sender) sendWait(ctx context.Context, now func() protocol.Time, e entry) error {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return ErrNoLink
		}
		if e.Size > s.quota.most {
			s.mu.Unlock()
			return ErrTooLarge
		}
		if s.q.Fits(e.Class, e.Size) {
			s.push(now(), e)
			s.mu.Unlock()
			return nil
		}
		if s.waiting == nil {
			s.waiting = make(chan struct{})
		}
		waiting := s.waiting
		s.mu.Unlock()
		select {
		case <-waiting:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// push queues with the lock held.
func (s *sender) push(now protocol.Time, e entry) {
	if e.Size > s.quota.most {
		s.q.Refuse(e)
	} else {
		s.q.Push(now, e)
	}
	signal(s.wake)
	s.notify()
}

// notify wakes who reports, where there is something to report.
func (s *sender) notify() {
	if s.q.HasLost() || s.q.Congested() != s.congested {
		signal(s.news)
	}
}

// next fills batch, which is empty with a capacity of batchSize, with lengths and
// frames. Of a frame larger than that, batch has the length and large the bytes.
// What state reports of more to come is meant where batch is empty.
func (s *sender) next(now protocol.Time, batch []byte) (_, large []byte, state state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.quota.left
	for {
		e, ok := s.q.Pop(now, limit)
		if !ok {
			break
		}
		batch = binary.AppendUvarint(batch, uint64(len(e.Frame)))
		s.framesOut++
		if e.Class != protocol.Control {
			s.payload += uint64(len(e.Frame))
		}
		if len(e.Frame) > batchSize-len(batch) {
			large = e.Frame
			break
		}
		batch = append(batch, e.Frame...)
		limit = min(s.quota.left, batchSize) - len(batch) - binary.MaxVarintLen32
	}
	n := len(batch) + len(large)
	s.bytesOut += uint64(n)
	if s.waiting != nil && n > 0 {
		close(s.waiting)
		s.waiting = nil
	}
	s.notify()
	waiting, _ := s.q.Queued()
	switch {
	case n > 0:
		s.quota.take(n)
	case s.closed:
		state = finished
	case waiting > 0:
		state = spent
	}
	return batch, large, state
}

// state is what keeps a sender that has nothing to write.
type state int

const (
	idle     state = iota
	spent          // the connection carries nothing more
	finished       // closed, and nothing more will come
)

// limit sets how much may be sent, before anything is.
func (s *sender) limit(q quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota = q
}

// report takes out what the Handler is to be told: frames lost, and whether the
// queue became congested (+1) or drained (-1).
func (s *sender) report() (losses []sendqueue.Lost, turn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	losses = s.q.TakeLost()
	switch {
	case s.q.Congested() && !s.congested:
		turn = 1
	case !s.q.Congested() && s.congested:
		turn = -1
	}
	s.congested = s.q.Congested()
	return losses, turn
}

// close makes the sender take nothing more. Control frames stay to be written where
// flush is set; all else goes.
func (s *sender) close(flush bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.q.Discard(protocol.Fresh)
	s.q.Discard(protocol.Repair)
	if !flush {
		s.q.Discard(protocol.Control)
	}
	if s.waiting != nil {
		close(s.waiting)
		s.waiting = nil
	}
	signal(s.wake)
}

// room returns the room of a class in frames and bytes; none once closed.
func (s *sender) room(c protocol.Class) (frames, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, 0
	}
	return s.q.Room(c)
}

// count writes what this side of the link has counted into c.
func (s *sender) count(c *Counters) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.FramesOut, c.BytesOut, c.Payload = s.framesOut, s.bytesOut, s.payload
	c.Dropped, c.Expired = s.q.Dropped, s.q.Expired
}

// queued returns the frames and bytes that wait, all classes together.
func (s *sender) queued() (frames, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.q.Queued()
}
