package gossipmembership

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// sweep runs a test for a number of seeds, 20 times as many with QUILT_LONG set;
// QUILT_SEED=n runs the one that failed.
func sweep(t *testing.T, seeds int, run func(t *testing.T, seed uint64)) {
	if s := os.Getenv("QUILT_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		run(t, seed)
		return
	}
	if os.Getenv("QUILT_LONG") != "" {
		seeds *= 20
	}
	for seed := range uint64(seeds) {
		if !t.Run(fmt.Sprint("seed", seed), func(t *testing.T) { run(t, seed) }) {
			t.Fatalf("replay: QUILT_SEED=%d go test -run '^%s$' ./gossipmembership/", seed, t.Name())
		}
	}
}

func TestJoinThroughChainOfContacts(t *testing.T) {
	sweep(t, 3, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 100, ViewConfig{})
		w.startAll(func(i int) int { return i - 1 })
		w.run(time.Minute)
		w.wantSettled(4)
		w.run(4 * time.Minute)
		// A chain makes clusters that only neighbours in the chain join: a rotation
		// may part them (in 1 of 100 seeds), and the next ones join them again.
		w.settle(3*time.Minute, w.connected)
		if _, mean, most := w.degrees(); mean < 5 || most > 10 {
			t.Errorf("degrees: mean %.1f, greatest %d", mean, most)
		}
	})
}

// A crowd that comes all at once, with one and the same contact, does not fail
// because that contact has few places.
func TestJoinAllThroughOneContact(t *testing.T) {
	sweep(t, 3, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 100, ViewConfig{})
		w.start(w.hosts[0])
		for _, h := range w.hosts[1:] {
			w.start(h, 0)
		}
		t.Logf("connected after %v", w.settle(2*time.Minute, w.connected))
		w.run(2 * time.Minute)
		w.wantSettled(4)
	})
}

// The group of all hosts has smaller views, which hold it together all the same.
func TestHostGroup(t *testing.T) {
	sweep(t, 2, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 100, HostViewConfig())
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(5 * time.Minute)
		w.wantSettled(2)
		for _, i := range w.rng.Perm(100)[:30] {
			w.kill(w.hosts[i])
		}
		w.run(2 * time.Minute)
		w.wantSettled(2)
	})
}

func TestHalfKilled(t *testing.T) {
	sweep(t, 3, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 100, ViewConfig{})
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(5 * time.Minute)
		for _, i := range w.rng.Perm(100)[:50] {
			w.kill(w.hosts[i])
		}
		t.Logf("connected after %v", w.settle(time.Minute, w.connected))
		w.run(2 * time.Minute)
		w.wantSettled(3)
	})
}

// While a partition lasts each half stays whole, and long after memory would have
// been drained of the other side the halves find each other.
func TestPartitionMerges(t *testing.T) {
	sweep(t, 1, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 100, ViewConfig{})
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(5 * time.Minute)
		w.partition(func(a, b *testHost) bool { return a.n < 50 != (b.n < 50) })
		w.run(30 * time.Minute)
		if got := w.component(); got != 50 {
			t.Fatalf("half has %d peers connected, want 50", got)
		}
		w.apart = nil
		t.Logf("connected after %v", w.settle(3*time.Minute, w.connected))
		w.run(10 * time.Minute)
		w.wantSettled(4)
		if got := w.between(func(i int) bool { return i < 50 }); got < 20 {
			t.Errorf("%d links join the halves after 10 minutes, want 20", got)
		}
	})
}

// Two groups that know nothing of each other grow together from one contact,
// until no single peer holds them together.
func TestIslandsMerge(t *testing.T) {
	sweep(t, 2, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 60, ViewConfig{})
		for i, h := range w.hosts {
			switch i {
			case 0, 30:
				w.start(h)
			default:
				w.start(h, i-1)
			}
			w.run(100 * time.Millisecond)
		}
		w.run(5 * time.Minute)
		if got := w.component(); got != 30 {
			t.Fatalf("island has %d peers", got)
		}
		w.handle(w.hosts[7], Candidates{Peers: []PeerID{testPeer(44)}})
		t.Logf("connected after %v", w.settle(15*time.Minute, w.connected))
		w.run(30 * time.Minute)
		w.kill(w.hosts[7], w.hosts[44])
		w.run(time.Minute)
		w.wantConnected()
		if got := w.between(func(i int) bool { return i < 30 }); got < 10 {
			t.Errorf("%d links join the islands, want 10", got)
		}
	})
}

// With a fifth of all messages lost, views agree again within a bounded time.
func TestLossyLinksStaySymmetric(t *testing.T) {
	sweep(t, 2, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 50, ViewConfig{})
		w.loss = 0.2
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(10 * time.Minute)
		w.wantConnected()
		// No link stays one-sided for ten minutes...
		since := map[string]protocol.Time{}
		for range 300 {
			w.run(10 * time.Second)
			for pair, at := range since {
				if w.now.Sub(at) > 10*time.Minute {
					t.Fatalf("%s one-sided since %v, now %v", pair, at, w.now)
				}
			}
			since = w.oneSided(since)
		}
		// ... and without loss none for three, silence being noticed after 3.5.
		w.loss = 0
		w.run(4 * time.Minute)
		before := w.oneSided(nil)
		w.run(10 * time.Second)
		for pair := range w.oneSided(nil) {
			if _, ok := before[pair]; ok {
				t.Errorf("%s still one-sided", pair)
			}
		}
	})
}

func TestSmallGroupsEndAsFullMesh(t *testing.T) {
	for n := 2; n <= 5; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			sweep(t, 10, func(t *testing.T, seed uint64) {
				w := newTestNet(t, seed, n, ViewConfig{})
				w.startAll(func(i int) int { return i - 1 })
				w.run(30 * time.Second)
				w.wantSettled(n - 1)
				ups, dials := w.ups, w.dials
				w.run(30 * time.Second)
				w.bytes = 0
				w.run(time.Hour)
				w.wantSettled(n - 1)
				if w.ups != ups || w.dials != dials {
					t.Errorf("%d neighbours gained and %d dials in a group at rest", w.ups-ups, w.dials-dials)
				}
				if rate := float64(w.bytes) / 3600 / float64(n); rate > 15 {
					t.Errorf("a group of %d at rest sends %.1f bytes/s a peer, want at most 15", n, rate)
				}
			})
		})
	}
}

func TestIdleTraffic(t *testing.T) {
	sweep(t, 1, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 100, ViewConfig{})
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(5 * time.Minute)
		w.bytes, w.dials, w.kinds = 0, 0, [8]int{}
		w.run(20 * time.Minute)
		rate := float64(w.bytes) / (20 * 60) / 100
		t.Logf("%.1f bytes/s a peer; %.2f dials a minute; messages by kind %v",
			rate, float64(w.dials)/20/100, w.kinds)
		if rate >= 40 {
			t.Errorf("at rest a peer sends %.1f bytes/s, want less than 40", rate)
		}
	})
}

// A peer that was cut off is back seconds after its network is.
func TestIsolatedPeerComesBack(t *testing.T) {
	sweep(t, 2, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 30, ViewConfig{})
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(3 * time.Minute)
		w.partition(func(a, b *testHost) bool { return a.n == 0 || b.n == 0 })
		w.run(time.Hour)
		if got := len(w.hosts[0].view.active); got != 0 {
			t.Fatalf("cut off with %d neighbours", got)
		}
		w.apart = nil
		t.Logf("connected after %v", w.settle(30*time.Second, w.connected))
	})
}

func TestLeave(t *testing.T) {
	sweep(t, 3, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 20, ViewConfig{})
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(3 * time.Minute)
		leaver := w.hosts[3]
		neighbors := leaver.view.Neighbors()
		w.handle(leaver, protocol.Stop{})
		if len(leaver.up) != 0 || leaver.view.Deadline() != protocol.Never {
			t.Fatal("the view goes on after Stop")
		}
		w.run(time.Second)
		for _, p := range neighbors {
			h := w.by[p]
			if h.up[leaver.id] || leaver.view.memberIndex(p) < 0 || h.view.memberIndex(leaver.id) < 0 {
				t.Fatalf("peer %d: up %v after a goodbye, or forgotten", h.n, h.up[leaver.id])
			}
		}
		leaver.dead = true
		w.run(time.Minute)
		w.wantConnected()
	})
}

func TestSameSeedSameTrace(t *testing.T) {
	trace := func(seed uint64) uint64 {
		w := newTestNet(t, seed, 40, ViewConfig{})
		w.loss, w.tracing = 0.05, true
		w.startAll(func(i int) int { return w.rng.IntN(i) })
		w.run(5 * time.Minute)
		return w.trace
	}
	if a, b := trace(1), trace(1); a != b {
		t.Errorf("one seed, traces %x and %x", a, b)
	}
	if a, b := trace(1), trace(2); a == b {
		t.Errorf("two seeds, one trace %x", a)
	}
}
