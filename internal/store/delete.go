package store

import (
	"time"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// DeleteTopic removes everything of a topic: items, marks, evidence, and the count
// of arrivals. It works in steps; if it is interrupted, call it again. An author
// who deletes an own feed and then publishes in it begins a second chain, a fork:
// do that with a new key.
func (s *Store) DeleteTopic(topic protocol.TopicID) error {
	for {
		var removed []protocol.ItemID
		done := false
		err := s.update(func(tx *bbolt.Tx) error {
			t, err := openTopic(tx, topic)
			if err != nil || t == nil {
				done = true
				return err
			}
			keys, err := t.removeOldest(tx, pruneBatch, false, func(time.Time) bool { return true })
			if err != nil {
				return err
			}
			for _, k := range keys {
				removed = append(removed, k.ID)
			}
			if t.items > 0 && len(keys) > 0 {
				return t.save()
			}
			done = true
			ids, err := t.removeEvidence(tx)
			removed = append(removed, ids...)
			if err != nil {
				return err
			}
			return tx.Bucket(bucketTopics).DeleteBucket(topic[:])
		})
		if err != nil {
			return err
		}
		for _, id := range removed {
			s.cache.remove(id)
		}
		if done {
			return nil
		}
	}
}

// removeEvidence takes the evidence of forks out of the index and the counts.
func (t *topicTx) removeEvidence(tx *bbolt.Tx) (ids []protocol.ItemID, err error) {
	err = t.forks.ForEach(func(k, v []byte) error {
		ids = append(ids, protocol.ItemID(k))
		return t.discharge(tx, protocol.ItemID(k), len(v))
	})
	return ids, err
}
