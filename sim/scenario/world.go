package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// world is what is settled before the first event: the network, who publishes, and
// what happens to whom. All of it is by place, the index of a host of the topology.
type world struct {
	topo       *topology.Topology
	plugin     *protocol.Plugin // nil for gossip
	publishers []int32          // in the order of their turns
	role       []role
	cast       cast
	order      []int32 // those that join in the warm-up, in that order
}

// cast is to whom things happen, each list ascending.
type cast struct{ late, killed, adversaries []int32 }

// role is what a place is, as bits.
type role uint8

const (
	publisher role = 1 << iota
	late
	hostile
	cutOff // in the smaller part of a partition
)

// newWorld makes what a scenario, complete and valid, needs.
func newWorld(s *Scenario, o *Options) (*world, error) {
	w := &world{}
	var err error
	if w.topo, err = loadTopology(s, o); err != nil {
		return nil, err
	}
	if w.plugin, err = findPlugin(s.Protocol, o.Plugins); err != nil {
		return nil, err
	}
	n := len(w.topo.Hosts)
	if n*s.Items > maxPairs {
		return nil, fmt.Errorf("--items %d: with %d hosts there are more than %d (item, host) pairs to remember; take fewer items", s.Items, n, maxPairs)
	}
	w.role = make([]role, n)
	if err := w.drawPublishers(s); err != nil {
		return nil, err
	}
	w.mark(w.publishers, publisher)
	w.cast.late = drawPlaces(s.Late, n, stream(s.Seed, "late"), w.spared(publisher))
	w.mark(w.cast.late, late)
	w.cast.adversaries = drawPlaces(s.Adversaries, n, stream(s.Seed, "adversaries"), w.spared(publisher))
	w.mark(w.cast.adversaries, hostile)
	w.cast.killed = drawPlaces(s.Kill, n, stream(s.Seed, "kill"), w.spared(publisher|late))
	w.cast.killed = append(w.cast.killed, w.publishers[:s.KillPublishers]...)
	slices.Sort(w.cast.killed)
	return w, cmp.Or(w.drawCut(s), w.drawOrder(s))
}

// maxPairs bounds what a run remembers of who got what when: 4 GB.
const maxPairs = 1 << 30

func (w *world) is(place int32, r role) bool { return w.role[place]&r != 0 }

func (w *world) mark(places []int32, r role) {
	for _, p := range places {
		w.role[p] |= r
	}
}

func (w *world) spared(r role) func(place int) bool {
	return func(place int) bool { return w.role[place]&r != 0 }
}

// reachable reports whether anyone can dial a place.
func (w *world) reachable(place int32) bool {
	return w.topo.Hosts[place].NAT == topology.NATNone
}

// loadTopology makes a built-in topology, or reads the caller's.
func loadTopology(s *Scenario, o *Options) (*topology.Topology, error) {
	t, err := topology.Named(s.Topology, stream(s.Seed, "topology"))
	if errors.Is(err, topology.ErrUnknownName) && o.Files != nil {
		t, err = topology.Load(o.Files, o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("--topology %s: %w", s.Topology, err)
	}
	return t, nil
}

// findPlugin returns the plugin of a name, nil for gossip.
func findPlugin(name string, plugins []protocol.Plugin) (*protocol.Plugin, error) {
	names := []string{Gossip}
	plugins = append(plugins[:len(plugins):len(plugins)], builtin()...) // one's own of a name comes first
	for i := range plugins {
		if plugins[i].Name == name {
			return &plugins[i], nil
		}
		names = append(names, plugins[i].Name)
	}
	if name == Gossip {
		return nil, nil
	}
	return nil, fmt.Errorf("--protocol %s: there is no such protocol; choose %s", name, strings.Join(names, " or "))
}

// drawPublishers finds the publishers named, or draws some, NATed or not.
func (w *world) drawPublishers(s *Scenario) error {
	n := len(w.topo.Hosts)
	if len(s.Publishers) == 0 {
		if s.Draw > n {
			return fmt.Errorf("--publishers %d: topology %s has %d hosts", s.Draw, w.topo.Name, n)
		}
		for _, p := range stream(s.Seed, "publishers").Perm(n)[:s.Draw] {
			w.publishers = append(w.publishers, int32(p))
		}
		return nil
	}
	for _, name := range s.Publishers {
		p, err := findHost(w.topo, "--publisher", name)
		if err != nil {
			return err
		}
		w.publishers = append(w.publishers, p)
	}
	return nil
}

// findHost returns the place of a name.
func findHost(t *topology.Topology, flag, name string) (int32, error) {
	names := make([]string, len(t.Hosts))
	for i := range t.Hosts {
		if names[i] = t.Hosts[i].Name; names[i] == name {
			return int32(i), nil
		}
	}
	return 0, fmt.Errorf("%s %s: topology %s has no host of that name; did you mean %s?", flag, name, t.Name, nearest(name, names))
}
