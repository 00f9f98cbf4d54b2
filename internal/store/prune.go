package store

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// MaxPrune bounds the items that one call of Prune removes.
	MaxPrune = 16 << 10
	// pruneBatch is how many it removes in one transaction, so that puts do not
	// wait long.
	pruneBatch = 1024
)

// Retention says how much of a topic is kept; 0 stands for no limit.
type Retention struct {
	MaxItems uint64
	// MaxBytes bounds the items' bytes, ItemOverhead for each included.
	MaxBytes uint64
	// MaxAge counts from receipt.
	MaxAge time.Duration
}

// exceeded reports whether the topic's oldest item, received at the given time,
// is to go.
func (r Retention) exceeded(t *topicTx, received, now time.Time) bool {
	return r.MaxItems > 0 && t.items > r.MaxItems ||
		r.MaxBytes > 0 && t.bytes > r.MaxBytes ||
		r.MaxAge > 0 && received.Before(now.Add(-r.MaxAge))
}

// Pruned is what Prune has done.
type Pruned struct {
	// Removed items, oldest first.
	Removed []Key
	// Low is the least sequence number an owned feed still has.
	Low uint64
	// More is set where MaxPrune was reached: call again.
	More bool
}

// Prune removes a topic's oldest items until retention is kept: in an owned feed
// those with the least sequence numbers, in an open topic those that came first.
// The newest entry of an owned feed stays, because the author's next one builds on
// it; so does evidence of forks. Marks stay too: what was published once is not
// published again because it has expired here.
func (s *Store) Prune(topic protocol.TopicID, r Retention) (Pruned, error) {
	var p Pruned
	now := s.opts.Now()
	for batch := pruneBatch; ; batch = min(2*batch, pruneBatch, MaxPrune-len(p.Removed)) {
		removed, low, err := s.pruneSome(topic, r, now, batch)
		for errors.Is(err, ErrFull) && batch > 1 {
			// bbolt never overwrites a page in use, so removing takes some pages too;
			// on a full disk what is removed first makes room for what follows.
			batch /= 2
			removed, low, err = s.pruneSome(topic, r, now, batch)
		}
		if err != nil {
			return p, err
		}
		p.Removed = append(p.Removed, removed...)
		p.Low = low
		if len(removed) < batch {
			return p, nil
		}
		if len(p.Removed) >= MaxPrune {
			p.More = true
			return p, nil
		}
	}
}

// pruneSome removes up to n items in one transaction.
func (s *Store) pruneSome(topic protocol.TopicID, r Retention, now time.Time, n int) (removed []Key, low uint64, err error) {
	err = s.update(func(tx *bbolt.Tx) error {
		t, err := openTopic(tx, topic)
		if err != nil || t == nil {
			return err
		}
		removed, err = t.removeOldest(tx, n, t.owned, func(received time.Time) bool {
			return r.exceeded(t, received, now)
		})
		if err != nil {
			return err
		}
		if low, err = t.low(); err != nil {
			return err
		}
		if len(removed) == 0 {
			return errNothing // roll back: nothing to sync
		}
		return t.save()
	})
	if err != nil && !errors.Is(err, errNothing) {
		return nil, 0, err
	}
	for _, k := range removed {
		s.cache.remove(k.ID)
	}
	return removed, low, nil
}

// errNothing rolls a transaction back that has changed nothing.
var errNothing = errors.New("nothing to do")

// low is the least sequence number of an owned feed; 0 of an open or empty one.
func (t *topicTx) low() (uint64, error) {
	k, v := t.seq.Cursor().First()
	if !t.owned || k == nil {
		return 0, nil
	}
	e, err := readSeq(k, v)
	return e.seq, err
}

// removeOldest removes up to n items, the oldest first, as long as goes says so of
// the time at which the oldest was received.
func (t *topicTx) removeOldest(tx *bbolt.Tx, n int, keepLast bool, goes func(time.Time) bool) ([]Key, error) {
	candidates, err := t.oldest(tx, n, keepLast)
	if err != nil {
		return nil, err
	}
	var removed []Key
	for _, e := range candidates {
		v := t.log.Get(appendNumbers(nil, e.arrival))
		received, raw, err := splitRecord(v)
		if err != nil {
			return nil, err
		}
		if !goes(received) {
			break
		}
		if err := t.remove(tx, e, len(raw)); err != nil {
			return nil, err
		}
		removed = append(removed, Key{ID: e.id, Author: e.author, Seq: e.seq})
	}
	return removed, nil
}

// oldest lists up to n items in the order in which they are pruned.
func (t *topicTx) oldest(tx *bbolt.Tx, n int, keepLast bool) (entries []seqEntry, err error) {
	if !t.owned {
		return t.firstArrivals(tx, n)
	}
	c := t.seq.Cursor()
	for k, v := c.First(); k != nil && len(entries) <= n; k, v = c.Next() {
		e, err := readSeq(k, v)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if len(entries) > n || keepLast && len(entries) > 0 {
		entries = entries[:len(entries)-1]
	}
	return entries, nil
}

// firstArrivals lists the first n items of the log.
func (t *topicTx) firstArrivals(tx *bbolt.Tx, n int) (entries []seqEntry, err error) {
	c := t.log.Cursor()
	for k, v := c.First(); k != nil && len(entries) < n; k, v = c.Next() {
		arrival, err := readNumbers(k, 1)
		if err != nil {
			return nil, err
		}
		e, err := t.identify(tx, arrival[0], v)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// identify returns the index entry of a record of the log: from the item itself,
// or where that is damaged by a search through the index.
func (t *topicTx) identify(tx *bbolt.Tx, arrival uint64, record []byte) (seqEntry, error) {
	_, raw, err := splitRecord(record)
	if err != nil {
		return seqEntry{}, err
	}
	if it, err := protocol.ParseItem(append([]byte(nil), raw...)); err == nil {
		loc, ok, err := locate(tx, it.ID)
		if err == nil && ok && loc == (location{t.id, arrival}) {
			return seqEntry{author: it.Author, seq: it.Seq, id: it.ID, arrival: arrival}, nil
		}
	}
	c := t.seq.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if e, err := readSeq(k, v); err != nil || e.arrival == arrival {
			return e, err
		}
	}
	return seqEntry{}, errLayout
}

// remove removes one item from the log and the indexes.
func (t *topicTx) remove(tx *bbolt.Tx, e seqEntry, size int) error {
	if err := t.log.Delete(appendNumbers(nil, e.arrival)); err != nil {
		return err
	}
	if err := t.seq.Delete(append(appendSeqKey(nil, e.author, e.seq), e.id[:]...)); err != nil {
		return err
	}
	t.items--
	if err := t.forgetManifest(e.id); err != nil {
		return err
	}
	return t.discharge(tx, e.id, size)
}

// discharge removes an item from the index by ID and from the counts.
func (t *topicTx) discharge(tx *bbolt.Tx, id protocol.ItemID, size int) error {
	c := int64(size) + ItemOverhead
	t.bytes -= uint64(c)
	if err := addTotal(tx, -1, -c); err != nil {
		return err
	}
	return tx.Bucket(bucketIDs).Delete(id[:])
}
