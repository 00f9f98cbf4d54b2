package sim

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/sim/topology"
)

// passage says whether a dial gets through what stands between two hosts: how much
// longer than a trip it takes to arrive, or why it never does. The rendezvous of a
// punch must be linked to both when the dial begins. A link once up carries both
// ways.
func (h *Host) passage(other *Host) (extra time.Duration, refusal string) {
	n, t := h.net, h.net.cfg.Topology
	if t == nil {
		return 0, ""
	}
	from, to := t.Hosts[h.place].NAT, t.Hosts[other.place].NAT
	switch {
	case topology.Reaches(from, to):
		return 0, ""
	case !topology.Punches(from, to):
		return 0, fmt.Sprintf("timeout: NAT: %v does not reach %v", from, to)
	case !topology.PunchWorks(n.cfg.Seed, int(h.place), int(other.place)):
		return 0, fmt.Sprintf("timeout: NAT: the punch from %v to %v does not work", from, to)
	case !h.rendezvous(other):
		return 0, "timeout: NAT: no common neighbour as rendezvous for a punch"
	}
	return topology.PunchRoundTrips * t.RTT(int(h.place), int(other.place)), ""
}

// rendezvous reports whether a living host is linked to both.
func (h *Host) rendezvous(other *Host) bool {
	n := h.net
	for i := range h.links {
		r := h.links[i].with
		if other.links.get(r) != nil && n.hosts[r].alive && n.reachable(h.index, r) && n.reachable(r, other.index) {
			return true
		}
	}
	return false
}

// CanDial reports whether a dial of another host that begins now gets through: it is
// alive, no cut is between them, and NATs are none, or a punch works and somebody is
// linked to both.
func (h *Host) CanDial(other *Host) bool {
	if !other.alive || !h.net.reachable(h.index, other.index) {
		return false
	}
	_, refusal := h.passage(other)
	return refusal == ""
}
