package sim

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bandwidth is one line at the sender's uplink (uplink.go says what waits for it), and
// one FIFO queue without a bound at the receiver's downlink. Only the encoded frame counts, not the headers of the transport. The model is
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

// convey schedules an event of a link at its other end, for a frame whose last bit
// leaves the uplink at the given time. The link must be up at this end. Links keep
// order, as streams do: jitter never lets a frame overtake another of its link.
func (h *Host) convey(l *link, leaves protocol.Time, e event) {
	n := h.net
	l.last = max(l.last, leaves.Add(n.trip(h.index, e.host)))
	if n.cfg.Topology != nil {
		e.kind, e.then = evArrive, e.kind
		e.ahead = h.airborne(int(e.bytes))
	}
	h.schedule(l.last.Sub(h.lane.now), e)
}

// airborne is how long a frame was on its sender's line, in nanoseconds, or longest: it
// travels with the frame, for to look at the sender again would cost a cache miss for
// every message.
type airborne uint32

const longest airborne = math.MaxUint32

// airborne is how long bytes take on the host's line.
func (h *Host) airborne(bytes int) airborne {
	return airborne(min(airtime(bytes, h.upMbps()), time.Duration(longest)))
}

// duration is it as a duration, for an event at a host.
func (a airborne) duration(h *Host, e *event) time.Duration {
	if a == longest {
		return airtime(int(e.bytes), h.net.hosts[e.from].upMbps())
	}
	return time.Duration(a)
}

// downlink takes a frame, whose last bit arrives now, through the host's downlink.
// Its first bit came by the sender's uplink before: from then on the downlink, when
// free, was busy with it.
func (h *Host) downlink(e *event) {
	takes := airtime(int(e.bytes), h.downMbps)
	ahead := min(takes, e.ahead.duration(h, e))
	h.downFree = max(h.downFree, h.lane.now.Add(-ahead)).Add(takes)
	e.kind = e.then
	if h.downFree == h.lane.now {
		h.lane.trace.event(e)
		h.happen(e) // as soon as it has arrived: the usual case, worth no event
		return
	}
	h.schedule(h.downFree.Sub(h.lane.now), *e)
}
