package gossipmembership

import (
	"math/rand/v2"
	"testing"
)

// Whatever comes and goes, the index finds what is there and nothing else.
func TestBookIndex(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		b := NewSimpleBook(testPeer(selfN), 40, rng)
		there := map[PeerID]bool{}
		for range 3000 {
			p := testPeer(1 + rng.IntN(60))
			if i, ok := b.index.find(p, b.entries); ok && rng.IntN(2) == 0 {
				b.drop(i)
				delete(there, p)
			} else if ok || len(b.entries) < 40 {
				b.entry(p, testPeer(selfN))
				there[p] = true
			}
			if len(b.index.slots) > 0 && 2*len(b.entries) > len(b.index.slots) {
				t.Fatalf("seed %d: %d entries in %d places", seed, len(b.entries), len(b.index.slots))
			}
			for n := 1; n <= 60; n++ {
				i, ok := b.index.find(testPeer(n), b.entries)
				if ok != there[testPeer(n)] || ok && b.entries[i].peer != testPeer(n) {
					t.Fatalf("seed %d: peer %d found: %v, at %d; there: %v", seed, n, ok, i, there[testPeer(n)])
				}
			}
		}
	}
}
