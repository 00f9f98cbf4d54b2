package store

import (
	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of what SetMeta takes, in bytes.
const (
	MaxMetaKey   = 1024
	MaxMetaValue = 1 << 20
)

// MetaEntry is one value this peer remembers.
type MetaEntry struct {
	Key   string
	Value []byte
}

// Meta returns a value that SetMeta has set, nil if there is none.
func (s *Store) Meta(bucket, key string) (value []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketMeta).Bucket([]byte(bucket)); b != nil {
			if v := b.Get([]byte(key)); v != nil {
				value = append([]byte{}, v...)
			}
		}
		return nil
	})
	return value, err
}

// MetaEntries returns all values of a bucket in ascending order of their keys.
func (s *Store) MetaEntries(bucket string) (entries []MetaEntry, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMeta).Bucket([]byte(bucket))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			entries = append(entries, MetaEntry{string(k), append([]byte{}, v...)})
			return nil
		})
	})
	return entries, err
}

// SetMeta sets a value of a bucket, both named at the caller's liking, and returns
// when it is on disk; nil removes it. Names have 1 to MaxMetaKey bytes, values at
// most MaxMetaValue, or it fails with ErrTooLarge.
func (s *Store) SetMeta(bucket, key string, value []byte) error {
	if err := checkMeta(bucket, MetaEntry{key, value}); err != nil {
		return err
	}
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket(bucketMeta).CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		if value == nil {
			return b.Delete([]byte(key))
		}
		return b.Put([]byte(key), value)
	})
}

// ReplaceMeta makes the entries the only ones of a bucket, all at once: for lists
// that are written whole, like remembered peers.
func (s *Store) ReplaceMeta(bucket string, entries []MetaEntry) error {
	for _, e := range entries {
		if err := checkMeta(bucket, e); err != nil {
			return err
		}
	}
	return s.update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta.Bucket([]byte(bucket)) != nil {
			if err := meta.DeleteBucket([]byte(bucket)); err != nil {
				return err
			}
		}
		b, err := meta.CreateBucket([]byte(bucket))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := b.Put([]byte(e.Key), e.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkMeta checks the bounds.
func checkMeta(bucket string, e MetaEntry) error {
	for _, name := range []string{bucket, e.Key} {
		if name == "" || len(name) > MaxMetaKey {
			return ErrTooLarge
		}
	}
	if len(e.Value) > MaxMetaValue {
		return ErrTooLarge
	}
	return nil
}

// Marked returns the item that was put under a mark, false if none was.
func (s *Store) Marked(topic protocol.TopicID, mark string) (id protocol.ItemID, ok bool, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		id, ok = t.marked(mark)
		return nil
	})
	return id, ok, err
}
