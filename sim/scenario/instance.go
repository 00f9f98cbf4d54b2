package scenario

import "github.com/quilt-p2p/quilt/sim/topology"

// Instance is what a scenario is run on: its network, and the places of its
// publishers in the order of their turns. A search for what is possible there (package
// optimum) then has the very same. Errors are those of [Run] before it begins.
func Instance(s Scenario, o Options) (t *topology.Topology, publishers []int, err error) {
	s = s.WithDefaults()
	if err := s.Validate(o); err != nil {
		return nil, nil, err
	}
	w, err := newWorld(&s, &o)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range w.publishers {
		publishers = append(publishers, int(p))
	}
	return w.topo, publishers, nil
}
