package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is the hang limit of everything here: generous, for it asserts nothing.
const patience = time.Minute

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// start starts a peer on loopback; the test closes it at its end.
func start(t testing.TB, home string, opts ...Option) *Node {
	t.Helper()
	n, err := tryStart(t, home, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func tryStart(t testing.TB, home string, opts ...Option) (*Node, error) {
	t.Helper()
	opts = append([]Option{WithHome(home), WithListen(LoopbackListen...)}, opts...)
	n, err := New(testContext(t), opts...)
	if err == nil {
		t.Cleanup(func() { closeNode(t, n) })
	}
	return n, err
}

// closeNode closes a peer, as often as one likes.
func closeNode(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Error("closing:", err)
	}
}

func ticket(t testing.TB, n *Node) string {
	t.Helper()
	text, err := n.Ticket()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// next returns the next message or fails.
func next(t testing.TB, s *Subscription) *Message {
	t.Helper()
	m, err := s.Next(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// nextItem returns the next message, which must be an item with a text.
func nextItem(t testing.TB, s *Subscription, text string) *Message {
	t.Helper()
	m := next(t, s)
	if m.Kind != Item || string(m.Payload) != text {
		t.Fatalf("got %s, want item %.40q", describe(m), text)
	}
	return m
}

// describe is a message without its length.
func describe(m *Message) string {
	switch m.Kind {
	case Gap:
		return "gap"
	case Fork:
		return "fork"
	}
	return "item " + string(m.Payload[:min(len(m.Payload), 40)])
}

func join(t testing.TB, n *Node, name string) *Topic {
	t.Helper()
	topic, err := n.Join(name)
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

// newFeed makes a feed and returns its topic.
func newFeed(t testing.TB, n *Node, name string) *Topic {
	t.Helper()
	f, err := n.NewFeed(name)
	if err != nil {
		t.Fatal(err)
	}
	return join(t, n, f.Address)
}

func follow(t testing.TB, n *Node, topic *Topic) *Topic {
	t.Helper()
	f, err := n.Follow(topic.Name(), "")
	if err != nil {
		t.Fatal(err)
	}
	return join(t, n, f.Address)
}

func subscribe(t testing.TB, topic *Topic, opts ...SubscribeOption) *Subscription {
	t.Helper()
	s, err := topic.Subscribe(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Cancel)
	return s
}

func publish(t testing.TB, topic *Topic, text string, opts ...PublishOption) Published {
	t.Helper()
	p, err := topic.Publish(testContext(t), []byte(text), opts...)
	if err != nil {
		t.Fatalf("publishing %q: %v", text, err)
	}
	return p
}

// await waits until ok.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for: %s", what)
		}
	}
}

// counted returns a counter.
func counted(n *Node, name string) uint64 {
	for _, c := range n.Counters() {
		if c.Name == name {
			return c.Count
		}
	}
	return 0
}

// linked reports whether n has a link to o.
func linked(t testing.TB, n, o *Node) bool {
	t.Helper()
	st, err := n.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range st.Peers {
		if p.ID == o.ID() {
			return true
		}
	}
	return false
}

// wantError checks an error's kind, where is is not nil, and that its text says
// certain things.
func wantError(t testing.TB, err, is error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("error %q is not %q", err, is)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not say %q", err, s)
		}
	}
}

// copyHome makes a backup of a home that is not in use.
func copyHome(t testing.TB, home string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(home)); err != nil {
		t.Fatal(err)
	}
	// CopyFS gives directories and files the widest mode that the source allows.
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
