package antientropy

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// "The slow path alone delivers everything eventually, whatever fails above it":
// no fast path at all, a fifth of all messages lost.
func TestDeliversAllUnderLoss(t *testing.T) {
	for _, kind := range kinds {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", kind.name, seed), func(t *testing.T) {
				w := newTestNet(t, seed)
				w.check = checkBounds
				w.loss = 0.2
				for range 20 {
					w.peer(kind.peer)
				}
				w.mesh(w.peers, 2)
				const items = 100
				for n := 1; n <= items; n++ {
					// An owned feed has one author, an open topic many.
					at := w.peers[0]
					if kind.name == "open" {
						at = w.peers[w.rng.IntN(len(w.peers))]
					}
					at.publish(kind.item(n))
					w.run(200*time.Millisecond, nil)
				}
				if !w.run(10*time.Minute, hasAll(w.peers, items)) {
					t.Fatalf("not delivered after %v", w.now)
				}
				t.Logf("all after %v", time.Duration(w.now)-items*200*time.Millisecond)
			})
		}
	}
}

// Who joins late fetches everything from its neighbours, each item about once.
func TestLateJoiner(t *testing.T) {
	for _, kind := range kinds {
		for _, loss := range []float64{0, 0.05} {
			t.Run(fmt.Sprintf("%s/%v", kind.name, loss), func(t *testing.T) {
				w := newTestNet(t, 1)
				const items = 10_000
				for range 5 {
					w.peer(kind.peer)
				}
				w.storeTime = 0
				for n := 1; n <= items; n++ {
					it := kind.item(n)
					for _, p := range w.peers {
						p.publish(it)
					}
				}
				w.run(time.Second, nil)
				w.mesh(w.peers, 2)
				w.run(time.Minute, nil)

				w.storeTime, w.loss, w.check = 2*time.Millisecond, loss, checkBounds
				late := w.peer(kind.peer)
				start := w.now
				for _, p := range w.peers[:5] {
					w.connect(p, late)
				}
				if !w.run(5*time.Minute, func() bool { return len(late.items) == items }) {
					t.Fatalf("has %d after %v", len(late.items), w.now.Sub(start))
				}
				control := 0
				for _, p := range w.peers {
					control += p.control
				}
				t.Logf("%d items after %v, %d arrived, %d bytes of control", items, w.now.Sub(start), late.arrived, control)
				if limit := 30 * time.Second; loss == 0 && w.now.Sub(start) > limit {
					t.Errorf("took %v, want at most %v", w.now.Sub(start), limit)
				}
				if late.arrived > items*11/10 {
					t.Errorf("%d items arrived, want at most a tenth more than %d", late.arrived, items)
				}
			})
		}
	}
}

// Two halves go on without each other; when they meet, each gets the other's.
func TestPartitionHeals(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := newTestNet(t, 1)
			w.check = checkBounds
			for range 16 {
				w.peer(kind.peer)
			}
			left, right := w.peers[:8], w.peers[8:]
			w.mesh(left, 1)
			w.mesh(right, 1)
			const items = 400
			for n := 1; n <= items; n++ { // odd ones left, even ones right
				for _, p := range [][]*testPeer{right, left}[n%2] {
					p.publish(kind.item(n))
				}
			}
			w.run(time.Minute, nil)
			for _, p := range w.peers {
				if len(p.items) != items/2 {
					t.Fatalf("%s has %d items while apart", p.id, len(p.items))
				}
			}
			start := w.now
			w.connect(left[0], right[0])
			w.connect(left[3], right[5])
			if !w.run(2*time.Minute, hasAll(w.peers, items)) {
				t.Fatalf("not healed after %v", w.now.Sub(start))
			}
			t.Logf("healed after %v", w.now.Sub(start))
		})
	}
}

// An idle topic costs next to nothing: less than 10 bytes a second and peer.
func TestIdleTraffic(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := newTestNet(t, 1)
			for range 10 {
				w.peer(kind.peer)
			}
			w.mesh(w.peers, 2)
			for n := 1; n <= 1000; n++ {
				it := kind.item(n)
				for _, p := range w.peers {
					p.publish(it)
				}
			}
			w.run(10*time.Minute, nil)
			before := make([]int, len(w.peers))
			for i, p := range w.peers {
				before[i] = p.control + p.carried
			}
			w.run(time.Hour, nil)
			most := 0.0
			for i, p := range w.peers {
				most = max(most, float64(p.control+p.carried-before[i])/3600)
			}
			t.Logf("at most %.2f bytes a second", most)
			if most >= 10 || most == 0 {
				t.Errorf("%.2f bytes a second, want some, but less than 10", most)
			}
		})
	}
}

// A neighbour that claims to have what it has not must not keep anyone from
// getting it elsewhere, and is asked more and more rarely.
func TestLiarDoesNotBlock(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := newTestNet(t, 1)
			w.check = checkBounds
			honest, liar := w.peer(kind.peer), w.peer(kind.peer)
			liar.lies = true
			const items, made = 500, 1000
			for n := 1; n <= made; n++ { // the liar's claims go beyond the truth
				if n <= items {
					honest.publish(kind.item(n))
				}
				liar.publish(kind.item(n))
			}
			w.run(time.Second, nil)
			victim := w.peer(kind.peer)
			start := w.now
			w.connect(liar, victim)
			w.run(50*time.Millisecond, nil)
			w.connect(honest, victim)
			if !w.run(30*time.Second, func() bool { return len(victim.items) == items }) {
				t.Fatalf("has %d of %d items after %v", len(victim.items), items, w.now.Sub(start))
			}
			t.Logf("all after %v", w.now.Sub(start))
			before := victim.notes["repair.failed"]
			w.run(10*time.Minute, nil)
			if asked := victim.notes["repair.failed"] - before; asked > 20 {
				t.Errorf("the liar was asked %d times in 10 minutes", asked)
			}
			if victim.notes["repair.failed"] == 0 {
				t.Error("the liar was never found out")
			}
		})
	}
}

// The same seed gives the same trace, byte by byte.
func TestSameSeedSameTrace(t *testing.T) {
	for _, kind := range kinds {
		trace := func() []byte {
			w := newTestNet(t, 7)
			w.loss = 0.1
			for range 8 {
				w.peer(kind.peer)
			}
			w.mesh(w.peers, 1)
			for n := 1; n <= 50; n++ {
				w.peers[n%3].publish(kind.item(n))
				w.run(100*time.Millisecond, nil)
			}
			w.run(time.Minute, nil)
			return w.trace.Sum(nil)
		}
		if a, b := trace(), trace(); !bytes.Equal(a, b) {
			t.Errorf("%s: two runs with one seed differ", kind.name)
		}
	}
}

// Links come and go all the time, some items are accepted but cannot be stored:
// in the end everybody has everything.
func TestDeliversAllUnderChurn(t *testing.T) {
	for _, kind := range kinds {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s/%d", kind.name, seed), func(t *testing.T) {
				w := newTestNet(t, seed)
				w.check = checkBounds
				w.loss = 0.05
				for range 12 {
					w.peer(kind.peer)
				}
				w.mesh(w.peers, 1)
				const items = 200
				for n := 1; n <= items; n++ {
					w.peers[0].publish(kind.item(n))
					p := w.peers[w.rng.IntN(len(w.peers))]
					if len(p.nbrs) > 2 {
						w.disconnect(p, p.nbrs[w.rng.IntN(len(p.nbrs))])
					}
					w.connect(p, w.peers[w.rng.IntN(len(w.peers))])
					full := w.peers[1+w.rng.IntN(len(w.peers)-1)]
					full.diskFull = !full.diskFull
					w.run(100*time.Millisecond, nil)
				}
				for _, p := range w.peers {
					p.diskFull = false
				}
				w.mesh(w.peers, 0) // nobody is left alone
				if !w.run(10*time.Minute, hasAll(w.peers, items)) {
					t.Fatalf("not delivered after %v", time.Duration(w.now))
				}
				t.Logf("all after %v", time.Duration(w.now)-items*100*time.Millisecond)
			})
		}
	}
}
