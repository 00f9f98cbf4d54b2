package scenario

import (
	"strings"
	"testing"
)

// An instance is what the run is on.
func TestInstance(t *testing.T) {
	s := small()
	s.Draw, s.Seed = 3, 4
	topo, publishers, err := Instance(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	res := mustRun(t, s, Options{})
	if len(publishers) != 3 || topo.Name != res.Topology || len(topo.Hosts) != res.Hosts {
		t.Fatalf("%s with %v, but run is %+v", topo.Name, publishers, res)
	}
	for i, p := range publishers {
		if topo.Hosts[p].Name != res.Publishers[i] {
			t.Errorf("publisher %s, but run is %v", topo.Hosts[p].Name, res.Publishers)
		}
	}
	s.Kill = 2
	if _, _, err := Instance(s, Options{}); err == nil || !strings.HasPrefix(err.Error(), "--kill 2") {
		t.Errorf("%v", err)
	}
}
