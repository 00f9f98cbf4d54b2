package optimum

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/sim/topology"
)

// exhaustive is the least cost of all trees of a small instance. Who sends in turn
// sends first to who has most below: an exchange of neighbours shows that nothing is
// better.
func exhaustive(in *Instance) int64 {
	best, parent := unlinked, make([]int32, in.n)
	var visit func(x int32)
	visit = func(x int32) {
		if x == int32(in.n) {
			if cost := costOf(in, parent); cost < best {
				best = cost
			}
			return
		}
		for p := range int32(in.n) {
			if parent[x] = p; p != x && x != in.root && in.linked(p, x) || x == in.root && p == 0 {
				visit(x + 1)
			}
		}
	}
	visit(0)
	return best
}

// costOf is the cost of a tree by its parents; unlinked for no tree within degrees.
func costOf(in *Instance, parent []int32) int64 {
	t := newTree(in)
	for x := range int32(in.n) {
		if x != in.root {
			t.children[parent[x]] = append(t.children[parent[x]], x)
		}
	}
	seen := 0
	var weigh func(x int32) int64
	weigh = func(x int32) int64 {
		seen++
		for _, c := range t.children[x] {
			t.weight[x] += weigh(c)
		}
		return t.weight[x]
	}
	weigh(in.root)
	if seen < in.n {
		return unlinked
	}
	var sum int64
	var walk func(x int32, at int64) bool
	walk = func(x int32, at int64) bool {
		sum += at
		slices.SortFunc(t.children[x], func(a, b int32) int { return cmp.Compare(t.weight[b], t.weight[a]) })
		for i, c := range t.children[x] {
			if !walk(c, at+in.hop(x, c, i+1)) {
				return false
			}
		}
		return int32(len(t.children[x])) <= in.degree[x]
	}
	if !walk(in.root, 0) {
		return unlinked
	}
	return sum
}

// On small networks annealing finds the very best tree.
func TestAnnealFindsTheBest(t *testing.T) {
	both(t, func(t *testing.T, cfg Config) {
		cfg.Degree = func(h *topology.Host) int { return 2 }
		for seed := range uint64(8) {
			cfg.Seed = seed
			in := drawn(t, "lognormal:7", cfg)
			rng := rand.New(rand.NewPCG(seed, 2))
			g, err := Greedy(in)
			if errors.Is(err, ErrInfeasible) {
				continue // many are NATed
			}
			tree := mustTree(t, g, err)
			a := mustTree(t, tree.Anneal(rng, 50_000), nil)
			if want := exhaustive(in); a.cost != want || tree.cost < want || in.Floor()*6e6 > float64(want) {
				t.Errorf("seed %d: annealed %d, start %d, floor %.0f, the best is %d", seed, a.cost, tree.cost, in.Floor()*6e6, want)
			}
		}
	})
}

// Each search does better than the one before it, and the same again.
func TestOrder(t *testing.T) {
	both(t, func(t *testing.T, cfg Config) {
		in := drawn(t, "lognormal:200", cfg)
		search := func() (f []Figures) {
			rng := rand.New(rand.NewPCG(1, 2))
			r, err := Random(in, rng)
			tree := mustTree(t, r, err)
			f = append(f, tree.Figures())
			if tree.FiveMoves(rng) == 0 {
				t.Error("a random tree has nothing to gain")
			}
			f = append(f, mustTree(t, tree, nil).Figures())
			tree.SampledReparents(rng, 200)
			tree.FiveMoves(rng)
			f = append(f, mustTree(t, tree, nil).Figures())
			f = append(f, mustTree(t, tree.Anneal(rng, 400_000), nil).Figures())
			if again := tree.FiveMoves(rng); again != 0 {
				t.Errorf("after the five moves %d more gain", again)
			}
			return f
		}
		f := search()
		for i := range f[1:] {
			if f[i+1].Stretch >= f[i].Stretch {
				t.Errorf("search %d: stretch %.3f after %.3f", i+1, f[i+1].Stretch, f[i].Stretch)
			}
		}
		if last := f[len(f)-1]; last.Latency < in.Floor() || last.Depth < 2 || last.DepthMean > float64(last.Depth) || last.LatencyMax < last.Latency {
			t.Errorf("%+v, floor %v", last, in.Floor())
		}
		if again := search(); !reflect.DeepEqual(again, f) {
			t.Errorf("%+v\nand again %+v", f, again)
		}
	})
}

// OMNI's start: the nearest of the root first, each where it is reached first.
func TestGreedy(t *testing.T) {
	// 0 has one child; 1 is nearest, 2 better off behind 1 than 3 would be.
	in := byHand(false, 1, []int64{0, 0, 0, 0}, [][]int64{{0, 10, 20, 30}, {10, 0, 5, 50}, {20, 5, 0, 7}, {30, 50, 7, 0}})
	g, err := Greedy(in)
	tree := mustTree(t, g, err)
	if want := []int32{none, 0, 1, 2}; !slices.Equal(tree.parent, want) || tree.cost != 10+15+22 {
		t.Errorf("parents %v, cost %d", tree.parent, tree.cost)
	}
}

// A place is made free for a host that only few can be linked with.
func TestMakeRoom(t *testing.T) {
	// 3 can be linked with 0 only, whose single place 1 takes first.
	in := byHand(false, 1, make([]int64, 4), [][]int64{{0, 10, 20, 30}, {10, 0, 5, 0}, {20, 5, 0, 0}, {30, 0, 0, 0}})
	in.degree[3] = 0
	if _, err := Greedy(in); !errors.Is(err, ErrInfeasible) {
		t.Errorf("3 as the only child has no child, but: %v", err)
	}
	in.degree[0] = 2
	g, err := Greedy(in)
	if tree := mustTree(t, g, err); tree.parent[3] != 0 || tree.parent[2] != 1 {
		t.Errorf("parents %v", tree.parent)
	}
}

// By hand: the root sends to the fast one first, which then serves others.
func TestFastestNext(t *testing.T) {
	slow, fast := int64(100), int64(1)
	in := byHand(true, 9, []int64{10, slow, fast, slow},
		[][]int64{{0, 5, 7, 5}, {5, 0, 5, 5}, {7, 5, 0, 5}, {5, 5, 5, 0}})
	f, err := FastestNext(in)
	tree := mustTree(t, f, err)
	// 2 at 10+7, then 1 and 3 by it, one after the other.
	if want := []int32{none, 2, 0, 2}; !slices.Equal(tree.parent, want) || tree.cost != 17+23+24 {
		t.Errorf("parents %v, cost %d", tree.parent, tree.cost)
	}
	for seed := range uint64(4) {
		in := drawn(t, "lognormal:7", Config{InTurn: true, Size: 100_000, Seed: seed, Punched: true})
		f, err := FastestNext(in)
		if errors.Is(err, ErrInfeasible) {
			continue
		}
		if tree := mustTree(t, f, err); float64(tree.cost) > 1.25*float64(exhaustive(in)) {
			t.Errorf("seed %d: cost %d, the best is %d", seed, tree.cost, exhaustive(in))
		}
	}
}

func TestInfeasible(t *testing.T) {
	in := byHand(true, 3, make([]int64, 3), [][]int64{{0, 10, 0}, {10, 0, 0}, {0, 0, 0}})
	for name, search := range map[string]func() (*Tree, error){
		"greedy": func() (*Tree, error) { return Greedy(in) }, "fastest": func() (*Tree, error) { return FastestNext(in) },
		"random": func() (*Tree, error) { return Random(in, rand.New(rand.NewPCG(1, 1))) },
	} {
		if tree, err := search(); !errors.Is(err, ErrInfeasible) || tree != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	top, err := topology.Named("king:5", rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	big, err := topology.Named("king:4097", rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		top  *topology.Topology
		root int
		want string
	}{{top, -1, "root -1: topology king:5 has hosts 0 to 4"}, {top, 5, "root 5"}, {big, 0, "has 4097 hosts: a search over all is possible up to 4096"}} {
		if _, err := New(c.top, Config{Root: c.root}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// On Grid'5000 with IP multicast: a copy to each other site and one to each group.
func TestMulticast(t *testing.T) {
	top, err := topology.Named("grid5000", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, sends, err := Multicast(top, Config{Root: 700, Processing: 200_000})
	if err != nil || sends != 17 || f.Depth != 2 || f.Stretch < 1.06 || f.Stretch > 1.12 {
		t.Errorf("%+v, %d sends, %v", f, sends, err)
	}
	for i := range top.Hosts {
		top.Hosts[i].Multicast = ""
	}
	f, sends, err = Multicast(top, Config{Root: 700, Processing: 200_000})
	if err != nil || sends != 1527 || f.Depth != 1 || f.Stretch != 1 {
		t.Errorf("without multicast all are sent to directly: %+v, %d sends, %v", f, sends, err)
	}
}
