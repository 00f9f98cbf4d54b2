package antientropy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// model is a set of sequence numbers, one by one.
type model [64]bool

func (m *model) ranges() (rs []Range) {
	for i := 1; i < len(m); i++ {
		switch n := len(rs); {
		case !m[i]:
		case n > 0 && rs[n-1].Last == uint64(i-1):
			rs[n-1].Last++
		default:
			rs = append(rs, Range{uint64(i), uint64(i)})
		}
	}
	return rs
}

func randomRange(rng *rand.Rand) Range {
	first := 1 + rng.Uint64N(60)
	return Range{first, min(first+rng.Uint64N(6), 63)}
}

func TestRangeSetsAreSets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		var a, b model
		var as, bs []Range
		for range 30 {
			r, s := randomRange(rng), randomRange(rng)
			keep := rng.IntN(3) > 0
			for i := r.First; i <= r.Last; i++ {
				a[i] = keep
			}
			for i := s.First; i <= s.Last; i++ {
				b[i] = true
			}
			if keep {
				as = add(as, r)
			} else {
				as = remove(as, r)
			}
			bs = add(bs, s)
			if !slices.Equal(as, a.ranges()) || !slices.Equal(bs, b.ranges()) {
				t.Fatalf("%v and %v, want %v and %v", as, bs, a.ranges(), b.ranges())
			}
		}
		w := randomRange(rng)
		var without, within model
		n := uint64(0)
		for i := range a {
			without[i] = a[i] && !b[i]
			within[i] = a[i] && w.Contains(uint64(i))
			if contains(as, uint64(i)) != a[i] {
				t.Fatalf("contains(%v, %d) is %v", as, i, !a[i])
			}
			if a[i] {
				n++
			}
		}
		if got := subtract(as, bs); !slices.Equal(got, without.ranges()) {
			t.Fatalf("%v without %v is %v", as, bs, got)
		}
		if got := clip(as, w); !slices.Equal(got, within.ranges()) {
			t.Fatalf("%v within %v is %v", as, w, got)
		}
		if got := count(as); got != n {
			t.Fatalf("%v has %d numbers, want %d", as, got, n)
		}
	}
	if got := clip([]Range{{1, 9}}, Range{5, 4}); got != nil {
		t.Errorf("clipped to nothing: %v", got)
	}
}

// However entries come, the runs know the IDs of their ends.
func TestHoldingsKnowTheirHeads(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for range 200 {
		var h holdings
		var m model
		for range 40 {
			seq := 1 + rng.Uint64N(40)
			m[seq] = true
			h.add(Run{Range{seq, seq}, id(byte(seq))})
			h.add(Run{Range{seq, seq}, id(99)}) // of a fork: changes nothing
		}
		low := rng.Uint64N(30)
		h.dropBelow(low)
		for i := range min(low, 64) {
			m[i] = false
		}
		if !slices.Equal(h.ranges, m.ranges()) || len(h.heads) != len(h.ranges) {
			t.Fatalf("%v with %d heads, want %v", h.ranges, len(h.heads), m.ranges())
		}
		for i, r := range h.ranges {
			if h.heads[i] != id(byte(r.Last)) {
				t.Fatalf("head of %v is %v", r, h.heads[i])
			}
		}
	}
}

// A head that was unknown at the start is taken from the entry when it comes
// again; one that is known stays.
func TestUnknownHeadIsLearnt(t *testing.T) {
	h := newHoldings([]Run{{Range: Range{5, 9}}, {Range: Range{1, 3}, Head: id(3)}})
	h.add(Run{Range{9, 9}, id(9)})
	if h.heads[0] != id(3) || h.heads[1] != id(9) {
		t.Errorf("heads %v", h.heads)
	}
}

func TestHoldingsForgetTheHighest(t *testing.T) {
	var h holdings
	for i := uint64(1); i <= MaxRuns+10; i++ {
		h.add(Run{Range{2 * i, 2 * i}, protocol.ItemID{}})
	}
	if len(h.ranges) != MaxRuns || len(h.heads) != MaxRuns || h.top() != 2*MaxRuns || h.horizon() != h.top() {
		t.Fatalf("%d runs up to %d, horizon %d", len(h.ranges), h.top(), h.horizon())
	}
	h.add(Run{Range{3, 3}, protocol.ItemID{}}) // joins two runs
	if len(h.ranges) != MaxRuns-1 || h.horizon() != MaxSeq {
		t.Errorf("%d runs, horizon %d after a gap was filled", len(h.ranges), h.horizon())
	}
}
