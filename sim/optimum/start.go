package optimum

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
)

// ErrInfeasible says that hosts are left that nobody with spare degree can be linked
// with.
var ErrInfeasible = errors.New("no tree was found: some hosts have nobody to be linked with who has degree to spare")

// Greedy is the start of OMNI's paper (INFOCOM 2003): hosts by their unicast latency
// from the root, each attached to the host in the tree with spare degree that gives
// it the least latency.
func Greedy(in *Instance) (*Tree, error) {
	order := make([]int32, 0, in.n)
	for x := range int32(in.n) {
		if x != in.root {
			order = append(order, x)
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(in.unicast[a], in.unicast[b]), cmp.Compare(a, b))
	})
	return grow(in, order, func(t *Tree, x int32) int32 {
		best, at := none, unlinked
		for p := range int32(in.n) {
			if !t.inside(p) || !t.spare(p) {
				continue
			}
			if hop := in.hop(p, x, len(t.children[p])+1); hop != unlinked && t.at[p]+hop < at {
				best, at = p, t.at[p]+hop
			}
		}
		return best
	})
}

// Random attaches hosts in random order to any host that can take them.
func Random(in *Instance, rng *rand.Rand) (*Tree, error) {
	var order []int32
	for _, x := range rng.Perm(in.n) {
		if int32(x) != in.root {
			order = append(order, int32(x))
		}
	}
	var fit []int32
	return grow(in, order, func(t *Tree, x int32) int32 {
		fit = fit[:0]
		for p := range int32(in.n) {
			if t.inside(p) && t.spare(p) && in.linked(p, x) {
				fit = append(fit, p)
			}
		}
		if len(fit) == 0 {
			return none
		}
		return fit[rng.IntN(len(fit))]
	})
}

// grow builds a tree. Those that find no place wait until others are in it; as a last
// resort a place is made free.
func grow(in *Instance, order []int32, choose func(*Tree, int32) int32) (*Tree, error) {
	t := newTree(in)
	for len(order) > 0 {
		left := order[:0:0]
		for _, x := range order {
			if p := choose(t, x); p != none {
				t.attach(x, p, true)
			} else {
				left = append(left, x)
			}
		}
		if len(left) == len(order) && !t.makeRoom(left[0]) {
			return nil, ErrInfeasible
		}
		order = left
	}
	return t, nil
}

// makeRoom moves one child of a host that x can be linked with to another that has
// degree to spare.
func (t *Tree) makeRoom(x int32) bool {
	for p := range int32(t.in.n) {
		if !t.inside(p) || !t.in.linked(p, x) {
			continue
		}
		for _, y := range t.children[p] {
			for q := range int32(t.in.n) {
				if q == p || !t.inside(q) || !t.spare(q) || !t.in.linked(q, y) {
					continue
				}
				if loop, _ := t.above(y, q, none); !loop {
					t.reparent(y, q)
					return true
				}
			}
		}
	}
	return false
}
