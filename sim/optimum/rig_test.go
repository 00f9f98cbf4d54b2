package optimum

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/sim/topology"
)

// drawn is an instance on a drawn network.
func drawn(t *testing.T, spec string, cfg Config) *Instance {
	t.Helper()
	top, err := topology.Named(spec, rand.New(rand.NewPCG(cfg.Seed, 1)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := New(top, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// both are the two ways to count copies.
func both(t *testing.T, f func(t *testing.T, cfg Config)) {
	for _, inTurn := range []bool{false, true} {
		t.Run(fmt.Sprint("in turn ", inTurn), func(t *testing.T) {
			f(t, Config{InTurn: inTurn, Punched: true, Seed: 1, Processing: 200 * time.Microsecond})
		})
	}
}

func mustTree(t *testing.T, tree *Tree, err error) *Tree {
	t.Helper()
	if err == nil {
		err = tree.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// byHand is an instance of what a test says: serialisations and delays in ns, 0 for
// hosts that cannot be linked.
func byHand(inTurn bool, degree int32, serial []int64, delay [][]int64) *Instance {
	in := &Instance{n: len(serial), inTurn: inTurn, serial: serial}
	for a := range delay {
		in.degree = append(in.degree, degree)
		for _, d := range delay[a] {
			if d == 0 {
				d = unlinked
			}
			in.delay = append(in.delay, d)
		}
		in.unicast = append(in.unicast, delay[0][a])
	}
	return in
}
