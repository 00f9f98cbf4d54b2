package scenario

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// donetSeeds is how many of each are run.
const donetSeeds = 1

// The mesh over all hosts delivers everything at little cost, with every invariant checked
// after every event: no cycle, nobody without parent for long, whatever dies, gets lost or
// lies.
func TestDONet(t *testing.T) {
	for _, tc := range []struct {
		name            string
		s               Scenario
		stretch, copies float64
	}{
		{"at rest", Scenario{Topology: "provider:40", Items: 60}, 1.9, 1.03},
		{"half killed", Scenario{Topology: "provider:60", Items: 100, Rate: 50, Kill: 0.5}, 4, 1.3},
		{"lossy", Scenario{Topology: "provider:40", Items: 100, Rate: 50, Loss: 0.02, Churn: time.Minute}, 4, 1.2},
		{"behind NATs", Scenario{Topology: "lognormal:50", Items: 60}, 3, 1.2},
		{"they name what they lack", Scenario{Topology: "provider:40", Items: 100, Rate: 50, Adversaries: 0.2, Attack: "advertise"}, 4, 1.5},
		{"they withhold", Scenario{Topology: "provider:40", Items: 100, Rate: 50, Adversaries: 0.2, Attack: "withhold"}, 4, 1.3},
		{"they forge", Scenario{Topology: "provider:40", Items: 100, Rate: 50, Adversaries: 0.2, Attack: "forge"}, 4, 1.3},
		{"they give nothing", Scenario{Topology: "provider:40", Items: 100, Rate: 50, Adversaries: 0.2, Attack: "freeride"}, 4, 1.3},
		{"encoded", Scenario{Topology: "provider:20", Items: 20, Codec: true}, 2.5, 1.1},
	} {
		for seed := range uint64(donetSeeds) {
			tc.s.Seed, tc.s.Protocol, tc.s.Warmup = seed+1, "donet", 20*time.Second
			res, _, err := Run(context.Background(), tc.s, Options{Check: true})
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
				continue
			}
			got := fmt.Sprintf("%d lost, stretch %.3f, %.3f copies", res.Lost, *res.Stretch, res.Copies)
			if res.Lost > 0 || *res.Stretch > tc.stretch || res.Copies > tc.copies {
				t.Errorf("%s: %s; %s", tc.name, got, tc.s.Command())
			}
			t.Logf("%s: %s", tc.name, got)
		}
	}
}

// The mesh of 2005 delivers everything too, after rounds of maps and requests.
func TestDONet2005(t *testing.T) {
	res, _, err := Run(context.Background(), Scenario{Topology: "provider:30", Protocol: "donet-2005", Rate: 1, Size: 62500, Items: 20, Warmup: 20 * time.Second}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Lost > 0 || res.Copies > 1.2 || res.Latency.Mean < 400 {
		t.Errorf("%d lost, %.2f copies, a mean latency of %.0f ms", res.Lost, res.Copies, res.Latency.Mean)
	}
}
