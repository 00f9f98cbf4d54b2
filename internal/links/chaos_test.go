package links

import (
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestChaos: peers dial, close, send and restart at random, all at once. The
// recorders check that calls come in order; at the end every two peers that want a
// link get one that works.
func TestChaos(t *testing.T) {
	const peers, steps = 4, 60
	overEach(t, func(t *testing.T, listen string) {
		for seed := range uint64(3) {
			rng := rand.New(rand.NewPCG(seed, 0))
			brief := func(c *Config) { c.FlushTimeout, c.idle = 200*time.Millisecond, 100*time.Millisecond }
			nodes := make([]*node, peers)
			for i := range nodes {
				nodes[i] = newNode(t, listen, brief)
			}
			for range steps {
				a, b := nodes[rng.IntN(peers)], nodes[rng.IntN(peers)]
				if a == b {
					continue
				}
				switch n := rng.IntN(20); {
				case n < 9:
					a.Dial(b.ID(), b.Addrs())
				case n < 13:
					a.Close(b.ID(), "chaos")
				case n < 19:
					a.Send(b.ID(), protocol.Class(rng.IntN(3)), protocol.Never, pattern(1, 1+rng.IntN(1000)), nil)
				default:
					i := slices.Index(nodes, a)
					key := a.cfg.Identity
					a.stop(t)
					nodes[i] = newNode(t, listen, brief, func(c *Config) { c.Identity = key })
				}
				time.Sleep(time.Duration(rng.IntN(4)) * time.Millisecond)
			}
			for i, a := range nodes {
				for _, b := range nodes[i+1:] {
					await(t, "a link after chaos", func() bool {
						// As the core does: what is not up is dialled again.
						a.Dial(b.ID(), b.Addrs())
						time.Sleep(5 * time.Millisecond)
						return a.rec.isUp(b.ID()) && b.rec.isUp(a.ID())
					})
				}
			}
			for _, n := range nodes {
				n.stop(t)
				if left := len(n.links); left != 0 {
					t.Errorf("seed %d: %d links left after Stop", seed, left)
				}
			}
		}
	})
}

// TestNoLeak: after all that can go wrong with links, no goroutine of ours or of the
// host is left.
func TestNoLeak(t *testing.T) {
	// What the first host of a process starts, it starts for good.
	warm := newNode(t, transports["quic"])
	warm.stop(t)
	before := runtime.NumGoroutine()
	for _, listen := range transports {
		a, b := newNode(t, listen), newNode(t, listen)
		refuses := newNode(t, listen)
		refuses.rec.refuse = true
		silent, broken, lost := newRaw(t, listen, true), newRaw(t, listen, true), newRaw(t, listen, true)
		a.link(t, b)
		exchange(t, a, b)
		a.Dial(refuses.ID(), refuses.Addrs())
		await(t, "failure", func() bool { return a.rec.last(refuses.ID()) != "" })
		a.Dial(silent.ID(), sortAddrs(silent.Addrs()))
		silent.accepted()
		out, _ := broken.link(a)
		broken.write(out, []byte{0})
		await(t, "down", func() bool { return !a.rec.isUp(broken.ID()) })
		lost.link(a)
		_ = lost.Close()
		await(t, "down", func() bool { return !a.rec.isUp(lost.ID()) })
		for _, h := range []*rawPeer{silent, broken} {
			_ = h.Close()
		}
		for _, n := range []*node{a, b, refuses} {
			n.stop(t)
		}
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			var stacks strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks.String())
		}
	}
}
