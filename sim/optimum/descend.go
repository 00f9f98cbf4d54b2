package optimum

import "math/rand/v2"

// Reparents gives every host, again and again, the parent under which the sum of all
// latencies is least, until none gains: what peers would come to that moved alone, and
// knew everything. It returns how many moves that took.
func (t *Tree) Reparents(rng *rand.Rand) (moves int) {
	return t.descend(rng, func(x int32) bool {
		best, least := none, int64(0)
		for q := range int32(t.in.n) {
			if d, ok := t.reparentGain(x, q); ok && d < least {
				best, least = q, d
			}
		}
		if best != none {
			t.reparent(x, best)
		}
		return best != none
	})
}

// Exchanges has every two hosts take each other's place where that gains, until it does
// nowhere. It returns how often.
func (t *Tree) Exchanges(rng *rand.Rand) (moves int) {
	return t.descend(rng, func(x int32) bool {
		best, least := none, int64(0)
		for y := range int32(t.in.n) {
			if d, ok := t.exchangeGain(x, y); ok && d < least {
				best, least = y, d
			}
		}
		if best != none {
			t.exchange(x, best)
		}
		return best != none
	})
}

// ParentSwaps has every host take its parent's place where that gains, until it does
// nowhere. It returns how often.
func (t *Tree) ParentSwaps(rng *rand.Rand) (moves int) {
	return t.descend(rng, t.trySwapWithParent)
}

// descend applies one kind of move to every host but the root until none gains, in rounds
// after each of which children are in order.
func (t *Tree) descend(rng *rand.Rand, try func(x int32) bool) (moves int) {
	for range maxRounds {
		before := moves
		for _, x := range rng.Perm(t.in.n) {
			if t.parent[x] != none && try(int32(x)) {
				moves++
			}
		}
		t.heaviestFirst()
		if moves == before {
			break
		}
	}
	return moves
}
