package optimum

import (
	"math/rand/v2"
	"testing"
)

// Moves of one kind leave a tree, better than before, in which none of that kind gains.
func TestOneKind(t *testing.T) {
	both(t, func(t *testing.T, cfg Config) {
		in := drawn(t, "lognormal:60", cfg)
		rng := rand.New(rand.NewPCG(1, 2))
		start, err := Random(in, rng)
		mustTree(t, start, err)
		for name, kind := range map[string]func(*Tree, *rand.Rand) int{
			"reparents": (*Tree).Reparents, "exchanges": (*Tree).Exchanges, "parent swaps": (*Tree).ParentSwaps,
		} {
			tree := start.Clone()
			if moves := kind(tree, rng); moves == 0 || tree.cost >= start.cost {
				t.Errorf("%s: %d of a random tree, from %d to %d", name, moves, start.cost, tree.cost)
			}
			if err := tree.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			before := tree.cost
			if moves := kind(tree, rng); moves > 0 || tree.cost != before {
				t.Errorf("%s: %d more when none was left, from %d to %d", name, moves, before, tree.cost)
			}
		}
	})
}
