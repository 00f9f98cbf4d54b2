package scenario

import "testing"

func TestParts(t *testing.T) {
	p := newParts(6)
	for _, pair := range [][2]int32{{0, 3}, {3, 5}, {5, 0}, {1, 2}} {
		p.join(pair[0], pair[1])
	}
	roots := 0
	for i := range p {
		if p.root(int32(i)) == int32(i) {
			roots++
		}
	}
	if roots != 3 || p.root(0) != p.root(5) || p.root(0) == p.root(1) || p.root(4) != 4 {
		t.Errorf("%d parts: %v", roots, p)
	}
}

// Whom the publisher loses by a kill of all others it has no more as neighbours.
func TestMembership(t *testing.T) {
	res := mustRun(t, Scenario{Topology: "lognormal:30", Kill: 1, Items: 2, Rate: 0.05}, Options{})
	if m := res.Membership; m.Isolated != 1 || m.Components != 1 || m.IndegreeMax != 0 {
		t.Errorf("alone: %+v", m)
	}
	if res.DeliveryRatio != 1 || res.Latency != nil || res.Stretch != nil || res.LatencyAfterKill != nil {
		t.Errorf("alone: %+v", res)
	}
	res = mustRun(t, Scenario{Topology: "lognormal:30"}, Options{})
	if m := res.Membership; m.Isolated != 0 || m.Components != 1 || m.IndegreeMax < 5 || m.IndegreeMax > 10 {
		t.Errorf("all: %+v", m)
	}
}
