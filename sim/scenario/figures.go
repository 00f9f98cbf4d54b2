package scenario

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// result is what the run came to.
func (r *run) result() *Result {
	m, n := r.meter, float64(len(r.meter.items))
	res := &Result{
		Topology: r.world.topo.Name, Hosts: len(r.world.topo.Hosts), Protocol: r.s.Protocol, Seed: r.s.Seed, K: r.s.K,
		VirtualSeconds: round(time.Duration(r.net.Now()).Seconds(), 6), Events: r.net.Events(), Trace: r.net.Trace(),
	}
	for _, p := range r.world.publishers {
		res.Publishers = append(res.Publishers, r.world.topo.Hosts[p].Name)
	}
	res.DeliveryRatio, res.Lost = m.delivery()
	for i := range m.items {
		if m.vanished(&m.items[i]) {
			res.Vanished++
		}
	}
	if r.s.Split {
		res.Merge = r.merge()
	}
	latency, unicast := r.latencies()
	res.Latency, res.Unicast = latency.spread(milliseconds), unicast.spread(milliseconds)
	if res.Latency != nil {
		stretch := round(latency.mean()/unicast.mean(), 6)
		res.Stretch = &stretch
	}
	if m.deliveries > 0 {
		res.Copies = round(float64(m.copies)/float64(m.deliveries), 6)
	}
	res.Sends = round(float64(m.traffic(r.net).Copies-m.flow.Copies)/n, 6)
	if l := r.world.topo.Locations(); l > 1 {
		crossing := round(float64(m.crossing)/n/float64(l-1), 6)
		res.CrossLocation = &crossing
	}
	r.large(res)
	r.continuity(res)
	res.Control = round(m.control(m.flow, m.flowEnd), 3)
	res.IdleControl = round(m.control(m.idle, m.flow), 3)
	res.Construction = round(float64(m.flow.Bytes)/float64(max(1, m.honestAtFlow())), 3)
	r.recovery(res)
	res.Membership = r.membership()
	res.TreeNodes = r.treeNodes()
	if res.Tree = r.tree(); res.Tree != nil {
		res.TreeNodes = &res.Tree.below
	}
	return res
}

// honestAtFlow is how many honest hosts there were when items began to flow.
func (m *meter) honestAtFlow() (n int) {
	for h := range m.sent {
		if !m.adversary[h] {
			n++
		}
	}
	return n
}

// delivery is the share of pairs of items and survivors that were delivered, and how
// many were not. Authors are no survivors for their own items, and what vanished with
// its author counts for nobody. Without any pair nothing was lost, and the share is 1.
func (m *meter) delivery() (ratio float64, lost int) {
	expected := 0
	for i := range m.items {
		it := &m.items[i]
		if m.vanished(it) {
			continue
		}
		for h := range m.place {
			if !m.survived(int32(h)) || it.author == int32(h) {
				continue
			}
			expected++
			if _, ok := it.got(int32(h)); !ok {
				lost++
			}
		}
	}
	if expected == 0 {
		return 1, 0
	}
	// Not rounded: a single pair that is lost must show.
	return float64(expected-lost) / float64(expected), lost
}

// latencies are of all items and the survivors that were there when they were
// published, and what a direct send to the same hosts would have taken.
func (r *run) latencies() (latency, unicast sample) {
	m := r.meter
	for i := range m.items {
		it := &m.items[i]
		for h := range m.place {
			if after, ok := it.got(int32(h)); ok && m.survived(int32(h)) && m.born[h] <= it.at {
				latency.add(after)
				unicast.add(r.unicast(it.author, int32(h)))
			}
		}
	}
	return latency, unicast
}

// unicast is how many µs one direct send between two hosts takes: half the round
// trip, one serialisation of the frame at the sender's uplink, one processing.
func (r *run) unicast(from, to int32) int32 {
	t, a, b := r.world.topo, r.meter.place[from], r.meter.place[to]
	d := t.RTT(int(a), int(b))/2 + max(r.s.Processing, 0)
	d += time.Duration(float64(r.bytesOfItem()) * 8000 / t.Hosts[a].Up)
	return int32(d / time.Microsecond)
}

// treeNodes is how many honest living hosts gossip's eager push brought an item:
// nil for other protocols.
func (r *run) treeNodes() *int {
	if r.world.plugin != nil {
		return nil
	}
	n := 0
	for h, host := range r.net.Hosts() {
		if !r.meter.survived(int32(h)) {
			continue
		}
		for _, nb := range r.gossip(host).Neighbours {
			if nb.Eager && nb.Deliveries > 0 {
				n++
				break
			}
		}
	}
	return &n
}

// delivered is told by the network of every delivery.
func (r *run) delivered(h *sim.Host, it *protocol.Item) {
	if !r.meter.deliver(r.net.Now(), int32(h.Index()), it.ID) {
		r.breaks(h, errTwice(it))
	}
}
