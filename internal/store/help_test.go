package store

import (
	"bytes"
	"crypto/ed25519"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// openTest opens a new store that is closed with the test.
func openTest(t testing.TB, opts Options) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "store.db"), opts)
}

func openAt(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	s, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// author is a key with what belongs to it.
type author struct {
	key   crypto.PrivKey
	id    protocol.PeerID
	feed  string
	topic protocol.TopicID
}

func newAuthor(t testing.TB, seed byte) author {
	t.Helper()
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return author{key: key, id: id, feed: feed.TopicName(id), topic: protocol.TopicOf(feed.TopicName(id))}
}

// item makes an unsigned item; the store does not look at signatures.
func item(topic string, by author, seq uint64, data string) *protocol.Item {
	return protocol.NewItem(topic, by.id, seq, []byte(data))
}

// feedItems makes items first to last of the author's feed.
func (a author) feedItems(first, last uint64) []*protocol.Item {
	var items []*protocol.Item
	for seq := first; seq <= last; seq++ {
		items = append(items, item(a.feed, a, seq, "data"))
	}
	return items
}

// mustPut puts items that are all new.
func mustPut(t testing.TB, s *Store, items ...*protocol.Item) {
	t.Helper()
	results, err := s.Put(items...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if !r.New || r.ID != items[i].ID {
			t.Fatalf("item %d: %+v", i, r)
		}
	}
}

// putMarked puts one item under a mark and waits.
func putMarked(t testing.TB, s *Store, it *protocol.Item, mark string) PutResult {
	t.Helper()
	done := make(chan PutResult, 1)
	if err := s.PutAsync(it, mark, func(r PutResult) { done <- r }); err != nil {
		t.Fatal(err)
	}
	return <-done
}

// mustHave checks that an item reads back byte for byte, from disk.
func mustHave(t testing.TB, s *Store, it *protocol.Item) {
	t.Helper()
	s.cache.remove(it.ID)
	got, err := s.Get(it.ID)
	if err != nil {
		t.Fatalf("item %d: %v", it.Seq, err)
	}
	if !bytes.Equal(got.Bytes, it.Bytes) || got.ID != it.ID || got.Topic != it.Topic {
		t.Fatalf("item %d reads back as another", it.Seq)
	}
}

func stats(t testing.TB, s *Store) Stats {
	t.Helper()
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	checkCounts(t, s, st)
	return st
}

// checkCounts compares the counts that are kept with the items that are there.
func checkCounts(t testing.TB, s *Store, st Stats) {
	t.Helper()
	var items, bytes uint64
	for _, topic := range st.Topics {
		var n, b uint64
		err := s.Arrivals(topic.Topic, 0, func(a Arrival) bool {
			n++
			b += uint64(cost(a.Item))
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := s.Evidence(topic.Topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range evidence {
			b += uint64(cost(it))
		}
		if n != topic.Items || b != topic.Bytes || uint64(len(evidence)) != topic.Evidence {
			t.Fatalf("topic %q has %d items, %d bytes, %d evidence, but counts %+v", topic.Name, n, b, len(evidence), topic)
		}
		items += n + uint64(len(evidence))
		bytes += b
	}
	if items != st.Items || bytes != st.Bytes {
		t.Fatalf("%d items, %d bytes, but counts %d, %d", items, bytes, st.Items, st.Bytes)
	}
}

// clock is a wall clock set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1793491200000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
