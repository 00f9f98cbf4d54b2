package store

import (
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of what is read in one transaction.
const (
	chunkItems = 256
	chunkBytes = 1 << 20
)

// Has reports whether an item is stored, as evidence or otherwise.
func (s *Store) Has(id protocol.ItemID) (ok bool, err error) {
	if s.cache.get(id) != nil {
		return true, nil
	}
	err = s.view(func(tx *bbolt.Tx) error {
		_, ok, err = locate(tx, id)
		return err
	})
	return ok, err
}

// Get returns an item, ErrNotFound if it is not stored.
func (s *Store) Get(id protocol.ItemID) (it *protocol.Item, err error) {
	if it := s.cache.get(id); it != nil {
		return it, nil
	}
	err = s.view(func(tx *bbolt.Tx) error {
		loc, ok, err := locate(tx, id)
		if err != nil || !ok {
			return err
		}
		it, err = s.load(tx, loc, id)
		return err
	})
	if err == nil && it == nil {
		err = ErrNotFound
	}
	if err == nil {
		s.cache.add(it)
	}
	return it, err
}

// GetSeq returns an author's item with a sequence number, ErrNotFound if it is not
// stored. Where an open topic has several it is the one of the least ID; evidence
// of a fork is never returned.
func (s *Store) GetSeq(topic protocol.TopicID, author protocol.PeerID, seq uint64) (*protocol.Item, error) {
	var id protocol.ItemID
	found := false
	err := s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		return scanSeq(t.seq, author, seq, seq, func(e seqEntry) (bool, error) {
			id, found = e.id, true
			return false, nil
		})
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNotFound
	}
	return s.Get(id)
}

// Range calls fn for an author's items with first <= seq <= last, ascending, until
// it returns false. Evidence of forks is left out, and so are damaged items. fn may
// take its time, and may use the store.
func (s *Store) Range(topic protocol.TopicID, author protocol.PeerID, first, last uint64, fn func(*protocol.Item) bool) error {
	from := seqEntry{author: author, seq: first}
	for more := true; more; {
		var chunk []*protocol.Item
		var err error
		chunk, from, more, err = s.rangeChunk(topic, from, last)
		if err != nil {
			return err
		}
		for _, it := range chunk {
			if !fn(it) {
				return nil
			}
		}
	}
	return nil
}

// rangeChunk reads what one transaction of Range reads, and where the next begins.
func (s *Store) rangeChunk(topic protocol.TopicID, from seqEntry, last uint64) (chunk []*protocol.Item, next seqEntry, more bool, err error) {
	bytes := 0
	err = s.viewTopic(topic, func(tx *bbolt.Tx, t *topicTx) error {
		return scanFrom(t.seq, from, last, func(e seqEntry) (bool, error) {
			if len(chunk) >= chunkItems || bytes >= chunkBytes {
				next, more = e, true
				return false, nil
			}
			if it, err := s.load(tx, location{topic, e.arrival}, e.id); err == nil { // else load counts it
				chunk = append(chunk, it)
				bytes += len(it.Bytes)
			}
			return true, nil
		})
	})
	return chunk, next, more, err
}

// Arrival is an item as it came.
type Arrival struct {
	// N counts the topic's items in the order in which they were stored: 1, 2, …
	N uint64
	// At is this host's wall clock at receipt, never earlier than that of the
	// arrival before.
	At   time.Time
	Item *protocol.Item
}

// Arrivals calls fn for a topic's items that came after the given arrival, in that
// order, until it returns false or none is left. Damaged items are left out. fn may
// take its time, and may use the store.
func (s *Store) Arrivals(topic protocol.TopicID, after uint64, fn func(Arrival) bool) error {
	for more := after < math.MaxUint64; more; {
		var chunk []Arrival
		var err error
		chunk, after, more, err = s.arrivalsChunk(topic, after)
		if err != nil {
			return err
		}
		for _, a := range chunk {
			if !fn(a) {
				return nil
			}
		}
	}
	return nil
}

// arrivalsChunk reads what one transaction of Arrivals reads, and after which
// arrival the next goes on.
func (s *Store) arrivalsChunk(topic protocol.TopicID, after uint64) (chunk []Arrival, last uint64, more bool, err error) {
	last = after
	bytes := 0
	err = s.viewTopic(topic, func(tx *bbolt.Tx, t *topicTx) error {
		c := t.log.Cursor()
		for k, v := c.Seek(appendNumbers(nil, after+1)); k != nil; k, v = c.Next() {
			if len(chunk) >= chunkItems || bytes >= chunkBytes {
				more = true
				return nil
			}
			a, err := s.loadArrival(tx, topic, k, v)
			if err != nil {
				return err
			}
			last = a.N
			if a.Item != nil {
				chunk = append(chunk, a)
				bytes += len(a.Item.Bytes)
			}
		}
		return nil
	})
	return chunk, last, more, err
}

// loadArrival reads one record of a log; its Item is nil where it is damaged.
func (s *Store) loadArrival(tx *bbolt.Tx, topic protocol.TopicID, k, v []byte) (Arrival, error) {
	n, err := readNumbers(k, 1)
	if err != nil {
		return Arrival{}, err
	}
	a := Arrival{N: n[0]}
	at, raw, err := splitRecord(v)
	if err != nil {
		return Arrival{}, err
	}
	a.At = at
	it, err := protocol.ParseItem(append([]byte(nil), raw...))
	if err != nil {
		s.damaged.Add(1)
		return a, nil
	}
	loc, ok, err := locate(tx, it.ID)
	if err != nil {
		return Arrival{}, err
	}
	if !ok || loc != (location{topic, a.N}) {
		s.damaged.Add(1)
		return a, nil
	}
	a.Item = it
	return a, nil
}

// load reads an item and checks that it is what its ID says.
func (s *Store) load(tx *bbolt.Tx, loc location, id protocol.ItemID) (*protocol.Item, error) {
	raw, err := rawItem(tx, loc, id)
	if err == nil {
		var it *protocol.Item
		it, err = protocol.ParseItem(append([]byte(nil), raw...))
		if err == nil && it.ID == id {
			return it, nil
		}
	}
	s.damaged.Add(1)
	return nil, s.corrupt(fmt.Errorf("item %s cannot be read back", id))
}

// rawItem returns an item's bytes within the file's mapping.
func rawItem(tx *bbolt.Tx, loc location, id protocol.ItemID) ([]byte, error) {
	t, err := openTopic(tx, loc.topic)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errLayout
	}
	if loc.arrival == 0 {
		return t.forks.Get(id[:]), nil
	}
	_, raw, err := splitRecord(t.log.Get(appendNumbers(nil, loc.arrival)))
	return raw, err
}

// viewTopic runs a read transaction on a topic; fn is not called where nothing of
// the topic is stored.
func (s *Store) viewTopic(topic protocol.TopicID, fn func(*bbolt.Tx, *topicTx) error) error {
	return s.view(func(tx *bbolt.Tx) error {
		t, err := openTopic(tx, topic)
		if err != nil || t == nil {
			return err
		}
		return fn(tx, t)
	})
}
