package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// arrivals lists a log as "arrival:seq …".
func arrivals(t testing.TB, s *Store, topic protocol.TopicID, after uint64) string {
	t.Helper()
	var got []string
	err := s.Arrivals(topic, after, func(a Arrival) bool {
		got = append(got, fmt.Sprintf("%d:%d", a.N, a.Item.Seq))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, " ")
}

// rangeSeqs lists a range of an author's feed.
func rangeSeqs(t testing.TB, s *Store, a author, first, last uint64) string {
	t.Helper()
	var got []string
	err := s.Range(a.topic, a.id, first, last, func(it *protocol.Item) bool {
		got = append(got, fmt.Sprint(it.Seq))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, " ")
}

func TestReadInOrder(t *testing.T) {
	s := openTest(t, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	for _, seq := range []uint64{3, 1, 7, 2} {
		mustPut(t, s, a.feedItems(seq, seq)...)
		mustPut(t, s, b.feedItems(seq, seq)...)
	}
	if got := arrivals(t, s, a.topic, 0); got != "1:3 2:1 3:7 4:2" {
		t.Errorf("arrivals %q", got)
	}
	if got := arrivals(t, s, a.topic, 2); got != "3:7 4:2" {
		t.Errorf("arrivals after 2 %q", got)
	}
	if got := arrivals(t, s, a.topic, math.MaxUint64) + arrivals(t, s, a.topic, 4) + arrivals(t, s, protocol.TopicID{9}, 0); got != "" {
		t.Errorf("arrivals after the last %q", got)
	}
	for _, tt := range []struct {
		first, last uint64
		want        string
	}{{0, math.MaxUint64, "1 2 3 7"}, {2, 3, "2 3"}, {4, 6, ""}, {7, 7, "7"}, {3, 2, ""}} {
		if got := rangeSeqs(t, s, a, tt.first, tt.last); got != tt.want {
			t.Errorf("range %d-%d: %q, want %q", tt.first, tt.last, got, tt.want)
		}
	}
	if _, err := s.GetSeq(a.topic, a.id, 4); !errors.Is(err, ErrNotFound) {
		t.Errorf("entry not held: %v", err)
	}
	if _, err := s.Get(protocol.ItemID{1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown ID: %v", err)
	}
	if it, err := s.GetSeq(a.topic, a.id, 7); err != nil || it.Seq != 7 {
		t.Errorf("GetSeq: %v, %v", it, err)
	}
}

// TestManyChunks: ranges longer than a chunk, in number and in bytes, are read whole,
// the reader can stop anywhere, and may write meanwhile.
func TestManyChunks(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	const n = 2*chunkItems + 10
	mustPut(t, s, a.feedItems(1, n)...)
	for seq := uint64(n + 1); seq <= n+5; seq++ {
		mustPut(t, s, item(a.feed, a, seq, strings.Repeat("x", chunkBytes/2)))
	}
	next := uint64(1)
	for _, stop := range []uint64{0, 1, chunkItems, chunkItems + 1} {
		next = 1
		err := s.Range(a.topic, a.id, 1, math.MaxUint64, func(it *protocol.Item) bool {
			if it.Seq != next {
				t.Fatalf("item %d, want %d", it.Seq, next)
			}
			next++
			return it.Seq != stop
		})
		if want := uint64(n + 6); err != nil || stop == 0 && next != want || stop > 0 && next != stop+1 {
			t.Fatalf("stop %d: next %d, %v", stop, next, err)
		}
	}
	next = 1
	err := s.Arrivals(a.topic, 0, func(at Arrival) bool {
		if at.N != next || at.Item.Seq != next {
			t.Fatalf("arrival %d of item %d, want %d", at.N, at.Item.Seq, next)
		}
		if next <= 3 { // while reading
			mustPut(t, s, item("news", a, next, "x"))
		}
		next++
		return true
	})
	if err != nil || next != n+6 {
		t.Fatalf("next %d, %v", next, err)
	}
}

// TestRangeOfOneNumber: an author who uses one number again and again in an open
// topic does not make a chunk larger.
func TestRangeOfOneNumber(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	topic := protocol.TopicOf("news")
	const n = 2*chunkItems + 1
	var items []*protocol.Item
	for i := range n {
		items = append(items, item("news", a, 7, fmt.Sprint(i)))
	}
	mustPut(t, s, items...)
	seen := make(map[protocol.ItemID]bool)
	err := s.Range(topic, a.id, 7, 7, func(it *protocol.Item) bool {
		if seen[it.ID] {
			t.Fatal("an item came twice")
		}
		seen[it.ID] = true
		return true
	})
	if err != nil || len(seen) != n {
		t.Fatalf("%d of %d items, %v", len(seen), n, err)
	}
	chunk, _, more, err := s.rangeChunk(topic, seqEntry{author: a.id, seq: 7}, 7)
	if err != nil || len(chunk) != chunkItems || !more {
		t.Errorf("chunk of %d items, more %v, %v", len(chunk), more, err)
	}
}

func TestHoldings(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := openTest(t, Options{})
		a, b := newAuthor(t, 1), newAuthor(t, 2)
		held := make(map[uint64]protocol.ItemID)
		var items []*protocol.Item
		for range 40 {
			it := item(a.feed, a, 1+rng.Uint64N(60), "data")
			if _, ok := held[it.Seq]; !ok {
				held[it.Seq] = it.ID
				items = append(items, it)
			}
		}
		mustPut(t, s, items...)
		mustPut(t, s, item(a.feed, b, 100, "somebody else's"))
		var want Holdings
		for seq := uint64(1); seq <= 60; seq++ {
			id, ok := held[seq]
			if !ok {
				continue
			}
			n := len(want.Ranges)
			if n > 0 && want.Ranges[n-1].Last == seq-1 {
				want.Ranges[n-1].Last = seq
			} else {
				want.Ranges = append(want.Ranges, feed.Range{First: seq, Last: seq})
			}
			if len(want.Ranges) == 1 {
				want.Head = id
			}
		}
		got, err := s.Holdings(a.topic, a.id)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %+v, %v, want %+v", seed, got, err, want)
		}
		top := want.Ranges[len(want.Ranges)-1].Last
		if k, ok, err := s.Last(a.topic, a.id); err != nil || !ok || k.Seq != top || k.ID != held[top] {
			t.Fatalf("seed %d: last %+v, %v, %v, want %d", seed, k, ok, err, top)
		}
		if k, ok, err := s.Last(a.topic, b.id); err != nil || !ok || k.Seq != 100 {
			t.Fatalf("seed %d: last of another %+v, %v, %v", seed, k, ok, err)
		}
	}
}

func TestHoldingsOfNothing(t *testing.T) {
	s := openTest(t, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	for range 2 {
		if h, err := s.Holdings(a.topic, a.id); err != nil || len(h.Ranges) != 0 || h.Head != (protocol.ItemID{}) {
			t.Errorf("%+v, %v", h, err)
		}
		if _, ok, err := s.Last(a.topic, a.id); ok || err != nil {
			t.Errorf("Last: %v, %v", ok, err)
		}
		mustPut(t, s, item(a.feed, b, math.MaxUint64, "somebody else's"))
		s.cache = newCache(0)
		b = newAuthor(t, 3)
	}
	if k, ok, err := s.Last(a.topic, newAuthor(t, 2).id); !ok || err != nil || k.Seq != math.MaxUint64 {
		t.Errorf("the last number of all: %+v, %v, %v", k, ok, err)
	}
}

func TestKeys(t *testing.T) {
	s := openTest(t, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	topic := protocol.TopicOf("news")
	var items []*protocol.Item
	for i := range uint64(20) {
		by := a
		if i%3 == 0 {
			by = b
		}
		items = append(items, item("news", by, 1000-i, "x"))
	}
	mustPut(t, s, items...)
	for _, limit := range []int{-1, 0, 1, 7, 20, 21} {
		keys, err := s.Keys(topic, limit)
		if err != nil || len(keys) != max(0, min(limit, 20)) {
			t.Fatalf("limit %d: %d keys, %v", limit, len(keys), err)
		}
		for i, k := range keys {
			it := items[len(items)-len(keys)+i]
			if k != (Key{ID: it.ID, Author: it.Author, Seq: it.Seq}) {
				t.Fatalf("limit %d: key %d is %+v", limit, i, k)
			}
		}
	}
}

func TestReceiptAndSince(t *testing.T) {
	c := newClock()
	start := c.Now()
	s := openTest(t, Options{Now: c.Now})
	a := newAuthor(t, 1)
	for i := range uint64(10) {
		mustPut(t, s, a.feedItems(i+1, i+1)...)
		c.add(time.Minute)
	}
	c.add(-time.Hour) // the clock is set back
	mustPut(t, s, a.feedItems(11, 11)...)
	var last time.Time
	err := s.Arrivals(a.topic, 0, func(at Arrival) bool {
		if want := start.Add(time.Duration(min(at.N, 10)-1) * time.Minute); !at.At.Equal(want) || at.At.Before(last) {
			t.Errorf("arrival %d at %v, want %v", at.N, at.At, want)
		}
		last = at.At
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		want uint64
	}{{start.Add(-time.Hour), 0}, {start, 0}, {start.Add(time.Second), 1}, {start.Add(9 * time.Minute), 9}, {start.Add(time.Hour), 11}} {
		if got, err := s.Since(a.topic, tt.at); err != nil || got != tt.want {
			t.Errorf("Since(start + %v) = %d, %v, want %d", tt.at.Sub(start), got, err, tt.want)
		}
	}
}

// TestDamagedItem: one altered byte on disk costs one item, and is noticed.
func TestDamagedItem(t *testing.T) {
	for _, topic := range []string{newAuthor(t, 1).feed, "news"} {
		s := openTest(t, Options{CacheBytes: -1})
		a := newAuthor(t, 1)
		a.topic = protocol.TopicOf(topic)
		var items []*protocol.Item
		for i := range uint64(4) {
			items = append(items, item(topic, a, i+1, "some data"))
		}
		mustPut(t, s, items...)
		err := s.update(func(tx *bbolt.Tx) error {
			log := tx.Bucket(bucketTopics).Bucket(a.topic[:]).Bucket(bucketLog)
			v := append([]byte(nil), log.Get(appendNumbers(nil, 1))...)
			v[len(v)/2] ^= 1
			return log.Put(appendNumbers(nil, 1), v)
		})
		if err != nil {
			t.Fatal(err)
		}
		var damage *CorruptError
		if _, err := s.Get(items[0].ID); !errors.As(err, &damage) {
			t.Errorf("%s: Get: %v", topic, err)
		}
		if got := arrivals(t, s, a.topic, 0); got != "2:2 3:3 4:4" {
			t.Errorf("%s: arrivals %q", topic, got)
		}
		if got := rangeSeqs(t, s, a, 0, 9); got != "2 3 4" {
			t.Errorf("%s: range %q", topic, got)
		}
		if s.damaged.Load() == 0 {
			t.Errorf("%s: damage was not counted", topic)
		}
		// It does not stop retention either.
		p, err := s.Prune(a.topic, Retention{MaxItems: 2})
		if err != nil || len(p.Removed) != 2 || p.Removed[0].ID != items[0].ID {
			t.Errorf("%s: pruned %+v, %v", topic, p, err)
		}
		stats(t, s)
	}
}

func TestCacheBound(t *testing.T) {
	a := newAuthor(t, 1)
	items := a.feedItems(1, 10)
	s := openTest(t, Options{CacheBytes: 3 * cost(items[0])})
	mustPut(t, s, items...)
	if n := len(s.cache.byID); n != 3 || s.cache.bytes > s.cache.bound || s.cache.order.Len() != n {
		t.Errorf("%d cached, %d bytes of %d", n, s.cache.bytes, s.cache.bound)
	}
	for _, it := range items {
		if got, err := s.Get(it.ID); err != nil || got.ID != it.ID {
			t.Fatal(err)
		}
	}
	if got, _ := s.Get(items[9].ID); got != items[9] && s.cache.get(items[9].ID) == nil {
		t.Error("the newest item is not cached")
	}
	if s.cache.get(items[0].ID) != nil {
		t.Error("the oldest item is cached still")
	}
}
