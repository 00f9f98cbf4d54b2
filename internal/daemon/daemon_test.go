package daemon

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// patience is the hang limit of everything here: generous, for it asserts nothing.
const patience = time.Minute

// peer is a daemon behind a real control socket, and a client on it.
type peer struct {
	*control.Client
	home string
	t    *testing.T
	n    *node.Node
	stop func()
}

// start starts a daemon; the test stops it at its end.
func start(t *testing.T, home string, opts ...node.Option) *peer {
	t.Helper()
	l, err := control.Listen(home, "")
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]node.Option{node.WithHome(home), node.WithListen(node.LoopbackListen...)}, opts...)
	n, err := node.New(testContext(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(n, "test")
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(d)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	p := &peer{Client: control.NewClient(home), home: home, t: t, n: n}
	p.stop = sync.OnceFunc(func() {
		p.Client.Close()
		for _, err := range []error{server.Close(), <-served, d.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
		l.Unlock()
	})
	t.Cleanup(p.stop)
	return p
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newHome is a home whose path is short enough for a socket.
func newHome(t *testing.T) string { return filepath.Join(t.TempDir(), "h") }

// must returns a value, or fails the test.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode checks the code of an error, and that its text says certain things.
func wantCode(t *testing.T, err error, code control.Code, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with code %s", code)
	}
	if got := control.CodeOf(err); got != code {
		t.Errorf("error %q has code %s, want %s", err, got, code)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not say %q", err, s)
		}
	}
}

// publish publishes a text.
func (p *peer) publish(topic, text string, change ...func(*control.PublishRequest)) control.PublishReply {
	p.t.Helper()
	req := control.PublishRequest{Topic: topic, Body: control.NewBody([]byte(text))}
	for _, f := range change {
		f(&req)
	}
	return must(p.Publish(testContext(p.t), req))(p.t)
}

func wait(n int) func(*control.PublishRequest) {
	return func(r *control.PublishRequest) { r.Wait = n }
}

// read reads n entries of a topic.
func (p *peer) read(topic, since string, n int) (events []control.Event) {
	p.t.Helper()
	s := must(p.Subscribe(testContext(p.t), control.SubscribeRequest{Topic: topic, Since: since, Count: n}))(p.t)
	if err := s(func(e control.Event) bool { events = append(events, e); return true }); err != nil {
		p.t.Fatal(err)
	}
	return events
}

// texts are the payloads of events.
func texts(events []control.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, string(e.Bytes()))
	}
	return strings.Join(list, " ")
}

// pair starts two peers; the second follows the first one's feed "news" by a ticket.
func pair(t *testing.T) (a, b *peer, address string) {
	t.Helper()
	a, b = start(t, newHome(t)), start(t, newHome(t))
	f := must(a.NewFeed(testContext(t), "news"))(t)
	ticket := must(a.Ticket(testContext(t), []string{"news"}))(t)
	list := must(b.Follow(testContext(t), control.FollowRequest{Address: ticket, Name: "theirs"}))(t)
	if len(list) != 1 || list[0].Name != "theirs" || list[0].Address != f.Address || list[0].Own {
		t.Fatalf("followed %+v", list)
	}
	return a, b, f.Address
}

// site serves a feed document that grows.
type site struct {
	*httptest.Server
	mu     sync.Mutex
	n      int
	broken bool
}

func newSite(t *testing.T, n int) *site {
	s := &site{n: n}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Server.Close)
	return s
}

func (s *site) set(n int, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.broken = n, broken
}

// ServeHTTP writes the document, newest article first as sites do.
func (s *site) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>Site</title><link>http://site.example/</link><description>x</description>`)
	for i := s.n; i > 0; i-- {
		fmt.Fprintf(&b, `<item><title>Article %d</title><guid>http://site.example/%d</guid></item>`, i, i)
	}
	b.WriteString(`</channel></rss>`)
	_, _ = w.Write([]byte(b.String()))
}
