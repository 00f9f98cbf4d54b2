package node

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// patience is the hang limit of everything here: generous, for it asserts nothing.
const patience = 2 * time.Minute

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// start starts a peer on loopback; its home is kept until the test ends.
func start(t *testing.T, home string, opts ...Option) *Node {
	t.Helper()
	opts = append([]Option{WithHome(home), WithListen(LoopbackListen...)}, opts...)
	n, err := New(testContext(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error("closing:", err)
		}
	})
	return n
}

func ticket(t *testing.T, n *Node) string {
	t.Helper()
	text, err := n.Ticket()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// next returns the next message or fails.
func next(t *testing.T, s *Subscription) *Message {
	t.Helper()
	m, err := s.Next(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func join(t *testing.T, n *Node, name string) *Topic {
	t.Helper()
	topic, err := n.Join(name)
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

func subscribe(t *testing.T, topic *Topic, opts ...SubscribeOption) *Subscription {
	t.Helper()
	s, err := topic.Subscribe(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Cancel)
	return s
}

func TestTwoExchangeAFeed(t *testing.T) {
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	f, err := a.NewFeed("news")
	if err != nil {
		t.Fatal(err)
	}
	mine := join(t, a, f.Address)
	if _, err := b.Follow(f.Address, "theirs"); err != nil {
		t.Fatal(err)
	}
	sub := subscribe(t, join(t, b, f.Address))
	for i := range 10 {
		text := fmt.Sprint("entry ", i+1)
		p, err := mine.Publish(testContext(t), []byte(text), WithContentType("text/plain"), WithWait(1))
		if err != nil {
			t.Fatal(err)
		}
		m := next(t, sub)
		if m.Kind != Item || m.Seq != uint64(i+1) || string(m.Payload) != text || m.ID != p.ID || m.Author != mine.Owner() {
			t.Fatalf("message %d is %+v", i+1, m)
		}
	}
}
