package gossipmembership

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// component is the number of living hosts that the first one reaches over links
// that both sides count as neighbours.
func (w *testNet) component() int {
	hosts := w.alive()
	seen := map[PeerID]bool{hosts[0].id: true}
	todo := []*testHost{hosts[0]}
	for len(todo) > 0 {
		h := todo[0]
		todo = todo[1:]
		for _, n := range h.view.active {
			if p := w.by[n.peer]; !p.dead && p.up[h.id] && !seen[n.peer] {
				seen[n.peer] = true
				todo = append(todo, p)
			}
		}
	}
	return len(seen)
}

func (w *testNet) wantConnected() {
	w.t.Helper()
	if got, want := w.component(), len(w.alive()); got != want {
		w.t.Fatalf("at %v: %d of %d peers connected", w.now, got, want)
	}
}

// asymmetric counts neighbours that do not count the other as theirs.
func (w *testNet) asymmetric() int {
	n := 0
	for _, h := range w.alive() {
		for _, nb := range h.view.active {
			if p := w.by[nb.peer]; !p.dead && !p.up[h.id] {
				n++
			}
		}
	}
	return n
}

// degrees returns the least, mean and greatest number of neighbours.
func (w *testNet) degrees() (least int, mean float64, most int) {
	least = 1 << 30
	hosts := w.alive()
	for _, h := range hosts {
		d := len(h.view.active)
		least, most, mean = min(least, d), max(most, d), mean+float64(d)/float64(len(hosts))
	}
	return least, mean, most
}

// between counts the links between the hosts for which side holds and the others.
func (w *testNet) between(side func(int) bool) int {
	n := 0
	for _, h := range w.alive() {
		for _, nb := range h.view.active {
			if side(h.n) && !side(w.by[nb.peer].n) {
				n++
			}
		}
	}
	return n
}

// oneSided returns the pairs of which only the first counts the other as its
// neighbour, with the time since when, as far as before says.
func (w *testNet) oneSided(before map[string]protocol.Time) map[string]protocol.Time {
	pairs := map[string]protocol.Time{}
	for _, h := range w.alive() {
		for _, nb := range h.view.active {
			if p := w.by[nb.peer]; !p.dead && !p.up[h.id] {
				pair := fmt.Sprint(h.n, " to ", p.n)
				pairs[pair] = w.now
				if at, ok := before[pair]; ok {
					pairs[pair] = at
				}
			}
		}
	}
	return pairs
}

// wantSettled checks that all living peers are connected, by links that both
// sides count, and that everyone has enough of them.
func (w *testNet) wantSettled(minDegree int) {
	w.t.Helper()
	w.wantConnected()
	if least, _, _ := w.degrees(); least < minDegree {
		w.t.Fatalf("at %v: a peer has %d neighbours, want %d", w.now, least, minDegree)
	}
}

// settle runs until want holds, at most limit, and returns how long it took.
func (w *testNet) settle(limit time.Duration, want func() bool) time.Duration {
	w.t.Helper()
	from := w.now
	for !want() {
		if w.now.Sub(from) > limit {
			w.t.Fatalf("not settled after %v: %d of %d connected, %d asymmetric",
				limit, w.component(), len(w.alive()), w.asymmetric())
		}
		w.run(time.Second)
	}
	return w.now.Sub(from)
}

func (w *testNet) connected() bool { return w.component() == len(w.alive()) }
