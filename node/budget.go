package node

import "sync"

// maxInputBytes bounds the bytes of frames that wait for the core, of all links
// together: MaxInputs of the largest would be a gigabyte (our guess). A link that
// brings more waits, and so does its peer.
const maxInputBytes = 32 << 20

// budget is a number of bytes that those who want some wait for.
type budget struct {
	mu     sync.Mutex
	room   sync.Cond // signalled when bytes were given back, or on close
	left   int
	closed bool
}

func newBudget(bytes int) *budget {
	b := &budget{left: bytes}
	b.room.L = &b.mu
	return b
}

// take waits for bytes, at most as many as the budget has; it reports false when
// the budget was closed.
func (b *budget) take(bytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.left < bytes && !b.closed {
		b.room.Wait()
	}
	b.left -= bytes
	return !b.closed
}

// give gives bytes back.
func (b *budget) give(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += bytes
	b.room.Broadcast()
}

// close lets everybody go who waits.
func (b *budget) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.room.Broadcast()
}
