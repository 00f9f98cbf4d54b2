package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/store"
)

// TestBadTicket: one changed character is noticed, and the error says so to a person.
func TestBadTicket(t *testing.T) {
	a := start(t, t.TempDir())
	good := ticket(t, a)
	swap := map[bool]string{true: "b", false: "a"}
	bad := good[:20] + swap[good[20] == 'a'] + good[21:]
	_, addErr := a.AddTicket(bad)
	_, newErr := tryStart(t, t.TempDir(), WithTickets(good, bad))
	for _, err := range []error{addErr, newErr} {
		var e *gossipmembership.TicketError
		if !errors.As(err, &e) {
			t.Fatalf("error %v", err)
		}
		wantError(t, err, nil, "ticket", e.Advice)
	}
}

// full starts a peer with little room, which a publisher fills; and the publisher's
// feed, of n entries.
func full(t *testing.T, home string, n int, opts ...Option) (b *Node, theirs *Topic) {
	a := start(t, t.TempDir())
	b = start(t, home, append(opts, WithTickets(ticket(t, a)))...)
	feedOfA := newFeed(t, a, "big")
	own := newFeed(t, b, "own")
	publish(t, own, "while there is room")
	theirs = follow(t, b, feedOfA)
	for i := range n {
		publish(t, feedOfA, filler(i))
	}
	await(t, "the disk to be full", func() bool { return counted(b, "store.full") > 0 })
	for i := 0; ; i++ { // a smaller item may still fit
		_, err := own.Publish(testContext(t), []byte(filler(i)))
		if err == nil && i < n {
			continue
		}
		wantError(t, err, store.ErrFull, "not published", "free disk space")
		break
	}
	st, err := b.Status()
	if err != nil || !st.StoreFull {
		t.Errorf("the status does not say so (%v)", err)
	}
	return b, theirs
}

func filler(i int) string { return fmt.Sprint(i, " ", strings.Repeat("x", 4<<10)) }

// wantFilled reads what full published.
func wantFilled(t *testing.T, theirs *Topic, n int) {
	t.Helper()
	sub := subscribe(t, theirs)
	for i := range n {
		nextItem(t, sub, filler(i))
	}
}

// TestStoreLimit: what does not fit is refused with advice; after the limit was
// raised everything is fetched that did not fit.
func TestStoreLimit(t *testing.T) {
	home := t.TempDir()
	const entries = 50
	b, theirs := full(t, home, entries, WithStoreLimit(100<<10))
	if st, err := b.store.Stats(); err != nil || st.Bytes > 100<<10 || st.Items == 0 {
		t.Errorf("%d items of %d bytes are stored (%v)", st.Items, st.Bytes, err)
	}
	closeNode(t, b)
	b = start(t, home)
	wantFilled(t, join(t, b, theirs.Name()), entries)
	own, _ := b.feed("own")
	publish(t, join(t, b, own.Address), filler(0))
	if st, err := b.Status(); err != nil || st.StoreFull {
		t.Errorf("still full (%v)", err)
	}
}

// TestDiskFull: the same with a real disk, on which space becomes free while the peer
// runs; and a full disk does not keep a peer from starting.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mounting a small file system: %v", err)
		}
		t.Skipf("mounting a small file system needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	const entries = 200
	b, theirs := full(t, home, entries)
	closeNode(t, b)
	b = start(t, home)
	theirs = join(t, b, theirs.Name())
	await(t, "the disk to be full again", func() bool { return counted(b, "store.full") > 0 })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	wantFilled(t, theirs, entries)
}

// TestSecondDaemon: a home serves one peer at a time, and the first does not mind.
func TestSecondDaemon(t *testing.T) {
	home := t.TempDir()
	a := start(t, home)
	_, err := tryStart(t, home)
	wantError(t, err, ErrHomeInUse, home, "another home")
	publish(t, join(t, a, "talk"), "still here")
	closeNode(t, a)
	nextItem(t, subscribe(t, join(t, start(t, home), "talk")), "still here")
}

// TestPortInUse: the error names the address and what to do, also where another
// address of the list works; and the home is free for the next try.
func TestPortInUse(t *testing.T) {
	a := start(t, t.TempDir())
	home := t.TempDir()
	for _, addr := range a.Addrs() {
		addr, _, _ = strings.Cut(addr, "/p2p/")
		for _, listen := range [][]string{{addr}, {addr, LoopbackListen[0], LoopbackListen[1]}} {
			_, err := tryStart(t, home, WithListen(listen...))
			wantError(t, err, nil, addr, "choose another one", "port 0")
			if err != nil && strings.Contains(err.Error(), LoopbackListen[0]) && len(listen) > 1 {
				t.Errorf("%q blames an address that works", err)
			}
		}
	}
	start(t, home)
	_, err := tryStart(t, t.TempDir(), WithListen("/ip4/127.0.0.1/tcp/65536"))
	wantError(t, err, nil, "65536")
	named := start(t, t.TempDir(), WithListen("/ip4/127.0.0.1/udp/0/quic-v1"))
	closeNode(t, named)
	addr, _, _ := strings.Cut(a.Addrs()[0], "/p2p/")
	closeNode(t, a)
	again := start(t, t.TempDir(), WithListen(addr))
	if !strings.HasPrefix(again.Addrs()[0], addr) {
		t.Errorf("asked for %s, listens on %v", addr, again.Addrs())
	}
}

// TestWrongClocks: peers whose clocks are hours off exchange everything; a clock set
// back over a restart takes back neither the record's number nor an open topic's.
func TestWrongClocks(t *testing.T) {
	ahead := func() time.Time { return time.Now().Add(2 * time.Hour) }
	behind := func() time.Time { return time.Now().Add(-2 * time.Hour) }
	home := t.TempDir()
	a := start(t, home, WithClock(ahead))
	b := start(t, t.TempDir(), WithClock(behind), WithTickets(ticket(t, a)))
	c := start(t, t.TempDir(), WithTickets(ticket(t, b)))
	var subs []*Subscription
	for _, n := range []*Node{a, b, c} {
		subs = append(subs, subscribe(t, join(t, n, "talk")))
	}
	mine := newFeed(t, a, "news")
	news := subscribe(t, follow(t, b, mine))
	last := publish(t, join(t, a, "talk"), "from ahead", WithWait(2))
	publish(t, mine, "1", WithWait(1))
	for _, sub := range subs {
		nextItem(t, sub, "from ahead")
	}
	publish(t, join(t, b, "talk"), "from behind", WithWait(2))
	for _, sub := range subs {
		nextItem(t, sub, "from behind")
	}
	nextItem(t, news, "1")
	record := recordSeq(t, a)
	closeNode(t, a)

	a = start(t, home, WithClock(behind), WithTickets(ticket(t, b)))
	if n := recordSeq(t, a); n <= record {
		t.Errorf("the record was number %d and is %d", record, n)
	}
	if p := publish(t, join(t, a, "talk"), "set back", WithWait(2)); p.Seq <= last.Seq {
		t.Errorf("the last item was number %d and this is %d", last.Seq, p.Seq)
	}
	for _, sub := range subs[1:] {
		nextItem(t, sub, "set back")
	}
	publish(t, join(t, a, mine.Name()), "2", WithWait(1))
	nextItem(t, news, "2")
}

// recordSeq is the number of a node's own record, on disk and as peers are told.
func recordSeq(t *testing.T, n *Node) uint64 {
	t.Helper()
	n.mu.Lock()
	rec, err := gossipmembership.ParseRecord(n.hello)
	n.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := n.store.Meta(metaSelf, "seq")
	// More where the record is just being renewed; never less, or a restart would
	// use a number again.
	if err != nil || binary.BigEndian.Uint64(kept) < rec.Seq {
		t.Fatalf("record %d, on disk %x (%v)", rec.Seq, kept, err)
	}
	return rec.Seq
}

// TestBadKeyFile: a key that others can read, or that is damaged, is refused with
// advice, and never overwritten.
func TestBadKeyFile(t *testing.T) {
	home := t.TempDir()
	a := start(t, home)
	newFeed(t, a, "news")
	closeNode(t, a)
	for _, name := range []string{"identity.key", "author.key", "feeds/news.key"} {
		path := filepath.Join(home, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := append([]byte(nil), good...)
		flipped[20] ^= 1
		for _, c := range []struct {
			what  string
			bytes []byte
			mode  os.FileMode
			says  string
		}{
			{"readable by others", good, 0o644, `"chmod 600 ` + path + `"`},
			{"readable by the group", good, 0o640, "chmod 600"},
			{"empty", nil, 0o600, "damaged"},
			{"truncated", good[:len(good)-1], 0o600, "restore it from a backup"},
			{"flipped bit", flipped, 0o600, "damaged"},
			{"text", []byte("-----BEGIN OPENSSH PRIVATE KEY-----"), 0o600, "damaged"},
		} {
			t.Run(name+" "+c.what, func(t *testing.T) {
				rewrite(t, path, c.bytes, c.mode)
				_, err := tryStart(t, home)
				wantError(t, err, nil, c.says, path)
				if b, err := os.ReadFile(path); err != nil || string(b) != string(c.bytes) {
					t.Error("the file was altered")
				}
			})
		}
		rewrite(t, path, good, 0o600)
	}
	if b := start(t, home); b.ID() != a.ID() {
		t.Error("mended, it is another peer")
	}
}

// rewrite writes a file with a mode, whatever the umask.
func rewrite(t *testing.T, path string, b []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
