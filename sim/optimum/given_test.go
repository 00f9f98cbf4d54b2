package optimum

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A tree that a search has made is the same when it is given by its parents, children in
// the order of their weights; what is no tree is refused.
func TestGiven(t *testing.T) {
	in := drawn(t, "lognormal:50", Config{Root: 4, Punched: true, InTurn: true, Seed: 3})
	want, err := Random(in, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	want.heaviestFirst()
	parents := make([]int, in.Hosts())
	for x, p := range want.parent {
		parents[x] = int(p)
	}
	got, err := Given(in, parents)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	if a, b := got.Figures(), want.Figures(); a.Depth != b.Depth || a.DepthMean != b.DepthMean || a.Latency > b.Latency+1e-9 {
		t.Errorf("given it has %+v, made it had %+v", a, b)
	}
	if _, err := Given(in, parents[1:]); err == nil {
		t.Error("a host is missing, and nobody says so")
	}
	for x, p := range parents {
		if p >= 0 {
			cut := slices.Clone(parents)
			cut[x] = -1
			cycle := slices.Clone(parents)
			cycle[x] = x
			for _, bad := range [][]int{cut, cycle} {
				if _, err := Given(in, bad); err == nil {
					t.Fatalf("host %d has the parent %d, and it is a tree", x, bad[x])
				}
			}
		}
	}
}
