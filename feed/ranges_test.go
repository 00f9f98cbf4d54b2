package feed

import (
	"math/rand/v2"
	"testing"
)

// TestRanges: addRange and cutRange do what a plain set does.
func TestRanges(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var rs []Range
		set := make([]bool, 66)
		for step := range 60 {
			first := rng.Uint64N(60)
			r := Range{first, min(64, first+rng.Uint64N(8))}
			add := rng.IntN(2) == 0
			var removed []Range
			if add {
				rs = addRange(rs, r)
			} else {
				rs, removed = cutRange(rs, r)
			}
			n := 0
			for i := r.First; i <= r.Last; i++ {
				if set[i] {
					n++
				}
				set[i] = add
			}
			for _, c := range removed {
				n -= int(c.Len())
			}
			if !add && n != 0 {
				t.Fatalf("seed %d step %d: removed %v of %v, wrong number", seed, step, removed, r)
			}
			checkRanges(t, seed, rs, set)
		}
	}
}

func checkRanges(t *testing.T, seed uint64, rs []Range, set []bool) {
	t.Helper()
	got := make([]bool, len(set))
	for i, r := range rs {
		if r.First > r.Last || i > 0 && rs[i-1].Last >= r.First {
			t.Fatalf("seed %d: %v", seed, rs)
		}
		for n := r.First; n <= r.Last; n++ {
			got[n] = true
		}
	}
	for n := range set {
		if set[n] != got[n] {
			t.Fatalf("seed %d: %v, wrong at %d", seed, rs, n)
		}
	}
}
