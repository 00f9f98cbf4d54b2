package scenario

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// details is what stands behind the result.
func (r *run) details() *Details {
	latency, _ := r.latencies()
	d := &Details{
		Scenario: r.s, KillAt: instant(r.killAt), CutAt: instant(r.cutAt), HealAt: instant(r.healAt),
		Histogram: make([]int, HistogramBins),
	}
	if len(latency.values) > 0 {
		d.Histogram = histogram(&latency)
	}
	for i := range r.meter.items {
		d.Items = append(d.Items, r.itemDetail(&r.meter.items[i]))
	}
	shown := r.shown()
	for _, h := range shown {
		d.Hosts = append(d.Hosts, r.hostDetail(h))
	}
	r.layout(d.Hosts)
	d.Edges = r.edges(shown)
	return d
}

// instant is a time in seconds, 0 for never.
func instant(t protocol.Time) float64 {
	if t == protocol.Never {
		return 0
	}
	return round(time.Duration(t).Seconds(), 6)
}

func (r *run) itemDetail(it *item) ItemDetail {
	m := r.meter
	d := ItemDetail{At: instant(it.at), By: int(m.place[it.author])}
	var there sample
	gone := m.vanished(it)
	for h := range m.place {
		if gone || !m.survived(int32(h)) || int32(h) == it.author {
			continue
		}
		d.Expected++
		if after, ok := it.got(int32(h)); ok {
			d.Delivered++
			if m.born[h] <= it.at {
				there.add(after)
			}
		}
	}
	if t := there.tail(milliseconds); t != nil {
		d.P50, d.Max = t.P50, t.Max
	}
	return d
}

// shown are the hosts of a picture, in order of the topology with newcomers at the
// end: all, or MaxDetailHosts evenly drawn.
func (r *run) shown() []int32 {
	m := r.meter
	all := make([]int32, len(m.place))
	for h := range all {
		all[h] = int32(h)
	}
	slices.SortFunc(all, func(a, b int32) int {
		return cmp.Or(cmp.Compare(m.before[a], m.before[b]), cmp.Compare(m.place[a], m.place[b]))
	})
	if len(all) <= MaxDetailHosts {
		return all
	}
	some := make([]int32, MaxDetailHosts)
	for i := range some {
		some[i] = all[i*len(all)/MaxDetailHosts]
	}
	return some
}

func (r *run) hostDetail(h int32) HostDetail {
	m, host := r.meter, r.net.Hosts()[h]
	place := int32(host.Place())
	d := HostDetail{
		Name: r.name(host), Cluster: r.world.topo.Hosts[place].Cluster, Place: int(place),
		State: r.state(h), Publisher: r.world.is(place, publisher),
		Sent: host.Sent.Bytes, Payload: host.Sent.Payload, Copies: int(m.received[h]),
	}
	if int(h) < len(m.sent) { // it was there when items began to flow
		d.Sent -= m.sent[h].Bytes
		d.Payload -= m.sent[h].Payload
	}
	if host.Alive() {
		d.Neighbours = len(host.Core().Neighbours(r.topic))
		if m := r.treeMachine(host); m != nil {
			n, _ := treeNode(m)
			d.Degree = n.DegreeBound
			if p := r.net.Host(n.Parent); n.HasParent && p != nil {
				d.Parent = r.name(p)
			}
		}
	}
	return d
}

// state is HostDetail.State of a host.
func (r *run) state(h int32) string {
	m := r.meter
	switch {
	case m.adversary[h]:
		return "adversary"
	case m.died[h] == protocol.Never:
		return "alive"
	case r.at[m.place[h]] == h:
		return "killed"
	}
	return "left" // somebody has taken its place
}

// eager are the peers to which a host passes items on at once: gossip's eager links, or
// its parent and children in a tree.
func (r *run) eager(h *sim.Host) (peers []protocol.PeerID) {
	if m := r.treeMachine(h); m != nil {
		n, _ := treeNode(m)
		return treeLinks(&n)
	}
	if r.world.plugin == nil {
		for _, n := range r.gossip(h).Neighbours {
			if n.Eager {
				peers = append(peers, n.Peer)
			}
		}
	}
	return peers
}

// edges are the links of active views and of a tree between living hosts of a picture.
func (r *run) edges(shown []int32) []Edge {
	index := make([]int32, len(r.meter.place)) // in shown, plus 1
	for i, h := range shown {
		index[h] = int32(i) + 1
	}
	var list []Edge
	for i, h := range shown {
		host := r.net.Hosts()[h]
		if !host.Alive() {
			continue
		}
		eager := r.eager(host)
		links := append(slices.Clone(host.Core().Neighbours(r.topic)), eager...) // some twice, which goes below
		for _, id := range links {
			n := r.host(id)
			if j := int(index[n]) - 1; j >= 0 && r.meter.died[n] == protocol.Never {
				list = append(list, Edge{A: min(i, j), B: max(i, j), Tree: slices.Contains(eager, id)})
			}
		}
	}
	slices.SortFunc(list, func(a, b Edge) int {
		if c := cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)); c != 0 || a.Tree == b.Tree {
			return c
		}
		if a.Tree { // what either end sends at once is first, and stays
			return -1
		}
		return 1
	})
	return slices.CompactFunc(list, func(a, b Edge) bool { return a.A == b.A && a.B == b.B })
}
