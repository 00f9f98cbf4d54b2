package gossipmembership

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// A linkMap knows what a map knows, of peers whose IDs end alike too.
func TestLinkMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var m linkMap
	want := make(map[PeerID]link)
	name := func() PeerID { return PeerID(fmt.Sprintf("%d-ends-in-%08d", rng.IntN(3), rng.IntN(20))) }
	for i := range 5000 {
		p := name()
		if rng.IntN(2) == 0 {
			l := link{nextSample: protocol.Time(i)}
			m.put(p, l)
			want[p] = l
		} else {
			m.remove(p)
			delete(want, p)
		}
		p = name()
		l, up := m.get(p)
		if w, ok := want[p]; l != w || up != ok || len(m) != len(want) {
			t.Fatalf("step %d, seed 1, 2: %s is %+v, %v, want %+v, %v; %d links, want %d", i, p, l, up, w, ok, len(m), len(want))
		}
		for j := 1; j < len(m); j++ {
			if m[j-1].key > m[j].key {
				t.Fatalf("step %d, seed 1, 2: link %d is out of order", i, j)
			}
		}
	}
}
