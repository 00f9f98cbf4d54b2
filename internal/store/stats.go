package store

import (
	"sort"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/protocol"
)

// Stats is what a store has and does.
type Stats struct {
	// Items and Bytes are the sums over the topics; Bytes is what Options.MaxBytes
	// bounds.
	Items uint64 `json:"items"`
	Bytes uint64 `json:"bytes"`
	// FileBytes is the part of the file in use or used before, FreeBytes what of
	// it waits to be used again.
	FileBytes uint64 `json:"file_bytes"`
	FreeBytes uint64 `json:"free_bytes"`
	// Puts counts new items and Commits transactions of puts since Open; Damaged
	// counts items that could not be read back.
	Puts    uint64 `json:"puts"`
	Commits uint64 `json:"commits"`
	Damaged uint64 `json:"damaged"`
	// Queued is the number of items that wait to be committed.
	Queued int `json:"queued"`
	// Topics in ascending order of their names.
	Topics []TopicStats `json:"topics"`
}

// TopicStats is what a store has of one topic.
type TopicStats struct {
	Topic protocol.TopicID `json:"-"`
	Name  string           `json:"name"`
	// Items counts those in the log, Evidence those kept aside.
	Items    uint64 `json:"items"`
	Evidence uint64 `json:"evidence"`
	Bytes    uint64 `json:"bytes"`
	// LastArrival is the number of the newest arrival, pruned or not.
	LastArrival uint64 `json:"last_arrival"`
	// LastReceipt is when it came, zero without one.
	LastReceipt time.Time `json:"last_receipt,omitzero"`
}

// Stats returns the store's figures. It reads one record a topic.
func (s *Store) Stats() (Stats, error) {
	st := Stats{
		Puts: s.puts.Load(), Commits: s.commits.Load(), Damaged: s.damaged.Load(),
		Queued: s.queue.len(),
	}
	err := s.view(func(tx *bbolt.Tx) error {
		total, err := readTotal(tx)
		if err != nil {
			return err
		}
		st.Items, st.Bytes = total.items, total.bytes
		st.FileBytes = uint64(tx.Size())
		db := tx.DB().Stats()
		st.FreeBytes = uint64(db.FreePageN+db.PendingPageN) * uint64(tx.DB().Info().PageSize)
		return tx.Bucket(bucketTopics).ForEachBucket(func(k []byte) error {
			t, err := topicStats(tx, k)
			st.Topics = append(st.Topics, t)
			return err
		})
	})
	if err != nil {
		return Stats{}, err
	}
	sort.Slice(st.Topics, func(i, j int) bool { return st.Topics[i].Name < st.Topics[j].Name })
	return st, nil
}

// topicStats reads the figures of one topic.
func topicStats(tx *bbolt.Tx, key []byte) (TopicStats, error) {
	if len(key) != len(protocol.TopicID{}) {
		return TopicStats{}, errLayout
	}
	t, err := openTopic(tx, protocol.TopicID(key))
	if err != nil {
		return TopicStats{}, err
	}
	st := TopicStats{
		Topic: t.id, Name: t.name(), Items: t.items, Evidence: t.kept, Bytes: t.bytes,
		LastArrival: t.lastArrival,
	}
	if t.lastArrival > 0 {
		st.LastReceipt = time.UnixMilli(int64(t.lastReceipt))
	}
	return st, nil
}

// Since returns the last arrival of a topic that was received before t, 0 if none
// was: Arrivals after it are those since t.
func (s *Store) Since(topic protocol.TopicID, at time.Time) (after uint64, err error) {
	err = s.viewTopic(topic, func(_ *bbolt.Tx, t *topicTx) error {
		c := t.log.Cursor()
		var searchErr error
		n := sort.Search(int(t.lastArrival), func(i int) bool {
			k, v := c.Seek(appendNumbers(nil, uint64(i)+1))
			if k == nil {
				return true
			}
			received, _, err := splitRecord(v)
			if err != nil {
				searchErr = err
			}
			return !received.Before(at)
		})
		after = uint64(n)
		return searchErr
	})
	return after, err
}
