package optimum

import (
	"cmp"
	"container/heap"
	"slices"
)

// eagerness is how much of a host's own serialisation counts against it when the next
// to be served is chosen: at 0 whoever can have the item first is next, further up
// fast uplinks are served before slow ones, as they help to serve the rest (our guess;
// the best of them is taken).
var eagerness = []float64{0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 4}

// FastestNext builds a tree with the true bandwidths: again and again the delivery
// that can be made first is made, each host sending one copy after another to
// whoever is left. Where slow uplinks are many that wastes the fast ones on others'
// behalf, so it is tried with several weights for the receiver's own uplink, and the
// tree of least mean latency is returned.
func FastestNext(in *Instance) (*Tree, error) {
	var best *Tree
	for _, e := range eagerness {
		if t := fastestNext(in, e); t != nil && (best == nil || t.cost < best.cost) {
			best = t
		}
	}
	if best == nil {
		return nil, ErrInfeasible
	}
	return best, nil
}

// offer is the next delivery that one host in the tree can make.
type offer struct {
	from, to int32
	key      float64
}

// offers are the hosts in the tree that have somebody to send to, the best first.
type offers []offer

func (o offers) Len() int { return len(o) }
func (o offers) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(o[i].key, o[j].key), cmp.Compare(o[i].from, o[j].from)) < 0
}
func (o offers) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *offers) Push(x any)   { *o = append(*o, x.(offer)) }
func (o *offers) Pop() any {
	last := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return last
}

// fastestNext is FastestNext with one weight; nil where hosts are left over.
func fastestNext(in *Instance, eager float64) *Tree {
	t, queue := newTree(in), offers{}
	near := make([][]int32, in.n) // whom a host in the tree may still have to serve, best first
	left := in.n - 1
	key := func(from, to int32) float64 {
		return float64(in.delay[int(from)*in.n+int(to)]) + eager*float64(in.serial[to])
	}
	next := func(from int32) {
		if !t.spare(from) {
			return
		}
		for len(near[from]) > 0 && t.inside(near[from][0]) {
			near[from] = near[from][1:]
		}
		if len(near[from]) > 0 {
			to := near[from][0]
			at := t.at[from] + int64(len(t.children[from])+1)*in.serial[from]
			heap.Push(&queue, offer{from, to, float64(at) + key(from, to)})
		}
	}
	enter := func(x int32) {
		keys := make([]float64, in.n)
		for y := range int32(in.n) {
			if !t.inside(y) && in.linked(x, y) {
				near[x] = append(near[x], y)
				keys[y] = key(x, y)
			}
		}
		slices.SortFunc(near[x], func(a, b int32) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
		next(x)
	}
	enter(in.root)
	for len(queue) > 0 {
		o := heap.Pop(&queue).(offer)
		if t.inside(o.to) {
			next(o.from)
			continue
		}
		t.attach(o.to, o.from, true)
		left--
		next(o.from)
		enter(o.to)
	}
	if left > 0 {
		return nil
	}
	return t
}
