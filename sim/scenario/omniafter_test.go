package scenario

import (
	"testing"
	"time"
)

// What a tree has to survive beside the death of half its hosts: everything reaches
// everyone, with every invariant checked after every event.
func TestOmniSurvives(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    Scenario
		// late is how much later than in the same scenario without what happens the last
		// item may be, at any survivor; 0 for what is not compared.
		late  time.Duration
		merge float64 // s
	}{
		{"the root killed", Scenario{Draw: 2, KillPublishers: 1, Items: 100}, 5 * time.Second, 0},
		{"split and merged", Scenario{Draw: 4, Partition: 0.5, Split: true, PartitionFor: 10 * time.Second, Items: 200}, 0, 30},
		{"ten publishers", Scenario{Draw: 10, Rate: 200, Items: 1000}, 0, 0},
		{"all withheld", Scenario{Adversaries: 0.2, Attack: "withhold", Items: 100}, 2 * time.Second, 0},
		{"one author withheld", Scenario{Draw: 3, Adversaries: 0.2, Attack: "withhold-author", Items: 100}, 2 * time.Second, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.s
			s.Topology, s.Protocol, s.Warmup = "lognormal:60", Omni, 30*time.Second
			res := mustRun(t, s, Options{Check: true})
			if res.Lost > 0 || tc.merge > 0 && (res.Merge == nil || *res.Merge > tc.merge) {
				t.Errorf("lost %d, merged after %v", res.Lost, res.Merge)
			}
			if tc.late == 0 {
				return
			}
			s.KillPublishers, s.Adversaries, s.Attack = 0, 0, ""
			quiet := mustRun(t, s, Options{})
			if by := res.Latency.Max - quiet.Latency.Max; by > tc.late.Seconds()*1000 {
				t.Errorf("the last item came after %v ms, %v ms later than without", res.Latency.Max, by)
			}
		})
	}
}
