package sim

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// link is one end of a link.
type link struct {
	with int32  // the other host
	gen  uint64 // the same at both ends; a later link between the two has a higher one
	// last is when what was sent last from this end arrives, before the downlink.
	last protocol.Time
	wait *waiting // nil until the uplink was busy
}

// linkTable holds one host's ends of links. They are few: to look through a list
// takes less than a map.
type linkTable []link

// get returns the end of the link to a host, nil for none. It is valid until the next
// put or remove.
func (t linkTable) get(other int32) *link {
	for i := range t {
		if t[i].with == other {
			return &t[i]
		}
	}
	return nil
}

// put adds the end of a link, in the place of an earlier one to the same host.
func (t *linkTable) put(l link) {
	if old := t.get(l.with); old != nil {
		*old = l
		return
	}
	*t = append(*t, l)
}

// remove takes the end of a link out.
func (t *linkTable) remove(other int32) {
	*t = slices.DeleteFunc(*t, func(l link) bool { return l.with == other })
}

// dial begins a dial: one trip to the target and one back, more if a NAT has to be
// punched.
func (h *Host) dial(to protocol.PeerID) {
	n := h.net
	other := n.host(to)
	if other == nil || !other.alive || !n.reachable(h.index, other.index) {
		h.dialFails(to, "timeout")
		return
	}
	extra, refusal := h.passage(other)
	if refusal != "" {
		h.dialFails(to, refusal)
		return
	}
	e := event{host: other.index, kind: evDialled, from: h.index}
	if extra > 0 {
		e.input = h.newPunch()
	}
	h.schedule(extra+n.trip(h.index, other.index), e)
}

// dialFails has a dial fail after the dial time-out.
func (h *Host) dialFails(to protocol.PeerID, reason string) {
	h.schedule(h.net.cfg.DialTimeout, event{host: h.index, kind: evInput,
		input: protocol.DialFailed{Peer: to, Reason: reason}})
}

// unanswered takes what happens to a host that has died: a dial that comes to it
// fails as one that never came.
func (h *Host) unanswered(e *event) {
	if e.kind == evDialled {
		h.schedule(h.net.cfg.DialTimeout, event{host: e.from, kind: evInput,
			input: protocol.DialFailed{Peer: h.id, Reason: "timeout"}})
	}
}

// dialled accepts a dial, unless the two are linked already.
func (h *Host) dialled(e *event) {
	n := h.net
	if h.links.get(e.from) == nil {
		if p, ok := e.input.(punch); ok && !h.meets(e.from, p) {
			h.refuse(e.from)
			return
		}
		h.linked(e.from, h.generation(e.from), false)
	}
	l := h.links.get(e.from)
	l.last = max(l.last, h.lane.now.Add(n.trip(h.index, e.from))) // no message comes before the link
	h.schedule(l.last.Sub(h.lane.now), event{host: e.from, kind: evLinkUp, from: h.index, gen: l.gen})
}

// generation is that of a link which begins now: later ones have a higher one, and of
// two that both ends accept at one instant, that which the lower number has accepted.
func (h *Host) generation(from int32) uint64 {
	gen := uint64(h.lane.now) << 1
	if h.index < from {
		gen++
	}
	return gen
}

// carries reports whether the link that an event came by is still up.
func (h *Host) carries(e *event) bool {
	l := h.links.get(e.from)
	return l != nil && l.gen == e.gen
}

// linked makes a link usable at this end. Of two that opened at once both ends keep
// the later.
func (h *Host) linked(other int32, gen uint64, outbound bool) {
	n := h.net
	if old := h.links.get(other); old != nil {
		if old.gen >= gen {
			return
		}
		h.play.Handle(h.lane.now, protocol.LinkDown{Peer: n.hosts[other].id, Reason: "replaced"}, &h.out)
	}
	h.links.put(link{with: other, gen: gen})
	h.play.Handle(h.lane.now, protocol.LinkUp{Link: protocol.Link{
		Peer: n.hosts[other].id, Outbound: outbound, RTT: 2 * n.latency(h.index, other)}}, &h.out)
}

// close ends a link; the other end learns it one trip later, after what was sent
// before.
func (h *Host) close(p protocol.PeerID) {
	n := h.net
	other := n.host(p)
	if other == nil {
		return
	}
	l := h.links.get(other.index)
	if l == nil {
		return
	}
	if n.reachable(h.index, other.index) {
		h.flush(other.index, l)
		h.convey(l, h.takeLine(0), event{host: other.index, kind: evLinkGone, from: h.index, gen: l.gen})
	}
	h.links.remove(other.index)
}
