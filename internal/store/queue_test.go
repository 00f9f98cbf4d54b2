package store

import (
	"errors"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestQueueBounds: the queue takes MaxQueue items and MaxQueueBytes bytes, and a
// batch MaxBatch items.
func TestQueueBounds(t *testing.T) {
	a := newAuthor(t, 1)
	small, large := item("x", a, 1, ""), item("x", a, 2, string(make([]byte, 1<<20-8<<10)))
	fill := func(it *protocol.Item) (q *queue, n int) {
		q = newQueue()
		for q.add(request{item: it}, false) == nil {
			n++
		}
		return q, n
	}
	q, n := fill(small)
	if n != MaxQueue {
		t.Errorf("%d small items queued", n)
	}
	if batch := q.take(nil); len(batch) != MaxBatch {
		t.Errorf("batch of %d", len(batch))
	}
	if err := q.add(request{item: small}, false); err != nil {
		t.Errorf("after a batch was taken: %v", err)
	}
	q, n = fill(large)
	if q.bytes > MaxQueueBytes || q.bytes+len(large.Bytes) <= MaxQueueBytes {
		t.Errorf("%d large items, %d bytes queued", n, q.bytes)
	}
	if batch := q.take(nil); len(batch) > MaxBatchBytes/len(large.Bytes)+1 {
		t.Errorf("batch of %d large items", len(batch))
	}
	for q.len() > 0 {
		q.take(nil)
	}
	if q.bytes != 0 {
		t.Errorf("empty, and %d bytes", q.bytes)
	}
}

// TestBusy: while the writer is held up the queue fills; PutAsync then says so, and
// Put waits. Afterwards everything is stored.
func TestBusy(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	items := a.feedItems(1, MaxQueue+2)
	entered, release := make(chan struct{}), make(chan struct{})
	if err := s.PutAsync(items[0], "", func(PutResult) { close(entered); <-release }); err != nil {
		t.Fatal(err)
	}
	<-entered
	done := make(chan PutResult, MaxQueue)
	for _, it := range items[1 : MaxQueue+1] {
		if err := s.PutAsync(it, "", func(r PutResult) { done <- r }); err != nil {
			t.Fatal(err)
		}
	}
	last := items[MaxQueue+1]
	if err := s.PutAsync(last, "", nil); !errors.Is(err, ErrBusy) {
		t.Fatalf("queue is full: %v", err)
	}
	if n := stats(t, s).Queued; n != MaxQueue {
		t.Errorf("%d queued", n)
	}
	put := make(chan error, 1)
	go func() {
		_, err := s.Put(last)
		put <- err
	}()
	select {
	case err := <-put:
		t.Fatalf("Put returned while the queue was full: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	for range MaxQueue {
		if r := <-done; !r.New {
			t.Fatalf("%+v", r)
		}
	}
	if err := <-put; err != nil {
		t.Fatal(err)
	}
	if st := stats(t, s); st.Items != MaxQueue+2 || st.Commits > 10 {
		t.Errorf("%d items in %d commits", st.Items, st.Commits)
	}
}

// TestCloseCommitsQueue: what was queued before Close is stored and reported.
func TestCloseCommitsQueue(t *testing.T) {
	path := t.TempDir() + "/store.db"
	s := openAt(t, path, Options{})
	items := newAuthor(t, 1).feedItems(1, 2000)
	done := make(chan PutResult, len(items))
	for _, it := range items {
		if err := s.PutAsync(it, "", func(r PutResult) { done <- r }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(done) != len(items) {
		t.Fatalf("%d of %d reported when Close returns", len(done), len(items))
	}
	if st := stats(t, openAt(t, path, Options{})); st.Items != uint64(len(items)) {
		t.Errorf("%d of %d stored", st.Items, len(items))
	}
}
