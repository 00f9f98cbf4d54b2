package store

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// benchItems makes n items of 1 KiB.
func benchItems(b *testing.B, n int) (author, []*protocol.Item) {
	b.Helper()
	a := newAuthor(b, 1)
	items := make([]*protocol.Item, n)
	for i := range items {
		items[i] = item(a.feed, a, uint64(i+1), string(make([]byte, 1<<10)))
	}
	return a, items
}

// putAll queues items as fast as the queue takes them and waits for the last.
func putAll(b *testing.B, s *Store, items []*protocol.Item) {
	b.Helper()
	var wg sync.WaitGroup
	for _, it := range items {
		wg.Add(1)
		done := func(r PutResult) {
			if !r.New {
				b.Errorf("%+v", r)
			}
			wg.Done()
		}
		for s.PutAsync(it, "", done) != nil {
			time.Sleep(100 * time.Microsecond)
		}
	}
	wg.Wait()
}

// BenchmarkPutBatched: one op is one item of 1 KiB, put with many others waiting.
func BenchmarkPutBatched(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "store.db"), Options{})
	_, items := benchItems(b, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	putAll(b, s, items)
	b.StopTimer()
	st, err := s.Stats()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(b.N)/float64(st.Commits), "items/commit")
	b.ReportMetric(float64(st.FileBytes-st.FreeBytes)/float64(b.N), "file-B/item")
}

// BenchmarkPutOne: one op is one item of 1 KiB, put alone and synced.
func BenchmarkPutOne(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "store.db"), Options{})
	_, items := benchItems(b, b.N)
	b.ResetTimer()
	for _, it := range items {
		if _, err := s.Put(it); err != nil {
			b.Fatal(err)
		}
	}
}

// Reading benchmarks work on this many items.
const benchStored = 20_000

func benchStore(b *testing.B) (*Store, author, []*protocol.Item) {
	b.Helper()
	s := openAt(b, filepath.Join(b.TempDir(), "store.db"), Options{CacheBytes: -1})
	a, items := benchItems(b, benchStored)
	putAll(b, s, items)
	b.ResetTimer()
	return s, a, items
}

// BenchmarkGet: one op is one item read by its ID, past the cache.
func BenchmarkGet(b *testing.B) {
	s, _, items := benchStore(b)
	for i := range b.N {
		if _, err := s.Get(items[i*7919%len(items)].ID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHoldings: one op reads the index of benchStored items.
func BenchmarkHoldings(b *testing.B) {
	s, a, _ := benchStore(b)
	for range b.N {
		if h, err := s.Holdings(a.topic, a.id); err != nil || len(h.Ranges) != 1 {
			b.Fatal(h, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchStored, "ns/item")
}
