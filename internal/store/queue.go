package store

import (
	"sync"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of the queue and of one commit.
const (
	// MaxQueue bounds the items that wait to be committed.
	MaxQueue = 4096
	// MaxQueueBytes bounds their bytes; a single item always finds room in an
	// empty queue.
	MaxQueueBytes = 32 << 20
	// MaxBatch bounds the items of one commit.
	MaxBatch = 1024
	// MaxBatchBytes is how many bytes of items a commit has when no more are added.
	MaxBatchBytes = 8 << 20
)

// request is one item to put.
type request struct {
	item *protocol.Item
	mark string
	// chain, where set, is what to put instead, all or nothing; item is its first.
	chain []Publication
	done  func(PutResult)
}

// size is what the request takes of the queue's bytes.
func (r *request) size() int {
	if r.chain == nil {
		return len(r.item.Bytes)
	}
	n := 0
	for _, p := range r.chain {
		n += len(p.Item.Bytes)
	}
	return n
}

// queue holds requests for the writer goroutine, in order.
type queue struct {
	mu       sync.Mutex
	room     sync.Cond // signalled when requests were taken, or on close
	work     sync.Cond // signalled when a request was added, or on close
	requests []request
	bytes    int
	closed   bool
}

func newQueue() *queue {
	q := &queue{}
	q.room.L, q.work.L = &q.mu, &q.mu
	return q
}

// full reports whether an item of n bytes must wait.
func (q *queue) full(n int) bool {
	return len(q.requests) >= MaxQueue || q.bytes > 0 && q.bytes+n > MaxQueueBytes
}

// add appends a request. If there is no room it waits for it, or fails with ErrBusy.
func (q *queue) add(r request, wait bool) error {
	n := r.size()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && q.full(n) {
		if !wait {
			return ErrBusy
		}
		q.room.Wait()
	}
	if q.closed {
		return ErrClosed
	}
	q.requests = append(q.requests, r)
	q.bytes += n
	q.work.Signal()
	return nil
}

// take waits for requests and moves up to a batch of them to batch; after close it
// returns an empty batch once nothing is left.
func (q *queue) take(batch []request) []request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.requests) == 0 && !q.closed {
		q.work.Wait()
	}
	n, bytes := 0, 0
	for n < len(q.requests) && n < MaxBatch && bytes < MaxBatchBytes {
		bytes += q.requests[n].size()
		n++
	}
	batch = append(batch, q.requests[:n]...)
	left := copy(q.requests, q.requests[n:])
	clear(q.requests[left:])
	q.requests = q.requests[:left]
	q.bytes -= bytes
	q.room.Broadcast()
	return batch
}

// close makes add fail; what is queued can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
	q.work.Broadcast()
}

// len is the number of requests waiting.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.requests)
}
