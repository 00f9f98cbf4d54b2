package store

import (
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// PutResult says what became of an item.
type PutResult struct {
	// ID is the item's; where Marked is set, that of the item stored under the mark.
	ID protocol.ItemID
	// New is set where the item was not stored before and now is in the log.
	New bool
	// Marked is set where the mark was taken: the item was not stored.
	Marked bool
	// Fork is set where another item with the same topic, author and sequence
	// number was stored before. In an owned feed the item then is evidence, not in
	// the log, and New is false; FirstID is the other item, zero where this one was
	// known already.
	Fork    bool
	FirstID protocol.ItemID
	// Arrival is the item's number in the topic's log; 0 for evidence.
	Arrival uint64
	// Err is ErrFull, *CorruptError or the disk's error; the item is not stored.
	Err error
}

// Put stores items, and returns when all are on disk or refused: results in the
// items' order, and the first error among them. It waits while the queue is full.
// A Put of several items is not atomic.
func (s *Store) Put(items ...*protocol.Item) ([]PutResult, error) {
	results := make([]PutResult, len(items))
	var wg sync.WaitGroup
	for i, it := range items {
		wg.Add(1)
		r := request{item: it, done: func(res PutResult) {
			results[i] = res
			wg.Done()
		}}
		if err := s.queue.add(r, true); err != nil {
			results[i] = PutResult{ID: it.ID, Err: err}
			wg.Done()
		}
	}
	wg.Wait()
	for _, res := range results {
		if res.Err != nil {
			return results, res.Err
		}
	}
	return results, nil
}

// PutAsync queues an item and returns at once. If it returns nil, done is called
// exactly once, from the store's writer goroutine, when the item is on disk or
// refused: done must be quick and must not wait for the store. If it returns
// ErrBusy, ErrClosed or ErrTooLarge, nothing was queued and done is not called.
//
// A mark, empty for none and at most MaxMark bytes, is a name for the act of
// publishing: it is written with the item or not at all, and while the topic is
// stored no second item is put under it, so that what is published under a mark is
// published exactly once even over a crash.
func (s *Store) PutAsync(it *protocol.Item, mark string, done func(PutResult)) error {
	if len(mark) > MaxMark {
		return ErrTooLarge
	}
	return s.queue.add(request{item: it, mark: mark, done: done}, false)
}

// write is the writer goroutine.
func (s *Store) write() {
	var batch []request
	for {
		batch = s.queue.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		s.commit(batch)
		clear(batch)
	}
}

// commit puts a batch in one transaction and reports.
func (s *Store) commit(batch []request) {
	results := make([]PutResult, len(batch))
	err := s.update(func(tx *bbolt.Tx) error {
		p, err := newPutter(tx, s.opts)
		if err != nil {
			return err
		}
		for i, r := range batch {
			if r.chain != nil {
				results[i], err = p.putChain(r.chain)
			} else {
				results[i], err = p.put(r.item, r.mark)
			}
			if err != nil {
				return err
			}
		}
		return p.finish()
	})
	var damage *CorruptError
	switch {
	case errors.Is(err, errNothing):
		err = nil
	case errors.As(err, &damage) && len(batch) > 1:
		// A damaged topic must not stop the others.
		for i := range batch {
			s.commit(batch[i : i+1])
		}
		return
	case err == nil:
		s.commits.Add(1)
	}
	for i, r := range batch {
		if err != nil {
			results[i] = PutResult{ID: r.item.ID, Err: fmt.Errorf("storing item: %w", err)}
		} else if results[i].New {
			s.keep(r)
		}
		r.done(results[i])
	}
}

// keep counts and caches what a request has put.
func (s *Store) keep(r request) {
	if r.chain == nil {
		s.puts.Add(1)
		s.cache.add(r.item)
		return
	}
	for _, p := range r.chain {
		s.puts.Add(1)
		s.cache.add(p.Item)
	}
}
