package omni

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// The table finds what was put in and not taken out, also where the ends of all keys are
// the same.
func TestSampleTable(t *testing.T) {
	for _, tc := range []struct {
		name string
		id   func(i int) protocol.PeerID
	}{
		{"as they come", name},
		{"one chain", func(i int) protocol.PeerID { return name(i) + "the same" }},
	} {
		rng := rand.New(rand.NewPCG(3, 4))
		st, known := newSampleTable(), map[protocol.PeerID]protocol.Time{}
		for n := range protocol.Time(3000) {
			id := tc.id(rng.IntN(2 * MaxSamples))
			gone := protocol.PeerID("")
			st.put(sample{Peer: id, at: n}, func(list []sample) int {
				i := rng.IntN(len(list))
				gone = list[i].Peer
				return i
			})
			delete(known, gone)
			known[id] = n
			if n%500 == 499 {
				st.expire(n.Add(sampleLife - 100)) // all but the last hundred
				for id, at := range known {
					if at < n-100 {
						delete(known, id)
					}
				}
			}
			if len(st.list) != len(known) {
				t.Fatalf("%s: %d samples, want %d", tc.name, len(st.list), len(known))
			}
		}
		for i := range 2 * MaxSamples {
			id := tc.id(i)
			at, in := known[id]
			if s := st.get(id); (s != nil) != in || in && (s.Peer != id || s.at != at) {
				t.Fatalf("%s: %s is found as %v, want %v at %v", tc.name, id, s, in, at)
			}
		}
	}
}

// What is kept of a sample is told again as it was.
func TestKept(t *testing.T) {
	want := Sample{Peer: "p", At: vivaldi.Coordinate{X: 1, Y: 2, Z: 3, Height: 4, Err: 5}, Latency: 2 * ms, Offer: 3 * ms, Prime: 4 * ms, Spare: 5, Price: 6 * ms,
		Reach: ReachPunch, Weight: 7, Age: 8 * time.Second, Addr: "here", Door: "door", DoorAddr: "there"}
	k := keep(&want, second, 9)
	if got := k.told(second.Add(8 * time.Second)); got != want {
		t.Errorf("told %+v, want %+v", got, want)
	}
	much := Sample{Peer: "p", Latency: 2 * maxLatency, Spare: MaxChildren}
	k = keep(&much, second, 9)
	if got := k.told(second); got.Latency != maxLatency || got.Spare != maxSpare {
		t.Errorf("too much is told as %+v", got)
	}
}
