package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

var (
	flagSeed  = flag.Uint64("seed", 0, "replay one seed of a sweep instead of all")
	flagSeeds = flag.Int("seeds", 3, "how many seeds a sweep tries")
)

// seeds runs a test once a seed, and says how to replay the one that fails.
func seeds(t *testing.T, f func(t *testing.T, seed uint64)) {
	t.Helper()
	first, n := uint64(1), *flagSeeds
	if *flagSeed != 0 {
		first, n = *flagSeed, 1
	}
	for i := range n {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("replay: go test ./sim -run '%s' -seed %d", t.Name(), seed)
					panic(r)
				}
				if t.Failed() {
					t.Logf("replay: go test ./sim -run '%s' -seed %d", t.Name(), seed)
				}
			}()
			f(t, seed)
		})
	}
}

func TestTwo(t *testing.T) {
	net := New(Config{Seed: 1, Codec: true})
	a, b := net.Add(), net.Add()
	a.Join("news", "")
	b.Join("news", "")
	b.Contact(a)
	net.Run(5 * time.Second)
	it := a.Publish("news", []byte("hello"))
	a.AwaitReceipts(it, protocol.Never)
	net.Run(6 * time.Second)
	if got := b.Delivered("news"); len(got) != 1 {
		t.Fatalf("b got %d items, notes %v %v", len(got), a.Notes, b.Notes)
	}
	if r := a.Receipts[it.ID]; len(r) != 1 || r[0] != b.ID() {
		t.Fatalf("receipts %v, want b's", r)
	}
}
