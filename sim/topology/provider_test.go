package topology

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestProvider(t *testing.T) {
	var medians []time.Duration
	for seed := range uint64(9) {
		for _, spec := range []string{"provider:200", "providermix:200"} {
			top, err := Named(spec, rand.New(rand.NewPCG(seed, 1)))
			if err != nil {
				t.Fatal(err)
			}
			var all []time.Duration
			slow, fast := 0, 0
			for a, h := range top.Hosts {
				if h.NAT != NATNone {
					t.Fatalf("%s: %s is behind a %v", spec, h.Name, h.NAT)
				}
				if h.Up < 20 {
					slow++
				} else if h.Up > 20 {
					fast++
				}
				for b := range a {
					all = append(all, top.RTT(a, b))
				}
			}
			if mixed := slow > 50 && fast > 25; mixed != (spec == "providermix:200") || !mixed && slow+fast > 0 {
				t.Errorf("%s: %d uplinks are slower than 20 Mbit/s, %d faster", spec, slow, fast)
			}
			slices.Sort(all)
			medians = append(medians, all[len(all)/2])
		}
	}
	slices.Sort(medians)
	if m := medians[len(medians)/2]; m < 28*time.Millisecond || m > 32*time.Millisecond {
		t.Errorf("the median round trip is %v in the median", m)
	}
}
