package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// publisher remembers what it published, as the store does.
type publisher struct {
	keys  []string
	calls int
	fail  int // the call that fails, from 1; 0: none
}

func (p *publisher) PublishOnce(_ context.Context, key, contentType string, payload []byte) (bool, error) {
	p.calls++
	if p.calls == p.fail {
		return false, errors.New("the disk is full")
	}
	if contentType != ContentType || len(payload) == 0 {
		return false, fmt.Errorf("content type %q, %d bytes", contentType, len(payload))
	}
	if slices.Contains(p.keys, key) {
		return false, nil
	}
	p.keys = append(p.keys, key)
	return true, nil
}

// site serves a document of items 1 to n, and says so by an ETag.
type site struct {
	n, edit int
	status  int // instead of the document, if not 0
	bodies  int
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.status != 0 {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(s.status)
		return
	}
	etag := fmt.Sprintf(`"%d-%d"`, s.n, s.edit)
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.bodies++
	var b strings.Builder
	for i := s.n; i > 0; i-- {
		fmt.Fprintf(&b, "<item><guid>urn:x:%d</guid><title>edit %d</title></item>", i, s.edit)
	}
	_, _ = w.Write(rss(b.String()))
}

func newMirror(t *testing.T, source string, pub Publisher) *Mirror {
	t.Helper()
	m, err := New(Config{Source: source}, pub)
	if err != nil {
		t.Fatal(err)
	}
	m.jitter = func() float64 { return 0 }
	return m
}

// poll polls once and compares the result.
func poll(t *testing.T, m *Mirror, want Result) {
	t.Helper()
	got, err := m.Poll(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("poll: %+v, want %+v", got, want)
	}
}

func names(from, to int) (keys []string) {
	for i := from; i <= to; i++ {
		keys = append(keys, fmt.Sprintf("id:urn:x:%d", i))
	}
	return keys
}

// TestOnce: every entry is published once, oldest first, whatever happens to the
// document, and over a restart.
func TestOnce(t *testing.T) {
	s, pub := &site{n: 3}, &publisher{}
	server := serve(t, s.ServeHTTP)
	m := newMirror(t, server.URL, pub)
	poll(t, m, Result{Entries: 3, Published: 3})
	poll(t, m, Result{NotModified: true})
	s.n = 5
	poll(t, m, Result{Entries: 5, Published: 2})
	if pub.calls != 5 {
		t.Errorf("the publisher was asked %d times for 5 entries", pub.calls)
	}
	s.edit++
	poll(t, m, Result{Entries: 5})
	m = newMirror(t, server.URL, pub)
	poll(t, m, Result{Entries: 5})
	if !slices.Equal(pub.keys, names(1, 5)) {
		t.Errorf("published %v", pub.keys)
	}
}

// TestPublishFails: what was not published when the disk was full is published
// later, although the document does not change.
func TestPublishFails(t *testing.T) {
	s, pub := &site{n: 4}, &publisher{fail: 3}
	m := newMirror(t, serve(t, s.ServeHTTP).URL, pub)
	res, err := m.Poll(context.Background())
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || res.Published != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := m.State(); got.Failures != 1 || got.Published != 2 || !strings.Contains(got.LastError, "disk is full") {
		t.Errorf("state %+v", got)
	}
	poll(t, m, Result{Entries: 4, Published: 2})
	poll(t, m, Result{NotModified: true})
	if !slices.Equal(pub.keys, names(1, 4)) {
		t.Errorf("published %v", pub.keys)
	}
	if got := m.State(); got.Failures != 0 || got.LastError != "" || got.Published != 4 || got.Polls != 3 {
		t.Errorf("state %+v", got)
	}
}

// TestRun scripts a mirror's life: what the site does before each poll, and how
// long the mirror then waits.
func TestRun(t *testing.T) {
	s, pub := &site{n: 1}, &publisher{}
	m := newMirror(t, serve(t, s.ServeHTTP).URL, pub)
	var changed []State
	m.cfg.Changed = func(st State) { changed = append(changed, st) }
	at := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	m.now = func() time.Time { return at }
	ctx, cancel := context.WithCancel(context.Background())

	script := []struct {
		wait   time.Duration
		change func() // after the wait
	}{
		{5 * time.Minute, func() {}},
		{5 * time.Minute, func() { s.status = 500 }},
		{2 * time.Hour, func() { s.status = 404 }}, // Retry-After: 7200
		{2 * time.Hour, func() { s.status = 0; s.n = 2 }},
		{5 * time.Minute, cancel},
	}
	step := 0
	m.wait = func(ctx context.Context, d time.Duration) error {
		if want := script[step].wait; d != want {
			t.Errorf("wait %d: %v, want %v", step, d, want)
		}
		if got := m.State().NextPoll; !got.Equal(at.Add(d)) {
			t.Errorf("wait %d: next poll %v, want %v", step, got, at.Add(d))
		}
		script[step].change()
		step++
		return ctx.Err()
	}
	if err := m.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if step != len(script) || !slices.Equal(pub.keys, names(1, 2)) {
		t.Errorf("%d polls, published %v", step, pub.keys)
	}
	var errs []string
	for _, st := range changed {
		errs = append(errs, st.LastError)
	}
	if len(errs) != 4 || errs[0] != "" || !strings.Contains(errs[1], "500") || !strings.Contains(errs[2], "404") || errs[3] != "" {
		t.Errorf("reported %q", errs)
	}
}

// TestStop: a mirror stops while it waits.
func TestStop(t *testing.T) {
	m := newMirror(t, filepath.Join("testdata", "rss.xml"), &publisher{})
	ctx, cancel := context.WithCancel(context.Background())
	m.cfg.Changed = func(State) { cancel() }
	if err := m.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		interval time.Duration
		failures int
		want     time.Duration
	}{
		{time.Second, 0, time.Second},
		{time.Second, 1, 2 * time.Second},
		{time.Second, 5, 32 * time.Second},
		{time.Second, 1 << 40, time.Hour},
		{5 * time.Minute, 4, time.Hour},
		{6 * time.Hour, 3, 6 * time.Hour},
	} {
		if got := backoff(tt.interval, tt.failures); got != tt.want {
			t.Errorf("backoff(%v, %d) = %v, want %v", tt.interval, tt.failures, got, tt.want)
		}
	}
	m := newMirror(t, "x", &publisher{})
	m.jitter = func() float64 { return 0.5 }
	if got, want := m.delay(nil), DefaultInterval+DefaultInterval/20; got != want {
		t.Errorf("delay %v, want %v", got, want)
	}
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{Source: "x", Interval: time.Second - 1}, nil); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("New: %v", err)
	}
	if _, err := New(Config{}, nil); err == nil {
		t.Error("a mirror of nothing")
	}
}

// TestBrokenDocument: a mirror goes on when its document is broken for a while.
func TestBrokenDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feed.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const good = `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"urn:x:1","content_text":"x"}]}`
	pub := &publisher{}
	m := newMirror(t, path, pub)
	write(good[:60])
	if _, err := m.Poll(context.Background()); err == nil {
		t.Fatal("half a document was read")
	}
	write(good)
	poll(t, m, Result{Entries: 1, Published: 1})
}
