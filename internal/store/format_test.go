package store

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew: only when a format is added")

// formatFile is a store as the first version wrote it. It must be readable, and
// writable, for ever.
const formatFile = "testdata/format1.db.gz"

// fillFormat makes what formatFile has.
func fillFormat(t *testing.T, s *Store) {
	t.Helper()
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	mustPut(t, s, a.feedItems(3, 5)...)
	if r := putMarked(t, s, a.feedItems(7, 7)[0], "mark"); !r.New {
		t.Fatalf("%+v", r)
	}
	if r, err := s.Put(item(a.feed, a, 4, "fork")); err != nil || !r[0].Fork {
		t.Fatalf("%+v, %v", r, err)
	}
	mustPut(t, s, item("news", a, 1793491200000000000, "one"), item("news", b, 0, ""))
	if err := s.SetMeta("feeds", "mine", []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(a.topic, Retention{MaxItems: 3}); err != nil {
		t.Fatal(err)
	}
}

func TestFormat1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if *rewrite {
		s := openAt(t, path, Options{Now: newClock().Now})
		fillFormat(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		packFile(t, path, formatFile)
	}
	unpackFile(t, formatFile, path)
	s := openAt(t, path, Options{})
	a, b := newAuthor(t, 1), newAuthor(t, 2)
	news := protocol.TopicOf("news")

	if st := stats(t, s); len(st.Topics) != 2 || st.Items != 6 {
		t.Errorf("%+v", st)
	}
	if got := arrivals(t, s, a.topic, 0); got != "2:4 3:5 4:7" {
		t.Errorf("feed's log %q", got)
	}
	if got := arrivals(t, s, news, 0); got != "1:1793491200000000000 2:0" {
		t.Errorf("open topic's log %q", got)
	}
	for wait, want := range map[time.Duration]uint64{0: 0, time.Millisecond: 4} {
		if after, err := s.Since(a.topic, newClock().Now().Add(wait)); err != nil || after != want {
			t.Errorf("%v after receipt: after %d, %v, want %d", wait, after, err, want)
		}
	}
	for _, it := range append(a.feedItems(4, 5), a.feedItems(7, 7)[0], item(a.feed, a, 4, "fork"), item("news", b, 0, "")) {
		mustHave(t, s, it)
	}
	if h, err := s.Holdings(a.topic, a.id); err != nil || len(h.Ranges) != 2 || h.Head != a.feedItems(5, 5)[0].ID {
		t.Errorf("%+v, %v", h, err)
	}
	if evidence, err := s.Evidence(a.topic); err != nil || len(evidence) != 1 {
		t.Errorf("%v, %v", evidence, err)
	}
	if id, ok, err := s.Marked(a.topic, "mark"); err != nil || !ok || id != a.feedItems(7, 7)[0].ID {
		t.Errorf("mark: %v, %v, %v", id, ok, err)
	}
	if v, err := s.Meta("feeds", "mine"); err != nil || !bytes.Equal(v, []byte{1, 2, 3}) {
		t.Errorf("meta: %v, %v", v, err)
	}
	mustPut(t, s, a.feedItems(8, 8)...)
	stats(t, s)
}

// packFile writes a compressed copy.
func packFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(raw)
	if err := errors.Join(err, z.Close(), os.WriteFile(to, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// unpackFile writes the copy back.
func unpackFile(t *testing.T, from, to string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
