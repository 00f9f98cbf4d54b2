package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestPutIsIdempotent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	a := newAuthor(t, 1)
	items := a.feedItems(1, 3)
	mustPut(t, s, items...)
	for range 2 {
		commits := stats(t, s).Commits
		results, err := s.Put(items[1], items[1], items[2])
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []uint64{2, 2, 3} {
			if r := results[i]; r.New || r.Fork || r.Arrival != want {
				t.Errorf("again: %+v, want arrival %d", r, want)
			}
		}
		if st := stats(t, s); st.Items != 3 || st.Topics[0].LastArrival != 3 || st.Commits != commits {
			t.Errorf("%+v", st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path, Options{})
	}
	for _, it := range items {
		mustHave(t, s, it)
	}
}

// TestSameItemTwiceInOneBatch: both are told the same.
func TestSameItemTwiceInOneBatch(t *testing.T) {
	s := openTest(t, Options{})
	it := newAuthor(t, 1).feedItems(1, 1)[0]
	results, err := s.Put(it, it)
	if err != nil || !results[0].New || results[1].New || results[1].Arrival != 1 {
		t.Fatalf("%+v, %v", results, err)
	}
}

func TestForkOfOwnedFeed(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	first := item(a.feed, a, 1, "first")
	mustPut(t, s, first, item(a.feed, a, 2, "second"))
	var kept []*protocol.Item
	for i := range MaxEvidence + 2 {
		it := item(a.feed, a, 1, fmt.Sprint("other ", i))
		for range 2 { // the second time it is known
			results, err := s.Put(it)
			if err != nil {
				t.Fatal(err)
			}
			if r := results[0]; r.New || !r.Fork || r.Arrival != 0 {
				t.Fatalf("fork %d: %+v", i, r)
			}
		}
		if i < MaxEvidence {
			kept = append(kept, it)
		} else if ok, _ := s.Has(it.ID); ok {
			t.Errorf("evidence %d of at most %d was kept", i+1, MaxEvidence)
		}
	}
	for _, it := range kept {
		mustHave(t, s, it)
	}
	if evidence, err := s.Evidence(a.topic); err != nil || len(evidence) != MaxEvidence {
		t.Errorf("%d pieces of evidence, %v", len(evidence), err)
	}
	// Readers and repair see the first version only.
	if it, err := s.GetSeq(a.topic, a.id, 1); err != nil || it.ID != first.ID {
		t.Errorf("entry 1 is %v, %v", it, err)
	}
	if got := arrivals(t, s, a.topic, 0); got != "1:1 2:2" {
		t.Errorf("log %q", got)
	}
	if got := rangeSeqs(t, s, a, 0, 9); got != "1 2" {
		t.Errorf("range %q", got)
	}
	stats(t, s)
}

func TestSameNumberInOpenTopic(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	topic := protocol.TopicOf("news")
	x, y := item("news", a, 7, "x"), item("news", a, 7, "y")
	mustPut(t, s, x)
	results, err := s.Put(y)
	if err != nil || !results[0].New || !results[0].Fork || results[0].FirstID != x.ID || results[0].Arrival != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	keys, err := s.Keys(topic, 10)
	if err != nil || len(keys) != 2 || keys[0].ID != x.ID || keys[1].ID != y.ID {
		t.Errorf("%v, %v", keys, err)
	}
	stats(t, s)
}

func TestMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	mark := strings.Repeat("m", MaxMark)
	items := a.feedItems(1, 3)
	if r := putMarked(t, s, items[0], mark); !r.New || r.Marked {
		t.Fatalf("first: %+v", r)
	}
	for range 2 {
		r := putMarked(t, s, items[1], mark)
		if r.New || !r.Marked || r.ID != items[0].ID {
			t.Errorf("same mark: %+v", r)
		}
		if ok, _ := s.Has(items[1].ID); ok {
			t.Error("stored under a mark that was taken")
		}
		if id, ok, err := s.Marked(a.topic, mark); err != nil || !ok || id != items[0].ID {
			t.Errorf("Marked: %v, %v, %v", id, ok, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path, Options{})
	}
	if _, ok, _ := s.Marked(b.topic, mark); ok {
		t.Error("a mark of one topic holds in another")
	}
	if r := putMarked(t, s, b.feedItems(1, 1)[0], mark); !r.New {
		t.Errorf("same mark, other topic: %+v", r)
	}
	if r := putMarked(t, s, items[1], "other"); !r.New {
		t.Errorf("other mark: %+v", r)
	}
	if err := s.PutAsync(items[2], mark+"m", nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("mark too long: %v", err)
	}
	// What is not stored leaves no mark.
	if r := putMarked(t, s, item(a.feed, a, 1, "fork"), "of a fork"); !r.Fork {
		t.Errorf("fork: %+v", r)
	}
	if _, ok, _ := s.Marked(a.topic, "of a fork"); ok {
		t.Error("an item that was not stored left its mark")
	}
}

// TestMarkInOneBatch: of many that come at once under one mark one is stored.
func TestMarkInOneBatch(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	const n = 50
	done := make(chan PutResult, n)
	for _, it := range a.feedItems(1, n) {
		if err := s.PutAsync(it, "once", func(r PutResult) { done <- r }); err != nil {
			t.Fatal(err)
		}
	}
	stored := 0
	for range n {
		if r := <-done; r.New {
			stored++
		} else if !r.Marked {
			t.Errorf("%+v", r)
		}
	}
	if stored != 1 || stats(t, s).Items != 1 {
		t.Errorf("%d stored", stored)
	}
}

func TestQuota(t *testing.T) {
	a := newAuthor(t, 1)
	items := a.feedItems(1, 10)
	s := openTest(t, Options{MaxBytes: 4 * cost(items[0])})
	mustPut(t, s, items[:4]...)
	results, err := s.Put(items[3], items[4])
	if !errors.Is(err, ErrFull) || !errors.Is(results[1].Err, ErrFull) || results[0].Err != nil {
		t.Fatalf("%+v, %v", results, err)
	}
	if r := putMarked(t, s, items[4], "mark"); !errors.Is(r.Err, ErrFull) {
		t.Errorf("%+v", r)
	}
	if _, ok, _ := s.Marked(a.topic, "mark"); ok {
		t.Error("a refused item left its mark")
	}
	if _, err := s.Prune(a.topic, Retention{MaxItems: 2}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, items[4:6]...)
	if _, err := s.Put(items[6]); !errors.Is(err, ErrFull) {
		t.Errorf("full again: %v", err)
	}
	stats(t, s)
}

func TestClosed(t *testing.T) {
	s := openTest(t, Options{})
	it := newAuthor(t, 1).feedItems(1, 1)[0]
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(it); !errors.Is(err, ErrClosed) {
		t.Errorf("Put: %v", err)
	}
	if err := s.PutAsync(it, "", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("PutAsync: %v", err)
	}
	if _, err := s.Get(it.ID); !errors.Is(err, ErrClosed) {
		t.Errorf("Get: %v", err)
	}
	if err := s.SetMeta("b", "k", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("SetMeta: %v", err)
	}
	if _, err := s.Stats(); !errors.Is(err, ErrClosed) {
		t.Errorf("Stats: %v", err)
	}
}
