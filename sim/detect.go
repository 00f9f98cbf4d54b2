package sim

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// A host on a topology has one interface and sees of its place what detection would
// see: its resolver, the first routers, its address and NAT, its bandwidths, and
// whether multicast of others is heard. It never sees the region or the location it
// is in, nor round trips that it has not measured. Detection has run to its end when
// the host starts, and takes no messages.

// hostNIC is the number of a host's only interface.
const hostNIC protocol.NIC = 1

// detectionDelay is how long it takes to notice that multicast begins to be heard or
// is no longer heard (our guess: a beacon or a few).
const detectionDelay = time.Second

// firstPort is where hosts listen, libp2p's customary port. Those behind one address
// have the next ones.
const firstPort = 4001

// tagKey is the key of the open network: the simulated hosts are one network.
var tagKey = euid.NetworkKey("")

// introduce gives a new host its record: without a topology with its ID for an
// address, as dials go by that.
func (h *Host) introduce() {
	h.self = gossipmembership.Record{Peer: h.id, Seq: 1, Addrs: []string{string(h.id)}}
	if h.net.cfg.Topology == nil {
		return
	}
	h.net.enterSegment(h)
	h.self.Addrs[0] = h.net.address(h.topo().Addr)
	h.self.EUIDs = [][]byte{h.observe()}
}

// topo is what the topology says of the host's place.
func (h *Host) topo() *topology.Host { return &h.net.cfg.Topology.Hosts[h.place] }

// tellEUID tells the core what detection has found.
func (h *Host) tellEUID() {
	if len(h.self.EUIDs) > 0 {
		h.input(protocol.EUIDChanged{NIC: hostNIC, EUID: h.self.EUIDs[0]})
	}
}

// redetect runs detection again: what it finds is new only where multicast has begun
// or ceased to be heard.
func (h *Host) redetect() {
	found := h.observe()
	if string(found) == string(h.self.EUIDs[0]) {
		return
	}
	// Others have the old record, and share its slices.
	h.self.Seq++
	h.self.EUIDs = [][]byte{found}
	h.input(core.SelfRecord{Record: h.record()})
	h.tellEUID()
}

// observe is the encoded EUID of what detection sees now.
func (h *Host) observe() []byte {
	t := h.topo()
	var hops [euid.MaxHops]string
	n := copy(hops[:], t.Hops)
	for i := range hops {
		if hops[i] == topology.Silent {
			hops[i] = ""
		}
	}
	o := euid.Observation{
		NIC: hostNIC, Resolver: t.Resolver, Hops: hops[:n],
		Segment: t.Multicast, Heard: h.net.hearsAnyone(h),
		Measured: euid.Measured{Up: t.Up * 1e6, Down: t.Down * 1e6},
	}
	family := euid.IPv6
	if t.Addr.Unmap().Is4() {
		family = euid.IPv4
	}
	o.Public[family] = t.Addr
	var d euid.Direction
	d, o.Mapping, o.Filtering = behind(t.NAT)
	o.Reach[family] = [euid.NumTransports]euid.Direction{euid.UDP: d, euid.TCP: d}
	e := o.EUID(tagKey, euid.EUID{})
	return e.Append(make([]byte, 0, euid.MaxLen))
}

// behind is what detection finds of a NAT: AutoNAT says who is public, the addresses
// that several peers see which mapping there is, and attempts to punch the rest.
func behind(nat topology.NAT) (euid.Direction, euid.Mapping, euid.Filtering) {
	switch nat {
	case topology.NATNone:
		return euid.DirectionPublic, euid.MappingNone, euid.FilteringNone
	case topology.NATCone:
		return euid.DirectionPunchable, euid.MappingIndependent, euid.FilteringDependent
	case topology.NATSymmetric:
		return euid.DirectionUnreachable, euid.MappingDependent, euid.FilteringDependent
	}
	return euid.DirectionPunchable, euid.MappingNone, euid.FilteringDependent
}

// Codes of multiaddrs (the multicodec table).
const (
	codeIP4    = 0x04
	codeIP6    = 0x29
	codeUDP    = 0x0111
	codeQUICv1 = 0x01cd
)

// address is the multiaddr, in binary form, of one more host with a public address:
// /ip4 or /ip6, /udp and a port that no other host there has, /quic-v1.
func (n *Network) address(a netip.Addr) string {
	if n.ports == nil {
		n.ports = make(map[netip.Addr]uint32)
	}
	a = a.Unmap()
	port := firstPort + n.ports[a]%(1<<16-firstPort)
	n.ports[a]++
	code := uint64(codeIP6)
	if a.Is4() {
		code = codeIP4
	}
	b := binary.AppendUvarint(make([]byte, 0, 24), code)
	b = append(b, a.AsSlice()...)
	b = binary.AppendUvarint(b, codeUDP)
	b = binary.BigEndian.AppendUint16(b, uint16(port))
	return string(binary.AppendUvarint(b, codeQUICv1))
}
