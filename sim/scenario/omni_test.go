package scenario

import (
	"context"
	"testing"
	"time"
)

// The tree over all hosts delivers everything at little cost, with every invariant
// checked after every event, and again after half of the hosts have died.
func TestOmni(t *testing.T) {
	for _, tc := range []struct {
		name    string
		s       Scenario
		stretch float64
	}{
		{"at rest", Scenario{Topology: "lognormal:60", Items: 50}, 1.5},
		{"half killed", Scenario{Topology: "lognormal:60", Items: 60, Kill: 0.5}, 3},
		{"several publishers", Scenario{Topology: "lognormal:60", Items: 60, Draw: 4}, 4},
		{"encoded", Scenario{Topology: "lognormal:30", Items: 20, Warmup: 30 * time.Second, Codec: true}, 2},
	} {
		tc.s.Protocol = Omni
		res, _, err := Run(context.Background(), tc.s, Options{Check: true})
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if res.Lost > 0 || *res.Stretch > tc.stretch || res.Copies > 1.2 {
			t.Errorf("%s: lost %d, stretch %v, want at most %v, copies %v", tc.name, res.Lost, *res.Stretch, tc.stretch, res.Copies)
		}
	}
}
