package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxChain bounds the items of one PutChain (our guess: they share one fsync).
const MaxChain = 256

// ErrTaken: an item's place, its number in an owned feed or its mark, was taken.
// For an own feed that means that somebody else publishes with its key: a copy of
// the home, or a thief.
var ErrTaken = errors.New("another item has this number or mark already: is a copy of this home in use elsewhere?")

// Publication is an item of this host's own and the mark it is published under,
// empty for none.
type Publication struct {
	Item *protocol.Item
	Mark string
}

// PutChain stores items of one author that build on each other, all or none, and
// returns when they are on disk: so a chain never has a hole where the disk was
// full. It waits while the queue is full. Errors: ErrFull, ErrTaken, ErrTooLarge,
// ErrClosed, or the disk's.
func (s *Store) PutChain(chain []Publication) error {
	if len(chain) == 0 || len(chain) > MaxChain {
		return fmt.Errorf("%w: %d items in a chain", ErrTooLarge, len(chain))
	}
	for _, p := range chain {
		if len(p.Mark) > MaxMark {
			return ErrTooLarge
		}
	}
	result := make(chan error, 1)
	r := request{item: chain[0].Item, chain: chain, done: func(res PutResult) { result <- res.Err }}
	if err := s.queue.add(r, true); err != nil {
		return err
	}
	return <-result
}

// putChain puts a chain, or nothing of it.
func (p *putter) putChain(chain []Publication) (PutResult, error) {
	res := PutResult{ID: chain[0].Item.ID}
	need := int64(0)
	for _, c := range chain {
		need += cost(c.Item)
		free, err := p.free(c)
		if err != nil {
			return res, err
		}
		if !free {
			res.Err = ErrTaken
			return res, nil
		}
	}
	if p.opts.MaxBytes > 0 && int64(p.total.bytes)+need > p.opts.MaxBytes {
		res.Err = ErrFull
		return res, nil
	}
	for _, c := range chain {
		if _, err := p.put(c.Item, c.Mark); err != nil {
			return res, err
		}
	}
	res.New = true
	return res, nil
}

// free reports whether nothing holds an item's place.
func (p *putter) free(c Publication) (bool, error) {
	if _, known, err := locate(p.tx, c.Item.ID); known || err != nil {
		return false, err
	}
	t, err := p.topic(c.Item)
	if err != nil {
		return false, err
	}
	if c.Mark != "" {
		if _, taken := t.marked(c.Mark); taken {
			return false, nil
		}
	}
	free := true
	if t.owned {
		err = scanSeq(t.seq, c.Item.Author, c.Item.Seq, c.Item.Seq, func(seqEntry) (bool, error) {
			free = false
			return false, nil
		})
	}
	return free, err
}

// LastArrival returns the number of a topic's last arrival, 0 where there was none.
func (s *Store) LastArrival(topic protocol.TopicID) (n uint64, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		n = t.lastArrival
		return nil
	})
	return n, err
}
