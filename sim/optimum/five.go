package optimum

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// maxRounds bounds FiveMoves; our measurement: some ten rounds are enough.
const maxRounds = 200

// FiveMoves applies OMNI's five local transformations, each wherever it gains, until
// none does: child promote, parent-child swap, iso-level-2 transfer and swap,
// aniso-level-1-2 swap. Where copies are sent in turn children are put in order as
// well. It returns how many it applied.
func (t *Tree) FiveMoves(rng *rand.Rand) (moves int) {
	for range maxRounds {
		before := moves
		for _, x := range rng.Perm(t.in.n) {
			moves += t.improve(int32(x))
		}
		moves += t.heaviestFirst()
		if moves == before {
			break
		}
	}
	return moves
}

// improve applies the first of the five moves of x that gains.
func (t *Tree) improve(x int32) int {
	p := t.parent[x]
	if p == none || p == t.in.root {
		return 0
	}
	g := t.parent[p]
	if d, ok := t.reparentGain(x, g); ok && d < 0 {
		t.reparent(x, g)
		return 1
	}
	if t.trySwapWithParent(x) {
		return 1
	}
	for _, q := range slices.Clone(t.children[g]) {
		if q == p {
			continue
		}
		if d, ok := t.reparentGain(x, q); ok && d < 0 {
			t.reparent(x, q)
			return 1
		}
		for _, y := range t.children[q] {
			if d, ok := t.exchangeGain(x, y); ok && d < 0 {
				t.exchange(x, y)
				return 1
			}
		}
		if d, ok := t.exchangeGain(x, q); ok && d < 0 {
			t.exchange(x, q)
			return 1
		}
	}
	return 0
}

// heaviestFirst puts the children of every host in the best order, where it matters,
// and returns how many hosts gained by it: each child waits for those before it, and
// all below it wait too.
func (t *Tree) heaviestFirst() (moves int) {
	if !t.in.inTurn {
		return 0
	}
	for p := range int32(t.in.n) {
		before := t.cost
		order := slices.Clone(t.children[p])
		slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(t.weight[b], t.weight[a]) })
		if t.reorder(p, order); t.cost < before {
			moves++
		}
	}
	return moves
}

// trySwapWithParent swaps c with its parent if that gains, with the best child to hand
// over if it must.
func (t *Tree) trySwapWithParent(c int32) bool {
	p, before := t.parent[c], t.cost
	zs := []int32{none}
	if !t.spare(c) {
		zs = slices.Clone(t.children[c])
	}
	for _, z := range zs {
		if !t.swapWithParent(c, z) {
			continue
		}
		if t.cost < before {
			return true
		}
		t.unswap(p, c, z)
	}
	return false
}

// Samples is for how many sampled reparents a host the figures in the package comment
// stand.
const Samples = 600

// SampledReparents tries, for every host, so many random new parents that have degree
// to spare, and takes each that gains. It returns how many it took.
func (t *Tree) SampledReparents(rng *rand.Rand, samples int) (moves int) {
	for range samples {
		for _, x := range rng.Perm(t.in.n) {
			q := int32(rng.IntN(t.in.n))
			if t.parent[x] == none {
				continue
			}
			if d, ok := t.reparentGain(int32(x), q); ok && d < 0 {
				t.reparent(int32(x), q)
				moves++
			}
		}
	}
	return moves
}
