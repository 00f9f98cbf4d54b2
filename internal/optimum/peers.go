package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quilt-p2p/quilt/sim/optimum"
	"github.com/quilt-p2p/quilt/sim/scenario"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// peersTree is what peers have made of an instance, by the names of hosts.
type peersTree struct {
	parent map[string]string
	degree map[string]int
}

// experiment runs a protocol on a scenario and returns its peers' tree at the end.
func experiment(s scenario.Scenario, protocol string, o scenario.Options) (*peersTree, *scenario.Result, error) {
	s.Protocol = protocol
	res, details, err := scenario.Run(context.Background(), s, o)
	if err != nil {
		return nil, nil, err
	}
	if res.Tree == nil {
		return nil, nil, fmt.Errorf("-peers %s: it makes no tree", protocol)
	}
	made := &peersTree{parent: make(map[string]string), degree: make(map[string]int)}
	for _, h := range details.Hosts {
		made.parent[h.Name], made.degree[h.Name] = h.Parent, h.Degree
	}
	return made, res, nil
}

// judge says how good the peers' tree is, and what it lacks: how much better moves of
// one kind alone would make it. Who has no parent at that moment is put below the root.
func (l *line) judge(in *optimum.Instance, t *topology.Topology, made *peersTree) (*optimum.Tree, error) {
	index := make(map[string]int, len(t.Hosts))
	for i := range t.Hosts {
		index[t.Hosts[i].Name] = i
	}
	parents := make([]int, len(t.Hosts))
	for i := range t.Hosts {
		name := made.parent[t.Hosts[i].Name]
		if name == "" {
			name = l.Publisher
		}
		parents[i] = index[name]
	}
	tree, err := optimum.Given(in, parents)
	if err != nil {
		return nil, fmt.Errorf("the peers' tree: %w", err)
	}
	after := func(improve func(*optimum.Tree, *rand.Rand) int) *optimum.Figures {
		c := tree.Clone()
		improve(c, rand.New(rand.NewPCG(l.Seed, 1)))
		f := c.Figures()
		return &f
	}
	f := tree.Figures()
	l.Peers = &f
	l.Reparents = after((*optimum.Tree).Reparents)
	l.Exchanges = after((*optimum.Tree).Exchanges)
	l.ParentSwaps = after((*optimum.Tree).ParentSwaps)
	return tree, nil
}
