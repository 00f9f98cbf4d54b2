package store

import (
	"math"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

func TestPruneOwned(t *testing.T) {
	a := newAuthor(t, 1)
	size := uint64(cost(a.feedItems(1, 1)[0]))
	for _, tt := range []struct {
		name string
		r    Retention
		low  uint64
	}{
		{"no limit", Retention{}, 1},
		{"items", Retention{MaxItems: 3}, 8},
		{"more items than there are", Retention{MaxItems: 30}, 1},
		{"bytes", Retention{MaxBytes: 4*size + 1}, 7},
		{"age", Retention{MaxAge: 5*time.Minute + time.Second}, 6},
		{"the strictest counts", Retention{MaxItems: 3, MaxBytes: 9 * size, MaxAge: time.Hour}, 8},
		{"the newest stays", Retention{MaxItems: 1, MaxBytes: 1, MaxAge: 1}, 10},
	} {
		c := newClock()
		s := openTest(t, Options{Now: c.Now})
		for seq := uint64(1); seq <= 10; seq++ {
			mustPut(t, s, a.feedItems(seq, seq)...)
			c.add(time.Minute)
		}
		p, err := s.Prune(a.topic, tt.r)
		if err != nil || p.Low != tt.low || p.More || uint64(len(p.Removed)) != tt.low-1 {
			t.Errorf("%s: %+v, %v, want low %d", tt.name, p, err, tt.low)
		}
		for i, k := range p.Removed {
			if k.Seq != uint64(i+1) {
				t.Errorf("%s: removed %+v", tt.name, p.Removed)
			}
			if ok, _ := s.Has(k.ID); ok {
				t.Errorf("%s: item %d is still there", tt.name, k.Seq)
			}
		}
		h, err := s.Holdings(a.topic, a.id)
		if err != nil || len(h.Ranges) != 1 || h.Ranges[0] != (feed.Range{First: tt.low, Last: 10}) {
			t.Errorf("%s: holdings %+v, %v", tt.name, h, err)
		}
		stats(t, s)
		// Arrivals are not used twice.
		if r, err := s.Put(a.feedItems(11, 11)...); err != nil || r[0].Arrival != 11 {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
}

// TestPruneOwnedBySeq: in an owned feed the least numbers go first, however late
// they came.
func TestPruneOwnedBySeq(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	mustPut(t, s, a.feedItems(5, 9)...)
	mustPut(t, s, a.feedItems(1, 4)...)
	if p, err := s.Prune(a.topic, Retention{MaxItems: 3}); err != nil || p.Low != 7 {
		t.Errorf("%+v, %v", p, err)
	}
	if got := arrivals(t, s, a.topic, 0); got != "3:7 4:8 5:9" {
		t.Errorf("left %q", got)
	}
}

func TestPruneOpen(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	topic := protocol.TopicOf("news")
	for _, seq := range []uint64{9, 3, 7, 1} {
		mustPut(t, s, item("news", a, seq, "x"))
	}
	p, err := s.Prune(topic, Retention{MaxItems: 2})
	if err != nil || p.Low != 0 || len(p.Removed) != 2 || p.Removed[0].Seq != 9 || p.Removed[1].Seq != 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if got := arrivals(t, s, topic, 0); got != "3:7 4:1" {
		t.Errorf("left %q", got)
	}
	if p, err := s.Prune(topic, Retention{MaxBytes: 1}); err != nil || len(p.Removed) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if st := stats(t, s); st.Items != 0 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
	if p, err := s.Prune(protocol.TopicID{1}, Retention{MaxItems: 1}); err != nil || len(p.Removed) != 0 {
		t.Errorf("unknown topic: %+v, %v", p, err)
	}
}

// TestPruneBound: one call removes MaxPrune items and says that there are more.
func TestPruneBound(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 17,000 items")
	}
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	const n = MaxPrune + pruneBatch/2
	mustPut(t, s, a.feedItems(1, n)...)
	p, err := s.Prune(a.topic, Retention{MaxItems: 1})
	if err != nil || len(p.Removed) != MaxPrune || !p.More || p.Low != MaxPrune+1 {
		t.Fatalf("%d removed, more %v, low %d, %v", len(p.Removed), p.More, p.Low, err)
	}
	p, err = s.Prune(a.topic, Retention{MaxItems: 1})
	if err != nil || p.More || p.Low != n {
		t.Fatalf("more %v, low %d, %v", p.More, p.Low, err)
	}
	before := stats(t, s)
	if before.FreeBytes == 0 {
		t.Error("no room was freed")
	}
	mustPut(t, s, a.feedItems(n+1, n+1000)...)
	if after := stats(t, s); after.FileBytes > before.FileBytes {
		t.Errorf("file grew from %d to %d though %d were free", before.FileBytes, after.FileBytes, before.FreeBytes)
	}
}

func TestPruneKeepsMarks(t *testing.T) {
	s := openTest(t, Options{})
	a := newAuthor(t, 1)
	items := a.feedItems(1, 2)
	for i, mark := range []string{"one", "two"} {
		if r := putMarked(t, s, items[i], mark); !r.New {
			t.Fatalf("%+v", r)
		}
	}
	if _, err := s.Prune(a.topic, Retention{MaxItems: 1}); err != nil {
		t.Fatal(err)
	}
	if id, ok, err := s.Marked(a.topic, "one"); err != nil || !ok || id != items[0].ID {
		t.Errorf("%v, %v, %v", id, ok, err)
	}
}

func TestDeleteTopic(t *testing.T) {
	s := openTest(t, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	const n = pruneBatch + 10
	items := a.feedItems(1, n)
	mustPut(t, s, items...)
	if r := putMarked(t, s, a.feedItems(n+1, n+1)[0], "mark"); !r.New {
		t.Fatalf("%+v", r)
	}
	fork := item(a.feed, a, 1, "fork")
	if _, err := s.Put(fork); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, b.feedItems(1, 5)...)
	for range 2 {
		if err := s.DeleteTopic(a.topic); err != nil {
			t.Fatal(err)
		}
		if st := stats(t, s); st.Items != 5 || len(st.Topics) != 1 {
			t.Errorf("%+v", st)
		}
	}
	for _, it := range append(items, fork) {
		if ok, err := s.Has(it.ID); ok || err != nil {
			t.Fatalf("item %d is still there (%v)", it.Seq, err)
		}
	}
	if _, ok, _ := s.Marked(a.topic, "mark"); ok {
		t.Error("the mark is still there")
	}
	if got := rangeSeqs(t, s, b, 0, math.MaxUint64); got != "1 2 3 4 5" {
		t.Errorf("other topic has %q", got)
	}
	mustPut(t, s, items[0])
}
