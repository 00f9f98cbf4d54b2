package optimum

import (
	"cmp"
	"fmt"
	"slices"
)

// Given is the tree that somebody else has made: each host's parent by index, -1 for the
// root. Children are put in the order of their weights. It fails where that is no tree
// over all hosts, or a link in it cannot be; a degree above its bound is let pass, for
// searches to start from.
func Given(in *Instance, parents []int) (*Tree, error) {
	if len(parents) != in.n {
		return nil, fmt.Errorf("parents of %d hosts for an instance of %d", len(parents), in.n)
	}
	below := make([][]int32, in.n)
	for x, p := range parents {
		switch {
		case int32(x) == in.root:
		case p < 0 || p >= in.n:
			return nil, fmt.Errorf("host %d has no parent", x)
		case !in.linked(int32(p), int32(x)):
			return nil, fmt.Errorf("hosts %d and %d cannot be linked", p, x)
		default:
			below[p] = append(below[p], int32(x))
		}
	}
	order := []int32{in.root} // parents before children
	for i := 0; i < len(order); i++ {
		order = append(order, below[order[i]]...)
	}
	if len(order) != in.n {
		return nil, fmt.Errorf("%d of %d hosts are below the root", len(order), in.n)
	}
	weight := make([]int64, in.n)
	for _, x := range slices.Backward(order) {
		weight[x]++
		if x != in.root {
			weight[parents[x]] += weight[x]
		}
	}
	t := newTree(in)
	for _, x := range order {
		slices.SortStableFunc(below[x], func(a, b int32) int { return cmp.Compare(weight[b], weight[a]) })
		for _, c := range below[x] {
			t.attach(c, x, true)
		}
	}
	return t, nil
}
