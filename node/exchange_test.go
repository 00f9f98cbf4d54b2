package node

import (
	"fmt"
	"sync"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestTwoExchangeAFeed: the shortest story, each entry acknowledged by the other.
func TestTwoExchangeAFeed(t *testing.T) {
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	mine := newFeed(t, a, "news")
	sub := subscribe(t, follow(t, b, mine))
	for i := range 10 {
		text := fmt.Sprint("entry ", i+1)
		p := publish(t, mine, text, WithContentType("text/plain"), WithWait(1))
		m := nextItem(t, sub, text)
		if m.Seq != uint64(i+1) || m.ID != p.ID || m.Author != mine.Owner() || m.ContentType != "text/plain" {
			t.Fatalf("message %d is %+v", i+1, m)
		}
		if p.StoredBy != 1 {
			t.Fatalf("stored by %d others", p.StoredBy)
		}
	}
}

// TestThreeInAnOpenTopic: everybody hears everybody, each item once, and knows who
// wrote it.
func TestThreeInAnOpenTopic(t *testing.T) {
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	c := start(t, t.TempDir(), WithTickets(ticket(t, b)))
	peers := []*Node{a, b, c}
	var topics []*Topic
	var subs []*Subscription
	for _, n := range peers {
		topics = append(topics, join(t, n, "talk"))
		subs = append(subs, subscribe(t, topics[len(topics)-1]))
	}
	const each = 20
	var wg sync.WaitGroup
	for i, topic := range topics {
		wg.Go(func() {
			for k := range each {
				if _, err := topic.Publish(testContext(t), fmt.Appendf(nil, "%d of %d", k, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i, sub := range subs {
		authors := make(map[string]protocol.PeerID)
		for range each * len(peers) {
			m := next(t, sub)
			if _, twice := authors[string(m.Payload)]; twice || m.Kind != Item {
				t.Fatalf("peer %d: %s came twice", i, describe(m))
			}
			authors[string(m.Payload)] = m.Author
		}
		for k, n := range peers {
			if got := authors[fmt.Sprintf("0 of %d", k)]; got != n.author.id {
				t.Errorf("peer %d: author of %d is %s", i, k, got)
			}
		}
	}
	_, err := topics[0].Publish(testContext(t), nil, WithContentType("text/plain"))
	wantError(t, err, nil, "no content type")
}

// TestManyPublishers: publishers at once in one feed give one chain, and a reader
// who has slept all the while loses nothing of it.
func TestManyPublishers(t *testing.T) {
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	mine := newFeed(t, a, "busy")
	sleeper := subscribe(t, follow(t, b, mine))
	const publishers, each = 32, 40 // more than maxReadAhead, maxNotices, maxPublishBatch
	texts := make(map[uint64]string)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range publishers {
		wg.Go(func() {
			for k := range each {
				text := fmt.Sprintf("%d/%d", i, k)
				p, err := mine.Publish(testContext(t), []byte(text))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				texts[p.Seq] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(texts) != publishers*each {
		t.Fatalf("%d numbers for %d entries", len(texts), publishers*each)
	}
	for _, sub := range []*Subscription{subscribe(t, mine), sleeper} {
		for seq := uint64(1); seq <= publishers*each; seq++ {
			if m := nextItem(t, sub, texts[seq]); m.Seq != seq || m.Late {
				t.Fatalf("entry %d came as %d, late: %v", seq, m.Seq, m.Late)
			}
		}
	}
	if counted(a, "fork")+counted(b, "fork") != 0 {
		t.Error("a fork was seen")
	}
}

// TestRestart: a peer that comes back is who it was, knows what it knew, finds its
// peers without a ticket, and gets what it has missed.
func TestRestart(t *testing.T) {
	a := start(t, t.TempDir())
	home := t.TempDir()
	b := start(t, home, WithTickets(ticket(t, a)))
	theirs := newFeed(t, a, "theirs")
	own := newFeed(t, b, "own")
	follow(t, b, theirs)
	join(t, b, "open")
	publish(t, join(t, a, "open"), "hello")
	for i := range 5 {
		publish(t, theirs, fmt.Sprint("before ", i), WithWait(1))
		publish(t, own, fmt.Sprint("own ", i))
	}
	nextItem(t, subscribe(t, join(t, b, "open")), "hello")
	id, feeds := b.ID(), b.Feeds()
	closeNode(t, b)
	for i := range 50 {
		publish(t, theirs, fmt.Sprint("missed ", i))
	}

	b = start(t, home)
	if b.ID() != id {
		t.Errorf("it was %s and is %s", id, b.ID())
	}
	again := b.Feeds()
	if len(again) != len(feeds) {
		t.Fatalf("feeds are %v, were %v", again, feeds)
	}
	for i, f := range feeds {
		if g := again[i]; g.Name != f.Name || g.Address != f.Address || g.Own != f.Own {
			t.Errorf("feed %+v was %+v", g, f)
		}
	}
	st, err := b.Status()
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Topics) != 3 {
		t.Errorf("topics: %+v", st.Topics)
	}
	sub := subscribe(t, join(t, b, theirs.Name()))
	for i := range 5 {
		nextItem(t, sub, fmt.Sprint("before ", i))
	}
	for i := range 50 {
		nextItem(t, sub, fmt.Sprint("missed ", i))
	}
	publish(t, theirs, "after", WithWait(1))
	nextItem(t, sub, "after")
	if p := publish(t, join(t, b, own.Name()), "own 5"); p.Seq != 6 {
		t.Errorf("the own feed goes on with entry %d", p.Seq)
	}
	nextItem(t, subscribe(t, join(t, b, "open")), "hello")
}

// TestLeaveAndRejoin: readers and publishers of a topic that is left are told so;
// joined again it is what it was.
func TestLeaveAndRejoin(t *testing.T) {
	a := start(t, t.TempDir())
	home := t.TempDir()
	b := start(t, home, WithTickets(ticket(t, a)))
	mine := newFeed(t, a, "news")
	theirs := follow(t, b, mine)
	publish(t, mine, "one", WithWait(1))
	sub := subscribe(t, theirs)
	nextItem(t, sub, "one")
	blocked := make(chan error)
	go func() { _, err := sub.Next(testContext(t)); blocked <- err }()
	if err := theirs.Leave(); err != nil {
		t.Fatal(err)
	}
	wantError(t, <-blocked, ErrLeft)
	_, err := theirs.Subscribe()
	wantError(t, err, ErrLeft)
	if err := theirs.Leave(); err != nil {
		t.Errorf("leaving twice: %v", err)
	}
	publish(t, mine, "two")
	st, err := b.Status()
	if err != nil || len(st.Topics) != 0 {
		t.Errorf("left, and still in %+v (%v)", st.Topics, err)
	}
	if h, err := b.Held(mine.Name()); err != nil || len(h.Ranges) != 1 {
		t.Errorf("held: %+v, %v", h, err)
	}
	if st, _ := b.Status(); len(st.Topics) != 0 {
		t.Error("asking what is held has joined the topic")
	}
	theirs = join(t, b, mine.Name())
	sub = subscribe(t, theirs)
	nextItem(t, sub, "one")
	nextItem(t, sub, "two")
	publish(t, mine, "three", WithWait(1))
	nextItem(t, sub, "three")
}
