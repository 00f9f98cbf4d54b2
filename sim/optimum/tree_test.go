package optimum

import (
	"math/rand/v2"
	"testing"
)

// What a change is said to gain it gains, whatever the tree, and the tree stays whole.
func TestGains(t *testing.T) {
	both(t, func(t *testing.T, cfg Config) {
		rng := rand.New(rand.NewPCG(1, 1))
		in := drawn(t, "lognormal:60", cfg)
		r, err := Random(in, rng)
		tree := mustTree(t, r, err)
		reparents, exchanges, swaps := 0, 0, 0
		for range 20_000 {
			x, y := int32(rng.IntN(in.n)), int32(rng.IntN(in.n))
			if tree.parent[x] == none {
				continue
			}
			before, want, ok := tree.cost, int64(0), false
			switch rng.IntN(3) {
			case 0:
				if want, ok = tree.reparentGain(x, y); ok {
					tree.reparent(x, y)
					reparents++
				}
			case 1:
				if want, ok = tree.exchangeGain(x, y); ok {
					tree.exchange(x, y)
					exchanges++
				}
			default:
				p, z := tree.parent[x], none
				if c := tree.children[x]; len(c) > 0 && !tree.spare(x) {
					z = c[rng.IntN(len(c))]
				}
				if tree.swapWithParent(x, z) {
					swaps++
					want = tree.cost - before
					if rng.IntN(2) == 0 {
						tree.unswap(p, x, z)
						if want = tree.cost - before; want != 0 {
							t.Fatalf("a swap taken back costs %d", want)
						}
					}
				}
			}
			if tree.cost-before != want {
				t.Fatalf("the cost changes by %d, not %d", tree.cost-before, want)
			}
			if err := tree.Check(); err != nil {
				t.Fatal(err)
			}
		}
		if reparents < 100 || exchanges < 100 || swaps < 100 {
			t.Errorf("%d reparents, %d exchanges, %d swaps", reparents, exchanges, swaps)
		}
	})
}

// A tree that is broken is found to be.
func TestCheck(t *testing.T) {
	in := drawn(t, "lognormal:20", Config{Seed: 1})
	for name, breaks := range map[string]func(*Tree){
		"a time":   func(t *Tree) { t.at[t.children[t.in.root][0]]++ },
		"a weight": func(t *Tree) { t.weight[t.in.root]-- },
		"a parent": func(t *Tree) { t.parent[t.children[t.in.root][0]] = none },
		"the cost": func(t *Tree) { t.cost++ },
		"a child":  func(t *Tree) { t.children[t.in.root] = t.children[t.in.root][1:] },
		"a degree": func(t *Tree) { t.in.degree[t.in.root] = 0 },
	} {
		g, err := Greedy(in)
		tree := mustTree(t, g, err)
		was := in.degree[in.root]
		breaks(tree)
		if tree.Check() == nil {
			t.Errorf("%s is wrong, and not found", name)
		}
		in.degree[in.root] = was
	}
}
