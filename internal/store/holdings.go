package store

import (
	"bytes"
	"math"
	"slices"
	"sort"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// MaxHoldings bounds the ranges that Holdings returns; a feed in more pieces is
// described by the lowest ones.
const MaxHoldings = 1 << 16

// Holdings is what of one author's items is stored.
type Holdings struct {
	// Ranges of sequence numbers, ascending, neither overlapping nor adjacent.
	Ranges []feed.Range
	// Head is the ID of the last item of the first range: the end of what is held
	// without a gap from the oldest on. Zero without ranges.
	Head protocol.ItemID
}

// Holdings returns what of an author's items is stored. It reads the index once:
// 0.1 to 0.2 us an item (our measurement).
func (s *Store) Holdings(topic protocol.TopicID, author protocol.PeerID) (h Holdings, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		return scanSeq(t.seq, author, 0, math.MaxUint64, func(e seqEntry) (bool, error) {
			n := len(h.Ranges)
			switch {
			case n > 0 && e.seq <= h.Ranges[n-1].Last: // an open topic's second one
			case n > 0 && e.seq == h.Ranges[n-1].Last+1:
				h.Ranges[n-1].Last = e.seq
			case n == MaxHoldings:
				return false, nil
			default:
				h.Ranges = append(h.Ranges, feed.Range{First: e.seq, Last: e.seq})
			}
			if len(h.Ranges) == 1 && h.Ranges[0].Last == e.seq {
				h.Head = e.id
			}
			return true, nil
		})
	})
	return h, err
}

// Key names a stored item without its content.
type Key struct {
	ID     protocol.ItemID
	Author protocol.PeerID
	Seq    uint64
}

// Keys returns the keys of a topic's newest items by arrival, at most limit, the
// newest last; evidence of forks is left out.
func (s *Store) Keys(topic protocol.TopicID, limit int) (keys []Key, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		oldest, err := t.oldestOf(limit)
		if err != nil {
			return err
		}
		var entries []seqEntry
		err = t.eachSeq(func(e seqEntry) {
			if e.arrival >= oldest {
				entries = append(entries, e)
			}
		})
		sort.Slice(entries, func(i, j int) bool { return entries[i].arrival < entries[j].arrival })
		for _, e := range entries {
			keys = append(keys, Key{ID: e.id, Author: e.author, Seq: e.seq})
		}
		return err
	})
	return keys, err
}

// oldestOf returns the first of the newest n arrivals. It looks at the index, not
// at the log, whose pages are full of items.
func (t *topicTx) oldestOf(n int) (uint64, error) {
	var arrivals []uint64
	err := t.eachSeq(func(e seqEntry) { arrivals = append(arrivals, e.arrival) })
	if n <= 0 {
		return math.MaxUint64, err
	}
	if len(arrivals) <= n {
		return 0, err
	}
	slices.Sort(arrivals)
	return arrivals[len(arrivals)-n], err
}

// eachSeq calls fn for the whole index by author and sequence number.
func (t *topicTx) eachSeq(fn func(seqEntry)) error {
	c := t.seq.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		e, err := readSeq(k, v)
		if err != nil {
			return err
		}
		fn(e)
	}
	return nil
}

// Last returns an author's item with the greatest sequence number, false if none
// is stored. An author's next item builds on it; Prune never removes it from an
// owned feed.
func (s *Store) Last(topic protocol.TopicID, author protocol.PeerID) (key Key, ok bool, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		// The greatest key an author can have, and one byte more.
		end := append(appendSeqKey(nil, author, math.MaxUint64), bytes.Repeat([]byte{0xff}, 33)...)
		c := t.seq.Cursor()
		var k, v []byte
		if after, _ := c.Seek(end); after == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
		if k == nil || !bytes.HasPrefix(k, appendAuthor(nil, author)) {
			return nil
		}
		e, err := readSeq(k, v)
		key, ok = Key{ID: e.id, Author: author, Seq: e.seq}, err == nil
		return err
	})
	return key, ok, err
}

// Evidence returns the items kept as evidence of forks in an owned feed: at most
// MaxEvidence, each with the sequence number of one in the log.
func (s *Store) Evidence(topic protocol.TopicID) (items []*protocol.Item, err error) {
	var ids []protocol.ItemID
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		return t.forks.ForEach(func(k, _ []byte) error {
			ids = append(ids, protocol.ItemID(k))
			return nil
		})
	})
	for _, id := range ids {
		it, getErr := s.Get(id)
		if getErr != nil {
			return items, getErr
		}
		items = append(items, it)
	}
	return items, err
}
