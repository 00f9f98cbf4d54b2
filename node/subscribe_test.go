package node

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// testClock is a wall clock under the test's hands.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// bring has a rogue bring entries by their numbers, and waits until they are stored.
func bring(t *testing.T, r *rogue, n *Node, items []*protocol.Item, numbers ...int) {
	t.Helper()
	for _, i := range numbers {
		r.carry(n, items[i-1])
		await(t, "the entry on disk", func() bool { ok, err := n.store.Has(items[i-1].ID); return ok && err == nil })
	}
}

// read returns what comes next, in short: "3" an entry, "-2" a gap from 2 on, "2+" a
// late entry; it stops where nothing comes for a while.
func read(t *testing.T, s *Subscription, n int) (got []string) {
	t.Helper()
	for range n {
		m := next(t, s)
		switch {
		case m.Kind == Gap:
			got = append(got, "-"+string(rune('0'+m.First))+string(rune('0'+m.Last)))
		case m.Late:
			got = append(got, string(m.Payload)+"+")
		default:
			got = append(got, string(m.Payload))
		}
	}
	return got
}

func wantRead(t *testing.T, s *Subscription, want ...string) {
	t.Helper()
	if got := read(t, s, len(want)); !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if m, err := s.Next(ctx); err == nil {
		t.Errorf("and then %s (number %d, late %v)", describe(m), m.Seq, m.Late)
	}
}

// TestGapAndLate: what nobody has is reported once the patience is over, and handed
// out late when it comes.
func TestGapAndLate(t *testing.T) {
	a := start(t, t.TempDir(), WithPatience(50*time.Millisecond))
	w := newWriter(t, newKey(t))
	sub := subscribe(t, join(t, a, w.topic))
	r := newRogue(t)
	r.link(a)
	items := w.chain(7)
	bring(t, r, a, items, 2, 5, 6)
	wantRead(t, sub, "-11", "2", "-34", "5", "6")
	bring(t, r, a, items, 4, 1, 7)
	wantRead(t, sub, "7", "1+", "4+")
}

// TestBeginnings: where each option lets a reader of a feed begin.
func TestBeginnings(t *testing.T) {
	then := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := &testClock{at: then}
	a := start(t, t.TempDir(), WithClock(clock.now), WithPatience(time.Hour))
	w := newWriter(t, newKey(t))
	topic := join(t, a, w.topic)
	early := subscribe(t, topic, FromNow()) // nothing is stored yet
	r := newRogue(t)
	r.link(a)
	items := w.chain(8)
	bring(t, r, a, items, 1, 2)
	clock.set(then.Add(time.Hour))
	bring(t, r, a, items, 4, 3, 5)
	now := subscribe(t, topic, FromNow())
	later := subscribe(t, topic, FromTime(then.Add(2*time.Hour)))
	ahead := subscribe(t, topic, FromSeq(7))
	bring(t, r, a, items, 7, 6)
	for _, c := range []struct {
		name string
		sub  *Subscription
		want []string
	}{
		{"start", subscribe(t, topic), []string{"1", "2", "3", "4", "5", "6", "7"}},
		{"seq 0", subscribe(t, topic, FromSeq(0)), []string{"1", "2", "3", "4", "5", "6", "7"}},
		{"seq 4", subscribe(t, topic, FromSeq(4)), []string{"4", "5", "6", "7"}},
		{"seq ahead", ahead, []string{"7"}},
		{"now, empty", early, []string{"1", "2", "3", "4", "5", "6", "7"}},
		{"now", now, []string{"6", "7"}},
		{"all time", subscribe(t, topic, FromTime(then)), []string{"1", "2", "3", "4", "5", "6", "7"}},
		{"time between", subscribe(t, topic, FromTime(then.Add(time.Minute))), []string{"3", "4", "5", "6", "7"}},
		{"time ahead", later, []string{"6", "7"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantRead(t, c.sub, c.want...) })
	}
}

// TestBeginningsOpen: the same for an open topic, which comes as it arrived.
func TestBeginningsOpen(t *testing.T) {
	then := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := &testClock{at: then}
	a := start(t, t.TempDir(), WithClock(clock.now))
	topic := join(t, a, "talk")
	publish(t, topic, "1")
	clock.set(then.Add(time.Hour))
	publish(t, topic, "2")
	now := subscribe(t, topic, FromNow())
	publish(t, topic, "3")
	wantRead(t, subscribe(t, topic), "1", "2", "3")
	wantRead(t, subscribe(t, topic, FromTime(then.Add(time.Minute))), "2", "3")
	wantRead(t, now, "3")
	_, err := topic.Subscribe(FromSeq(2))
	wantError(t, err, nil, "no entry numbers")
	if topic.readers() != 3 {
		t.Errorf("%d readers", topic.readers())
	}
}

// TestNextEnds: a Next under way returns when its context ends or the subscription is
// cancelled, and so does every one after.
func TestNextEnds(t *testing.T) {
	a := start(t, t.TempDir())
	topic := join(t, a, "talk")
	sub := subscribe(t, topic)
	ctx, cancel := context.WithCancel(testContext(t))
	errs := make(chan error)
	go func() { _, err := sub.Next(ctx); errs <- err }()
	cancel()
	wantError(t, <-errs, context.Canceled)
	go func() { _, err := sub.Next(testContext(t)); errs <- err }()
	sub.Cancel()
	wantError(t, <-errs, ErrCancelled)
	publish(t, topic, "x")
	_, err := sub.Next(testContext(t))
	wantError(t, err, ErrCancelled)
	sub.Cancel()
}
