package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// passage says whether a dial gets through what stands between two hosts: how much
// longer than a trip it takes to arrive, more than nothing for a punch, or why it never
// does. Whether a punch has a rendezvous is seen where it arrives. A link once up
// carries both ways.
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
	}
	return topology.PunchRoundTrips * t.RTT(int(h.place), int(other.place)), ""
}

// punch is a dial that needs a rendezvous: a living host that the dialler was linked
// to when it began and the dialled one is when it arrives.
type punch struct {
	protocol.HostInput
	links []int32 // of the dialler
}

// newPunch is one that this host begins.
func (h *Host) newPunch() punch {
	p := punch{links: make([]int32, len(h.links))}
	for i := range h.links {
		p.links[i] = h.links[i].with
	}
	return p
}

// meets reports whether a punch from another host has a rendezvous here.
func (h *Host) meets(from int32, p punch) bool {
	n := h.net
	return slices.ContainsFunc(p.links, func(r int32) bool {
		return h.links.get(r) != nil && n.hosts[r].alive && n.reachable(from, r) && n.reachable(r, h.index)
	})
}

// refuse has a punch without a rendezvous fail when the dial times out.
func (h *Host) refuse(from int32) {
	taken := (1 + 2*topology.PunchRoundTrips) * h.net.latency(from, h.index)
	h.schedule(max(h.net.cfg.DialTimeout-taken, h.net.trip(h.index, from)), event{host: from, kind: evInput,
		input: protocol.DialFailed{Peer: h.id, Reason: "timeout: NAT: no common neighbour as rendezvous for a punch"}})
}

// CanDial reports whether a dial of another host that begins now gets through: it is
// alive, no cut is between them, and NATs are none, or a punch works and somebody is
// linked to both.
func (h *Host) CanDial(other *Host) bool {
	if !other.alive || !h.net.reachable(h.index, other.index) {
		return false
	}
	extra, refusal := h.passage(other)
	return refusal == "" && (extra == 0 || other.meets(h.index, h.newPunch()))
}
