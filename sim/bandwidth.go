package sim

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bandwidth is one FIFO queue at the sender's uplink and one at the receiver's
// downlink, both without a bound: what is sent too fast waits, nothing is dropped.
// Only the encoded frame counts, not the headers of the transport. The model is
// cut-through: a frame comes out of the uplink bit by bit, and the downlink takes
// the bits as they come, so that a frame alone takes the latency and its length at
// the slower of both. The downlink takes frames in the order of their last bits,
// so that one from a slow sender does not keep it from others. What is lost on the
// way has been through the uplink only. Opening a link takes no bandwidth; closing
// one takes its turn behind what was sent before.

// airtime is how long bytes take at a bandwidth in Mbit/s, which is above 0.
func airtime(bytes int, mbps float64) time.Duration {
	return time.Duration(math.Round(float64(bytes) * 8000 / mbps))
}

// uplink takes a frame into the queue of the host's uplink and returns when its
// last bit is out. Without a topology that is now.
func (h *Host) uplink(bytes int) protocol.Time {
	t := h.net.cfg.Topology
	if t == nil {
		return h.net.now
	}
	h.upFree = max(h.upFree, h.net.now).Add(airtime(bytes, t.Hosts[h.place].Up))
	return h.upFree
}

// convey schedules an event of a link at its other end, for a frame whose last bit
// leaves the uplink at the given time. The link must be up at this end. Links keep
// order, as streams do: jitter never lets a frame overtake another of its link.
func (h *Host) convey(leaves protocol.Time, e event) {
	n, l := h.net, h.links.get(e.host)
	l.last = max(l.last, leaves.Add(n.trip(h.index, e.host)))
	if n.cfg.Topology != nil {
		e.kind, e.then = evArrive, e.kind
	}
	n.schedule(l.last.Sub(n.now), e)
}

// downlink takes a frame, whose last bit arrives now, through the host's downlink.
// Its first bit came by the sender's uplink before: from then on the downlink, when
// free, was busy with it.
func (h *Host) downlink(e event) {
	n, hosts := h.net, h.net.cfg.Topology.Hosts
	takes := airtime(int(e.bytes), hosts[h.place].Down)
	ahead := min(takes, airtime(int(e.bytes), hosts[n.hosts[e.from].place].Up))
	h.downFree = max(h.downFree, n.now.Add(-ahead)).Add(takes)
	e.kind = e.then
	if h.downFree == n.now {
		n.trace.event(&e)
		h.happen(&e) // as soon as it has arrived: the usual case, worth no event
		return
	}
	n.schedule(h.downFree.Sub(n.now), e)
}
