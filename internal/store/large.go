package store

import (
	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// noteManifest enters a manifest into the topic's list of them, in the transaction that
// stores it: after a crash none is stored without being known as one.
func (t *topicTx) noteManifest(it *protocol.Item) error {
	if _, is := large.Of(it); !is {
		return nil
	}
	b, err := t.root.CreateBucketIfNotExists(bucketLarge)
	if err != nil {
		return err
	}
	return b.Put(it.ID[:], []byte{})
}

// forgetManifest takes an item out of the list, if it is there.
func (t *topicTx) forgetManifest(id protocol.ItemID) error {
	if b := t.root.Bucket(bucketLarge); b != nil {
		return b.Delete(id[:])
	}
	return nil
}

// Manifests returns the IDs of a topic's items that are manifests, in no order that
// means anything.
func (s *Store) Manifests(topic protocol.TopicID) (ids []protocol.ItemID, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		b := t.root.Bucket(bucketLarge)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, _ []byte) error {
			if len(k) != len(protocol.ItemID{}) {
				return errLayout
			}
			ids = append(ids, protocol.ItemID(k))
			return nil
		})
	})
	return ids, err
}
