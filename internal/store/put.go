package store

import (
	"crypto/sha256"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// MaxMark bounds a mark in bytes.
	MaxMark = 4096
	// MaxEvidence bounds the items kept as evidence of forks in one owned feed:
	// one proves that the author forked, eight let the versions be compared.
	MaxEvidence = 8
)

// putter puts items within one transaction.
type putter struct {
	tx     *bbolt.Tx
	opts   Options
	total  totals
	known  map[protocol.TopicID]*topicTx
	topics []*topicTx // known, in order of first use
	stored int        // items written
}

func newPutter(tx *bbolt.Tx, opts Options) (*putter, error) {
	total, err := readTotal(tx)
	return &putter{tx: tx, opts: opts, total: total, known: make(map[protocol.TopicID]*topicTx)}, err
}

// put puts one item. An error is the transaction's end; what concerns this item
// only is in the result.
func (p *putter) put(it *protocol.Item, mark string) (PutResult, error) {
	res := PutResult{ID: it.ID}
	loc, known, err := locate(p.tx, it.ID)
	if err != nil {
		return res, err
	}
	if known {
		res.Arrival = loc.arrival
		res.Fork = loc.arrival == 0
		return res, nil
	}
	if p.opts.MaxBytes > 0 && int64(p.total.bytes)+cost(it) > p.opts.MaxBytes {
		res.Err = ErrFull
		return res, nil
	}
	t, err := p.topic(it)
	if err != nil {
		return res, err
	}
	if mark == "" {
		return p.place(t, it, res)
	}
	if first, ok := t.marked(mark); ok {
		res.ID, res.Marked = first, true
		return res, nil
	}
	if res, err = p.place(t, it, res); err != nil || !res.New {
		return res, err
	}
	key := sha256.Sum256([]byte(mark))
	return res, t.marks.Put(key[:], it.ID[:])
}

// marked looks a mark up.
func (t *topicTx) marked(mark string) (id protocol.ItemID, ok bool) {
	key := sha256.Sum256([]byte(mark))
	v := t.marks.Get(key[:])
	copy(id[:], v)
	return id, v != nil
}

// topic returns the topic of an item, created if need be.
func (p *putter) topic(it *protocol.Item) (*topicTx, error) {
	if t := p.known[it.Topic]; t != nil {
		return t, nil
	}
	t, err := openTopic(p.tx, it.Topic)
	if t == nil && err == nil {
		t, err = createTopic(p.tx, it.Topic, it.TopicName)
	}
	if err != nil {
		return nil, err
	}
	p.known[it.Topic] = t
	p.topics = append(p.topics, t)
	return t, nil
}

// place writes a new item into the log, or aside where it forks an owned feed.
func (p *putter) place(t *topicTx, it *protocol.Item, res PutResult) (PutResult, error) {
	err := scanSeq(t.seq, it.Author, it.Seq, it.Seq, func(e seqEntry) (bool, error) {
		res.Fork, res.FirstID = true, e.id
		return false, nil
	})
	if err != nil {
		return res, err
	}
	if res.Fork && t.owned {
		return res, p.keepEvidence(t, it)
	}
	res.New = true
	res.Arrival, err = p.append(t, it)
	return res, err
}

// append writes an item at the end of the log and into the indexes.
func (p *putter) append(t *topicTx, it *protocol.Item) (arrival uint64, err error) {
	t.lastArrival++
	arrival = t.lastArrival
	// Receipt never goes backwards along the log, whatever the clock does, so that
	// the log can be searched by it.
	t.lastReceipt = max(t.lastReceipt, uint64(max(p.opts.Now().UnixMilli(), 0)))

	if err := t.log.Put(appendNumbers(nil, arrival), newRecord(t.lastReceipt, it)); err != nil {
		return 0, err
	}
	key := append(appendSeqKey(nil, it.Author, it.Seq), it.ID[:]...)
	if err := t.seq.Put(key, appendNumbers(nil, arrival)); err != nil {
		return 0, err
	}
	t.items++
	if err := t.noteManifest(it); err != nil {
		return 0, err
	}
	return arrival, p.index(t, it, arrival)
}

// keepEvidence keeps an item that forks an owned feed, if there is room.
func (p *putter) keepEvidence(t *topicTx, it *protocol.Item) error {
	if t.kept >= MaxEvidence {
		return nil
	}
	if err := t.forks.Put(it.ID[:], it.Bytes); err != nil {
		return err
	}
	t.kept++
	return p.index(t, it, 0)
}

// index enters an item into the index by ID and charges it.
func (p *putter) index(t *topicTx, it *protocol.Item, arrival uint64) error {
	p.stored++
	t.bytes += uint64(cost(it))
	p.total.bytes += uint64(cost(it))
	p.total.items++
	return p.tx.Bucket(bucketIDs).Put(it.ID[:], location{t.id, arrival}.append(nil))
}

// finish writes the counts back. Where no item was new there is nothing to write
// and nothing to sync: what was known is on disk.
func (p *putter) finish() error {
	if p.stored == 0 {
		return errNothing
	}
	for _, t := range p.topics {
		if err := t.save(); err != nil {
			return err
		}
	}
	return p.tx.Bucket(bucketSys).Put(keyTotal, appendNumbers(nil, p.total.items, p.total.bytes))
}
