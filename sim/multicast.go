package sim

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// IP multicast is confined to a domain of the topology. One send takes the sender's
// uplink once, whoever listens, and reaches every living host of the domain that has
// joined the group, over its own path and downlink, or is lost on the way to it.
// Nothing proves who sent it, and nothing keeps it in order. How long a datagram may
// be is not modelled.

// segment is a multicast domain.
type segment struct {
	// stopped is set while nothing passes.
	stopped bool
	// members are the hosts in it, dead ones too, in the order they were added.
	members []int32
	// deaf are those that heard nobody when they last listened.
	deaf []int32
	// groups are the hosts that have joined each group, in order.
	groups map[netip.AddrPort][]int32
}

// segmentOf is the segment of a host, nil for none.
func (n *Network) segmentOf(h *Host) *segment {
	if n.cfg.Topology == nil {
		return nil
	}
	return n.segments[h.topo().Multicast] // nobody enters that of the empty name
}

// enterSegment puts a new host into its segment. Whoever was alone there hears it
// before long.
func (n *Network) enterSegment(h *Host) {
	domain := h.topo().Multicast
	if domain == "" {
		return
	}
	s := n.segment(domain)
	s.members = append(s.members, h.index)
	for _, i := range s.deaf {
		h.schedule(detectionDelay, event{host: i, kind: evDetect})
	}
	s.deaf = s.deaf[:0]
}

// segment is that of a domain.
func (n *Network) segment(domain string) *segment {
	if n.segments == nil {
		n.segments = make(map[string]*segment)
	}
	s := n.segments[domain]
	if s == nil {
		s = &segment{groups: make(map[netip.AddrPort][]int32)}
		n.segments[domain] = s
	}
	return s
}

// hearsAnyone reports whether a host hears another living one on its segment. Where
// it does not although multicast passes, it is remembered, to listen again when
// somebody comes.
func (n *Network) hearsAnyone(h *Host) bool {
	s := n.segmentOf(h)
	if s == nil || s.stopped {
		return false
	}
	for _, i := range s.members {
		if i != h.index && n.hosts[i].alive {
			return true
		}
	}
	if !slices.Contains(s.deaf, h.index) {
		s.deaf = append(s.deaf, h.index)
	}
	return false
}

// MulticastWorks makes a multicast domain stop passing multicast, or pass it again:
// a switch with other settings. What is under way arrives. The hosts there notice
// before long. It panics on a domain that no host of the topology is in.
func (n *Network) MulticastWorks(domain string, works bool) {
	t := n.cfg.Topology
	known := false
	for i := 0; t != nil && domain != "" && i < len(t.Hosts) && !known; i++ {
		known = t.Hosts[i].Multicast == domain
	}
	if !known {
		panic(fmt.Sprintf("sim: no host of the topology is in the multicast domain %q", domain))
	}
	s := n.segment(domain)
	if s.stopped == !works {
		return
	}
	s.stopped, s.deaf = !works, s.deaf[:0]
	for _, i := range s.members {
		n.hosts[i].schedule(detectionDelay, event{host: i, kind: evDetect})
	}
}

// joinGroup has a host hear what is sent to a group; without a segment there is
// nothing to hear.
func (h *Host) joinGroup(group netip.AddrPort) {
	if s := h.net.segmentOf(h); s != nil {
		if i, joined := slices.BinarySearch(s.groups[group], h.index); !joined {
			s.groups[group] = slices.Insert(s.groups[group], i, h.index)
		}
	}
}

// leaveGroup ends joinGroup.
func (h *Host) leaveGroup(group netip.AddrPort) {
	if s := h.net.segmentOf(h); s != nil {
		if i, joined := slices.BinarySearch(s.groups[group], h.index); joined {
			s.groups[group] = slices.Delete(s.groups[group], i, i+1)
		}
	}
}

// socketBuffer is how many bytes wait for the line before the system drops datagrams:
// Linux's default for a socket.
const socketBuffer = 212_992

// payloader is a message, other than protocol.Carry, that brings bytes of an item,
// such as a fragment of one.
type payloader interface{ PayloadLen() int }

// beginner is the first fragment of an item: where it goes, a copy goes.
type beginner interface{ BeginsItem() }

// payload is how many bytes of items a message brings.
func payload(m protocol.Message) (bytes int, any bool) {
	switch m := m.(type) {
	case protocol.Carry:
		return len(m.Item.Bytes), true
	case payloader:
		return m.PayloadLen(), m.PayloadLen() > 0
	}
	return 0, false
}

// multicast sends to a group. Losses and jitter are drawn for one listener after
// another, in the order of their numbers.
func (h *Host) multicast(e protocol.Multicast) {
	n, s := h.net, h.net.segmentOf(h)
	if s == nil {
		h.Notes["sim.multicast-nowhere"]++
		return
	}
	f := frame{e.Topic, e.Object, e.Msg}
	h.lane.buf = protocol.AppendFrame(h.lane.buf[:0], f.topic, f.object, f.msg)
	h.lane.trace.frame(h.index, everyone, h.lane.buf)
	bytes := len(h.lane.buf)
	if n.cfg.Codec {
		f.msg = h.recode(h.lane.buf)
	}
	if h.up.free.Sub(h.lane.now) > airtime(socketBuffer, h.upMbps()) {
		h.Notes["sim.multicast-full"]++
		return
	}
	h.countSent(f.msg, bytes)
	leaves := h.takeLine(bytes)
	if s.stopped || n.cfg.Lose != nil && n.cfg.Lose(f.object) {
		return
	}
	for _, i := range s.groups[e.Group] {
		if i == h.index || !n.hosts[i].alive || !n.reachable(h.index, i) {
			continue
		}
		if n.cfg.Loss > 0 && n.links.Float64() < n.cfg.Loss {
			continue
		}
		arrives := leaves.Add(n.trip(h.index, i))
		h.schedule(arrives.Sub(h.lane.now), event{host: i, kind: evArrive, then: evHeard, from: h.index, bytes: int32(bytes), ahead: h.airborne(bytes), frame: f})
	}
}

// heard gives the core what came by multicast. The sender is what the packet claims.
func (h *Host) heard(e *event) {
	n := h.net
	if n.cfg.Copied != nil {
		switch m := e.frame.msg.(type) {
		case protocol.Carry:
			h.tell(told{from: n.hosts[e.from], h: h, item: m.Item})
		case beginner:
			h.tell(told{from: n.hosts[e.from], h: h})
		}
	}
	h.play.Handle(h.lane.now, protocol.Received{
		From:  protocol.Origin{Peer: n.hosts[e.from].id, NIC: hostNIC, Multicast: true},
		Topic: e.frame.topic, Object: e.frame.object, Msg: e.frame.msg, At: h.lane.now,
	}, &h.out)
}
