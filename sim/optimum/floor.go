package optimum

import "container/heap"

// Floor is a latency that no tree can beat, as a mean in ms: every host is reached by
// the quickest path, as if each host on it sent one copy alone and nobody had a bound
// of degree. Trees do not come close where uplinks are slow; it says how much a
// search may at most have missed.
func (in *Instance) Floor() float64 {
	var sum int64
	for _, at := range in.quickest() {
		sum += at
	}
	return float64(sum) / float64(in.n-1) / 1e6
}

// quickest is when each host can have the item at the earliest, in ns; 0 for those
// that no path leads to.
func (in *Instance) quickest() []int64 {
	at, done, queue := make([]int64, in.n), make([]bool, in.n), offers{{to: in.root}}
	for len(queue) > 0 {
		x := heap.Pop(&queue).(offer).to
		if done[x] {
			continue
		}
		done[x] = true
		for y := range int32(in.n) {
			hop := in.hop(x, y, 1)
			if done[y] || hop == unlinked || at[y] > 0 && at[x]+hop >= at[y] {
				continue
			}
			at[y] = at[x] + hop
			heap.Push(&queue, offer{from: y, to: y, key: float64(at[y])})
		}
	}
	return at
}
