package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// ours returns the goroutines that run code of the project, tests excepted.
func ours() (stacks []string) {
	buf := make([]byte, 8<<20)
	for _, s := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(s, "quilt-p2p/quilt/") && !strings.Contains(s, "testing.tRunner") {
			stacks = append(stacks, s)
		}
	}
	return stacks
}

// wantNoGoroutines waits until nothing of a node runs any more.
func wantNoGoroutines(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left := ours()
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
		}
	}
}

// TestCloseWithEverythingUnderWay: Close ends everything that is under way, soon,
// with ErrClosed, and leaves nothing behind.
func TestCloseWithEverythingUnderWay(t *testing.T) {
	wantNoGoroutines(t) // of tests before
	a := start(t, t.TempDir())
	b := start(t, t.TempDir(), WithTickets(ticket(t, a)))
	r := newRogue(t)
	mine, talk := newFeed(t, a, "news"), join(t, a, "talk")
	follow(t, b, mine)
	other := join(t, b, "talk")
	publish(t, mine, "first", WithWait(1))
	r.link(a)

	var wg sync.WaitGroup
	// until repeats something with a until it fails, which must be by the closing.
	until := func(what string, f func() error) {
		wg.Go(func() {
			for {
				if err := f(); errors.Is(err, ErrClosed) {
					return
				} else if err != nil {
					t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	for i := range 4 {
		until("publishing", func() error { _, err := mine.Publish(testContext(t), fmt.Append(nil, i)); return err })
	}
	until("publishing openly", func() error { _, err := talk.Publish(testContext(t), []byte("x")); return err })
	until("waiting", func() error { _, err := mine.Publish(testContext(t), nil, WithWait(9)); return err })
	until("once", func() error { _, err := mine.Publish(testContext(t), nil, WithOnce("key")); return err })
	until("joining", func() error {
		topic, err := a.Join("hall")
		if err == nil {
			err = topic.Leave()
		}
		return err
	})
	until("new feeds", func() error {
		_, err := a.NewFeed(fmt.Sprint("f", time.Now().UnixNano()))
		time.Sleep(time.Millisecond)
		return err
	})
	until("status", func() error { _, err := a.Status(); return err })
	for _, opt := range []SubscribeOption{FromStart(), FromNow()} {
		sub := subscribe(t, mine, opt)
		until("reading", func() error { _, err := sub.Next(testContext(t)); return err })
	}
	idle := subscribe(t, join(t, a, "silence"))
	until("waiting to read", func() error { _, err := idle.Next(testContext(t)); return err })
	notices, _ := a.Watch()
	until("watching", func() error {
		if _, ok := <-notices; !ok {
			return ErrClosed
		}
		return nil
	})
	stop := make(chan struct{})
	wg.Go(func() { // the other peer keeps sending
		for {
			select {
			case <-stop:
				return
			default:
				publish(t, other, "y")
			}
		}
	})
	await(t, "some traffic", func() bool { return counted(a, "core.link-up") > 0 && mineHas(t, a, mine, 100) })
	closeNode(t, a)
	close(stop)
	wg.Wait()
	closeNode(t, a) // again

	_, err := mine.Publish(testContext(t), nil)
	wantError(t, err, ErrClosed)
	_, err = a.Join("other")
	wantError(t, err, ErrClosed)
	_, err = mine.Subscribe()
	wantError(t, err, ErrClosed)
	_, err = a.Status()
	wantError(t, err, ErrClosed)
	_, err = a.NewFeed("late")
	wantError(t, err, ErrClosed)
	wantError(t, mine.Leave(), ErrClosed)
	late, end := a.Watch()
	if _, ok := <-late; ok {
		t.Error("news of a closed peer")
	}
	end()
	closeNode(t, b)
	_ = r.Stop()
	wantNoGoroutines(t)
}

// mineHas reports whether a feed has n entries.
func mineHas(t *testing.T, n *Node, topic *Topic, entries uint64) bool {
	h, err := n.Held(topic.Name())
	if err != nil {
		t.Fatal(err)
	}
	return len(h.Ranges) > 0 && h.Ranges[0].Last >= entries
}

// TestFailedStart: a start that fails leaves nothing running, nothing locked, and no
// temporary home.
func TestFailedStart(t *testing.T) {
	wantNoGoroutines(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, try := range map[string]func() error{
		"bad address":   func() error { _, err := New(testContext(t), WithListen("/ip4/1.2.3.4")); return err },
		"not our host":  func() error { _, err := New(testContext(t), WithListen("/ip4/192.0.2.1/tcp/0")); return err },
		"bad option":    func() error { _, err := New(testContext(t), WithHome("")); return err },
		"ended context": func() error { _, err := New(ended, WithListen(LoopbackListen...)); return err },
		"home is a file": func() error {
			path := t.TempDir() + "/file"
			rewrite(t, path, nil, 0o600)
			_, err := New(testContext(t), WithHome(path))
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	wantNoGoroutines(t)
}

// TestTemporaryHome: without a home a peer leaves nothing on disk.
func TestTemporaryHome(t *testing.T) {
	n, err := New(testContext(t), WithListen(LoopbackListen...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(n.Home()); err != nil {
		t.Error(err)
	}
	closeNode(t, n)
	if _, err := os.Stat(n.Home()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home is still there (%v)", err)
	}
}

// TestJoinWhileTheCoreIsBusy: who waits for the core holds no lock that the core, or
// anybody else, needs.
func TestJoinWhileTheCoreIsBusy(t *testing.T) {
	a := start(t, t.TempDir())
	busy, release := make(chan struct{}), make(chan struct{})
	go a.look(func(protocol.Time, *core.Host) { close(busy); <-release })
	<-busy
	for full := false; !full; { // something else may have taken a place
		select {
		case a.inputs <- protocol.Drained{Peer: "nobody"}:
		default:
			full = true
		}
	}
	joined := make(chan error)
	go func() { _, err := a.Join("talk"); joined <- err }()
	for range 20 {
		time.Sleep(2 * time.Millisecond)
		if !a.mu.TryLock() {
			time.Sleep(20 * time.Millisecond) // by chance?
			if !a.mu.TryLock() {
				t.Error("the lock is held while the core is waited for")
				break
			}
		}
		a.mu.Unlock()
	}
	close(release)
	if err := <-joined; err != nil {
		t.Error(err)
	}
	publish(t, join(t, a, "talk"), "x")
}
