package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// Twenty hosts, a fifth of all messages lost: the author learns of all that store
// its item, each once, and no host breaks its invariants on the way.
func TestReceiptsOfTwentyHosts(t *testing.T) {
	for _, loss := range []float64{0, 0.2} {
		t.Run(fmt.Sprint("loss ", loss), func(t *testing.T) {
			net := sim.New(sim.Config{Seed: 1, Loss: loss, Codec: true, After: func(h *sim.Host) {
				if err := h.Core().Invariants(); err != nil {
					t.Fatalf("host %d: %v", h.Index(), err)
				}
			}})
			for i := range 20 {
				h := net.Add()
				h.Join("square", "")
				if i > 0 {
					h.Contact(net.Hosts()[i/2])
				}
				net.Run(time.Duration(net.Now()) + 10*time.Millisecond)
			}
			net.Run(30 * time.Second)
			author := net.Hosts()[7]
			it := author.Publish("square", []byte("who has it?"))
			author.AwaitReceipts(it, protocol.Never)
			net.Run(time.Duration(net.Now()) + 2*time.Minute)
			counted := make(map[protocol.PeerID]int)
			for _, p := range author.Receipts[it.ID] {
				counted[p]++
			}
			for _, h := range net.Hosts() {
				want := 1
				if h == author {
					want = 0
				}
				if n := counted[h.ID()]; n != want {
					t.Errorf("host %d is counted %d times, want %d", h.Index(), n, want)
				}
			}
			t.Logf("%d counted", len(counted))
		})
	}
}
