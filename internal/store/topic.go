package store

import (
	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// topicTx is a topic's buckets within a transaction.
type topicTx struct {
	id                             protocol.TopicID
	root, log, seq, marks, forks   *bbolt.Bucket
	items, bytes                   uint64
	lastArrival, lastReceipt, kept uint64 // kept counts evidence
	owned                          bool   // by an author; known while writing only
}

// openTopic returns a topic's buckets, nil if nothing of it is stored.
func openTopic(tx *bbolt.Tx, id protocol.TopicID) (*topicTx, error) {
	root := tx.Bucket(bucketTopics).Bucket(id[:])
	if root == nil {
		return nil, nil
	}
	t := &topicTx{
		id: id, root: root,
		log: root.Bucket(bucketLog), seq: root.Bucket(bucketSeq),
		marks: root.Bucket(bucketMarks), forks: root.Bucket(bucketForks),
	}
	if t.log == nil || t.seq == nil || t.marks == nil || t.forks == nil {
		return nil, errLayout
	}
	ns, err := readNumbers(root.Get(keyStat), 5)
	if err != nil {
		return nil, err
	}
	t.items, t.bytes, t.lastArrival, t.lastReceipt, t.kept = ns[0], ns[1], ns[2], ns[3], ns[4]
	if !tx.Writable() {
		return t, nil // to find out whose the topic is costs more than most reads
	}
	_, t.owned = feed.Owner(t.name())
	t.log.FillPercent = fill
	if t.owned {
		t.seq.FillPercent = fill
	}
	return t, nil
}

// createTopic makes an empty topic.
func createTopic(tx *bbolt.Tx, id protocol.TopicID, name string) (*topicTx, error) {
	root, err := tx.Bucket(bucketTopics).CreateBucket(id[:])
	if err != nil {
		return nil, err
	}
	for _, b := range [][]byte{bucketLog, bucketSeq, bucketMarks, bucketForks} {
		if _, err := root.CreateBucket(b); err != nil {
			return nil, err
		}
	}
	if err := root.Put(keyName, []byte(name)); err != nil {
		return nil, err
	}
	if err := root.Put(keyStat, appendNumbers(nil, 0, 0, 0, 0, 0)); err != nil {
		return nil, err
	}
	return openTopic(tx, id)
}

// name is the topic's name.
func (t *topicTx) name() string { return string(t.root.Get(keyName)) }

// save writes the topic's counts back.
func (t *topicTx) save() error {
	return t.root.Put(keyStat, appendNumbers(nil, t.items, t.bytes, t.lastArrival, t.lastReceipt, t.kept))
}

// addTotal changes the sums over all topics.
func addTotal(tx *bbolt.Tx, items, bytes int64) error {
	total, err := readTotal(tx)
	if err != nil {
		return err
	}
	total.items += uint64(items)
	total.bytes += uint64(bytes)
	return tx.Bucket(bucketSys).Put(keyTotal, appendNumbers(nil, total.items, total.bytes))
}

type totals struct{ items, bytes uint64 }

// readTotal reads the sums over all topics.
func readTotal(tx *bbolt.Tx) (totals, error) {
	ns, err := readNumbers(tx.Bucket(bucketSys).Get(keyTotal), 2)
	if err != nil {
		return totals{}, err
	}
	return totals{ns[0], ns[1]}, nil
}
