package scenario

import (
	"context"
	"os"
	"testing"
	"time"
)

// atSize is one measurement of the mesh, and what it has to come to.
type atSize struct {
	name string
	s    Scenario
	ok   func(r *Result) bool
}

func recoveredWithin(s float64) func(r *Result) bool {
	return func(r *Result) bool { return r.Recovery != nil && *r.Recovery <= s }
}

// The mesh at the size of one patch, a quarter or less of what docs/donet.md tells of,
// where QUILT_LONG is set; else, and with the race detector, a fifth of a patch.
func TestDONetAtSize(t *testing.T) {
	large := func(r *Result) (ratio float64) {
		if r.Large.Ratio == nil {
			return 1e9
		}
		return *r.Large.Ratio
	}
	cases := []atSize{
		{"half of 200 are killed", Scenario{Topology: "provider:200", Rate: 100, Items: 800, Kill: 0.5, Warmup: 40 * time.Second},
			recoveredWithin(1.5)},
		{"a live stream, a fifth replaced a minute", Scenario{Topology: "provider:60", Rate: 200, Size: 1250, Items: 2000,
			Churn: 5 * time.Minute, Loss: 0.02, Deadline: 2 * time.Second, Warmup: 30 * time.Second},
			func(r *Result) bool { return r.Continuity != nil && *r.Continuity >= 0.999 }},
		{"20 MB over drawn bandwidths", Scenario{Topology: "providermix:60", Size: 20e6, Items: 1, Drain: 10 * time.Minute, Warmup: 30 * time.Second},
			func(r *Result) bool { return large(r) <= 1.5 }},
		{"5 MB, and a fifth serve garbage", Scenario{Topology: "provider:60", Size: 5e6, Items: 1, Drain: 10 * time.Minute, Warmup: 30 * time.Second,
			Adversaries: 0.2, Attack: "forge"}, func(r *Result) bool { return large(r) <= 5 }},
	}
	if os.Getenv("QUILT_LONG") == "" || raceEnabled {
		cases = []atSize{{"half of 40 are killed", Scenario{Topology: "provider:40", Rate: 50, Items: 300, Kill: 0.5, Warmup: 20 * time.Second}, recoveredWithin(2)}}
	}
	for _, tc := range cases {
		tc.s.Protocol, tc.s.Seed = "donet", 1
		r, _, err := Run(context.Background(), tc.s, Options{})
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		t.Logf("%s: %d lost", tc.name, r.Lost)
		if r.Recovery != nil {
			t.Logf("recovery %.2f s", *r.Recovery)
		}
		if r.Continuity != nil {
			t.Logf("continuity %.6f", *r.Continuity)
		}
		if r.Large != nil {
			t.Logf("%.2f times one copy", large(r))
		}
		if r.Lost > 0 || !tc.ok(r) {
			t.Errorf("%s: %d lost, or not in time; %s", tc.name, r.Lost, tc.s.Command())
		}
	}
}
