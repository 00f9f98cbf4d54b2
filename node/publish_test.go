package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/feed"
)

// TestOnce: a key publishes once, however many try at once, and over a restart.
func TestOnce(t *testing.T) {
	home := t.TempDir()
	a := start(t, home)
	mine := newFeed(t, a, "news")
	const tries = 2 * maxPublishBatch
	results := make([]Published, tries)
	var wg sync.WaitGroup
	for i := range tries {
		wg.Go(func() {
			var err error
			if results[i], err = mine.Publish(testContext(t), fmt.Append(nil, i), WithOnce("key")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	first := 0
	for _, r := range results {
		if !r.Duplicate {
			first++
		}
		if r.ID != results[0].ID || r.Seq != 1 {
			t.Fatalf("published as %+v and %+v", results[0], r)
		}
	}
	if first != 1 {
		t.Errorf("%d of %d were the first", first, tries)
	}
	sameBatch(t, a)
	closeNode(t, a)
	a = start(t, home)
	mine = join(t, a, mine.Name())
	if r := publish(t, mine, "again", WithOnce("key")); !r.Duplicate || r.ID != results[0].ID || r.Seq != 1 {
		t.Errorf("after a restart: %+v", r)
	}
	if r := publish(t, mine, "other", WithOnce("another key")); r.Duplicate || r.Seq != 2 {
		t.Errorf("another key: %+v", r)
	}
	if r := publish(t, join(t, a, "talk"), "other", WithOnce("key")); r.Duplicate {
		t.Error("a key of one topic counts in another")
	}
}

// sameBatch publishes two under one key in one batch.
func sameBatch(t *testing.T, a *Node) {
	t.Helper()
	topic := newFeed(t, a, "batch")
	var batch []*publication
	for range 2 {
		batch = append(batch, &publication{payload: []byte("x"), once: "key", entry: feed.Post, done: make(chan publishResult, 1)})
	}
	topic.publishBatch(batch)
	for i, p := range batch {
		select {
		case r := <-p.done:
			if r.err != nil || r.Seq != 1 || r.Duplicate != (i == 1) {
				t.Errorf("publication %d of a batch: %+v", i, r)
			}
		default:
			t.Fatalf("publication %d of a batch has no answer", i)
		}
	}
}

// TestBadPublication: what is refused neither publishes nor harms what is published
// at the same time.
func TestBadPublication(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	cancelled, cancel := context.WithCancel(testContext(t))
	cancel()
	var wg sync.WaitGroup
	try := func(ctx context.Context, is error, says string, size int, opts ...PublishOption) {
		wg.Go(func() {
			_, err := mine.Publish(ctx, make([]byte, size), opts...)
			wantError(t, err, is, says)
		})
	}
	for range 20 {
		wg.Go(func() { publish(t, mine, "good") })
		try(testContext(t), nil, "key of a publication", 1, WithOnce(strings.Repeat("k", MaxOnce+1)))
		try(testContext(t), feed.ErrEntry, "payload", feed.MaxPayload+1)
		try(testContext(t), feed.ErrEntry, "content type", 1, WithContentType("text/plain\n"))
		try(cancelled, context.Canceled, "", 1)
	}
	wg.Wait()
	if p := publish(t, mine, "last", WithOnce(strings.Repeat("k", MaxOnce))); p.Seq != 21 {
		t.Errorf("the last is entry %d", p.Seq)
	}
	theirs := join(t, a, newWriter(t, newKey(t)).topic)
	_, err := theirs.Publish(testContext(t), nil)
	wantError(t, err, ErrNotOwned)
}

// TestWait: receipts count distinct peers, and waiting for too many ends with the
// context, the entry being published all the same.
func TestWait(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	for range 2 {
		follow(t, start(t, t.TempDir(), WithTickets(ticket(t, a))), mine)
	}
	if p := publish(t, mine, "one", WithWait(2)); p.StoredBy != 2 {
		t.Errorf("stored by %d", p.StoredBy)
	}
	ctx, cancel := context.WithTimeout(testContext(t), 300*time.Millisecond)
	defer cancel()
	p, err := mine.Publish(ctx, []byte("two"), WithWait(3), WithOnce("two"))
	wantError(t, err, ErrNotEnoughReceipts, "of 3")
	if p.Seq != 2 || p.StoredBy > 2 {
		t.Errorf("published as %+v", p)
	}
	// Who asks again is told of those that were counted already.
	if q := publish(t, mine, "two", WithWait(2), WithOnce("two")); !q.Duplicate || q.ID != p.ID || q.StoredBy != 2 {
		t.Errorf("waiting again: %+v", q)
	}
}

// TestLeaveWhilePublishing: every Publish under way returns; what was acknowledged is
// in the chain, which goes on without a hole when the topic is joined again.
func TestLeaveWhilePublishing(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	acked := make(map[uint64]string)
	var mu sync.Mutex
	for round := range 5 {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for k := 0; ; k++ {
					text := fmt.Sprint(round, i, k)
					p, err := mine.Publish(testContext(t), []byte(text))
					if errors.Is(err, ErrLeft) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					acked[p.Seq] = text
					mu.Unlock()
				}
			})
		}
		await(t, "some entries", func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) > 20*round })
		if err := mine.Leave(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		mine = join(t, a, mine.Name())
	}
	sub := subscribe(t, mine)
	for seq := uint64(1); seq <= uint64(len(acked)); seq++ {
		if m := nextItem(t, sub, acked[seq]); m.Seq != seq {
			t.Fatalf("entry %d came as %d", seq, m.Seq)
		}
	}
	if p := publish(t, mine, "last"); p.Seq != uint64(len(acked))+1 {
		t.Errorf("after %d acknowledged entries came %d", len(acked), p.Seq)
	}
}

// TestBackupRestored: who publishes with a home from a backup, or without its store,
// builds on the entries that come back from others.
func TestBackupRestored(t *testing.T) {
	for _, c := range []struct {
		name    string
		restore func(t *testing.T, backup, home string) string
	}{
		{"backup", func(_ *testing.T, backup, _ string) string { return backup }},
		{"store lost", func(t *testing.T, _, home string) string {
			if err := os.Remove(filepath.Join(home, "store.db")); err != nil {
				t.Fatal(err)
			}
			return home
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bulk := strings.Repeat("x", 100<<10) // so that it takes a while to come back
			home := t.TempDir()
			a := start(t, home)
			mine := newFeed(t, a, "news")
			publish(t, mine, "1")
			closeNode(t, a)
			backup := copyHome(t, home)

			a = start(t, home)
			b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
			theirs := follow(t, b, mine)
			for i := range 30 {
				publish(t, join(t, a, mine.Name()), fmt.Sprint(i+2, bulk), WithWait(1))
			}
			closeNode(t, a)

			a = start(t, c.restore(t, backup, home), WithTickets(ticket(t, b)))
			if f, ok := a.feed("news"); !ok || !f.Own || f.Address != mine.Name() {
				t.Fatalf("the feed is %+v", f)
			}
			again := join(t, a, mine.Name())
			await(t, "what is missing to be known, or here", func() bool {
				h, err := a.Held(mine.Name())
				return err == nil && (again.lacking() > 0 || len(h.Ranges) > 0 && h.Ranges[0].Last > 1)
			})
			if p := publish(t, again, "new"); p.Seq != 32 {
				t.Errorf("the new entry is %d", p.Seq)
			}
			sub := subscribe(t, theirs)
			nextItem(t, sub, "1")
			for i := range 30 {
				nextItem(t, sub, fmt.Sprint(i+2, bulk))
			}
			nextItem(t, sub, "new")
			if counted(a, "fork")+counted(b, "fork") != 0 {
				t.Error("the feed is forked")
			}
		})
	}
}

// TestPlaceTaken: where somebody else has taken the next number meanwhile, the
// publication takes the one after it.
func TestPlaceTaken(t *testing.T) {
	a := start(t, t.TempDir())
	mine := newFeed(t, a, "news")
	w := newWriter(t, a.ownAuthor(mine.Owner()).key)
	var wg sync.WaitGroup
	items := w.chain(9)
	wg.Go(func() {
		for _, it := range items {
			if _, err := a.store.Put(it); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 50 {
		publish(t, mine, fmt.Sprint(i))
	}
	wg.Wait()
	if h, err := a.Held(mine.Name()); err != nil || len(h.Ranges) != 1 || h.Ranges[0].First != 1 || h.Ranges[0].Last < 50 {
		t.Errorf("the chain is %+v (%v)", h.Ranges, err)
	}
}
