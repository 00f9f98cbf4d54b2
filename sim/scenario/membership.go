package scenario

import (
	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// membership looks at the active views of honest living hosts.
func (r *run) membership() Membership {
	m, hosts := r.meter, r.net.Hosts()
	var res Membership
	parts, wanted := newParts(len(hosts)), make([]int, len(hosts))
	shares, views := 0.0, 0
	for h := range hosts {
		if !m.survived(int32(h)) {
			continue
		}
		view, bad, honest := hosts[h].Core().Neighbours(r.topic), 0, 0
		for _, id := range view {
			n := r.host(id)
			wanted[n]++
			if m.adversary[n] {
				bad++
			} else if m.survived(n) {
				honest++
				parts.join(int32(h), n)
			}
		}
		if len(view) > 0 {
			shares += float64(bad) / float64(len(view))
			views++
		}
		if honest == 0 {
			res.Isolated++
		}
	}
	for h := range hosts {
		res.IndegreeMax = max(res.IndegreeMax, wanted[h])
		if m.survived(int32(h)) && parts.root(int32(h)) == int32(h) {
			res.Components++
		}
	}
	if views > 0 {
		res.ByzantineShare = round(shares/float64(views), 6)
	}
	return res
}

// parts is a partition of hosts into sets (union-find).
type parts []int32

func newParts(n int) parts {
	p := make(parts, n)
	for i := range p {
		p[i] = int32(i)
	}
	return p
}

func (p parts) root(i int32) int32 {
	for p[i] != i {
		p[i] = p[p[i]]
		i = p[i]
	}
	return i
}

func (p parts) join(a, b int32) { p[p.root(a)] = p.root(b) }

// gossip is what gossip says of itself at a host; nothing where there is none.
func (r *run) gossip(h *sim.Host) gossip.Explanation {
	for _, t := range h.Core().Explain(r.net.Now()).Topics {
		if e, ok := t.Objects[protocol.ObjectGossip].(gossip.Explanation); ok && t.ID == r.topic {
			return e
		}
	}
	return gossip.Explanation{}
}
