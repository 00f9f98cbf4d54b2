package detect

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// PortMapper is what of libp2p's NAT manager is looked at: whether a router was found
// that maps ports, and what it maps a listen address to. Neither may wait.
type PortMapper interface {
	HasDiscoveredNAT() bool
	GetMapping(listen ma.Multiaddr) ma.Multiaddr
}

// eventBuffer is how many events of libp2p may wait (our guess); they are read at
// once.
const eventBuffer = 64

// subscribe asks a libp2p host for what it knows of reachability. A nil bus is none.
func subscribe(bus event.Bus) (event.Subscription, error) {
	if bus == nil {
		return nil, nil
	}
	return bus.Subscribe([]any{
		new(event.EvtHostReachableAddrsChanged),
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerConnectednessChanged),
		new(event.EvtAutoRelayAddrsUpdated),
		new(event.EvtNATDeviceTypeChanged),
		new(event.EvtLocalAddressesUpdated),
	}, eventbus.BufSize(eventBuffer), eventbus.Name("quilt/detect"))
}

// outside is what libp2p has said so far.
type outside struct {
	verdicts   []verdict
	verdictsAt time.Time
	relayed    bool
	natTypes   [euid.NumTransports]network.NATDeviceType
	sightings  sightings
	callers    callers
}

// forget drops what an interface that changes makes void.
func (o *outside) forget(before, after *Interface) {
	o.sightings.forget(before, after)
	o.callers.forget(before, after)
}

// take takes in one event, and reports whether it may change something.
func (o *outside) take(now time.Time, e any) bool {
	switch e := e.(type) {
	case event.EvtHostReachableAddrsChanged:
		o.verdicts, o.verdictsAt = nil, now
		o.verdicts = appendVerdicts(o.verdicts, e.Reachable, true)
		o.verdicts = appendVerdicts(o.verdicts, e.Unreachable, false)
	case event.EvtPeerIdentificationCompleted:
		return o.identified(now, e)
	case event.EvtPeerConnectednessChanged:
		return e.Connectedness == network.NotConnected && o.sightings.left(e.Peer)
	case event.EvtAutoRelayAddrsUpdated:
		o.relayed = len(e.RelayAddrs) > 0
	case event.EvtNATDeviceTypeChanged:
		t := euid.UDP
		if e.TransportProtocol == network.NATTransportTCP {
			t = euid.TCP
		}
		o.natTypes[t] = e.NatDeviceType
	}
	return true
}

// maxVerdicts bounds the addresses with verdicts (our guess; libp2p bounds them too).
const maxVerdicts = 64

func appendVerdicts(list []verdict, addrs []ma.Multiaddr, reachable bool) []verdict {
	for _, a := range addrs {
		if t, ap, ok := endpoint(a); ok && len(list) < maxVerdicts {
			list = append(list, verdict{t, ap, reachable})
		}
	}
	return list
}

// identified takes in what a peer saw of a connection that this host opened to it.
func (o *outside) identified(now time.Time, e event.EvtPeerIdentificationCompleted) bool {
	if e.Conn == nil || e.ObservedAddr == nil || e.Conn.Stat().Direction != network.DirOutbound {
		return false
	}
	return o.saw(now, e.Peer, e.Conn.LocalMultiaddr(), e.Conn.RemoteMultiaddr(), e.ObservedAddr)
}

func (o *outside) saw(now time.Time, by peer.ID, local, remote, seen ma.Multiaddr) bool {
	s, ok := newSighting(now, by, local, remote, seen)
	return ok && o.sightings.add(s)
}

// newSighting is what a peer saw over a connection between two addresses; false if that
// makes no sense.
func newSighting(now time.Time, by peer.ID, local, remote, seen ma.Multiaddr) (sighting, bool) {
	t, l, ok1 := endpoint(local)
	tr, r, ok2 := endpoint(remote)
	ts, s, ok3 := endpoint(seen)
	return sighting{peer: by, transport: t, local: l, seen: s, by: r.Addr(), at: now}, ok1 && ok2 && ok3 && t == tr && t == ts
}

// endpoint reads the address and port of a multiaddr that is not by way of a relay.
func endpoint(a ma.Multiaddr) (euid.Transport, netip.AddrPort, bool) {
	if a == nil {
		return 0, netip.AddrPort{}, false
	}
	if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err == nil {
		return 0, netip.AddrPort{}, false
	}
	// What runs on top of UDP or TCP shares the way.
	ip, rest := ma.SplitFirst(a)
	if ip != nil && ip.Protocol().Code == ma.P_IP6ZONE {
		ip, rest = ma.SplitFirst(rest)
	}
	if ip == nil || len(rest) == 0 {
		return 0, netip.AddrPort{}, false
	}
	addr, ok := netip.AddrFromSlice(ip.RawValue())
	code, port := rest[0].Protocol().Code, rest[0].RawValue()
	if c := ip.Protocol().Code; !ok || c != ma.P_IP4 && c != ma.P_IP6 || code != ma.P_UDP && code != ma.P_TCP {
		return 0, netip.AddrPort{}, false
	}
	t := euid.UDP
	if code == ma.P_TCP {
		t = euid.TCP
	}
	return t, netip.AddrPortFrom(plain(addr), binary.BigEndian.Uint16(port)), true
}

// listens is by what a host listens on an interface.
type listens struct {
	on ways[bool]
	// ports are those, the first of each, at which judges can be asked to call it;
	// wrapped says that they must by WebSocket over TLS.
	ports   ways[uint16]
	wrapped ways[bool]
	mapped  ways[netip.AddrPort] // what its router maps them to
}

// listening says by what a host listens on an interface. A host that listens on the IPv6
// wildcard listens on IPv6 only, as libp2p does it.
func listening(addrs []ma.Multiaddr, i *Interface, mapper PortMapper) (l listens) {
	for _, a := range addrs {
		t, ap, ok := endpoint(a)
		if !ok || !ap.Addr().IsUnspecified() && !i.owns(ap.Addr()) {
			continue
		}
		f := familyOf(ap.Addr())
		l.on[f][t] = true
		if wrapped, ok := askable(a); ok && (l.ports[f][t] == 0 || l.wrapped[f][t] && !wrapped) {
			l.ports[f][t], l.wrapped[f][t] = ap.Port(), wrapped
		}
		if mapper == nil || l.mapped[f][t].IsValid() {
			continue
		}
		if _, m, ok := endpoint(mapper.GetMapping(a)); ok {
			l.mapped[f][t] = m
		}
	}
	return l
}

// askable reports whether judges can be asked to call an address that is listened on, and
// whether by WebSocket. By WebTransport they cannot: it is dialled by who knows its
// certificates, and who dials it by plain QUIC finds nobody.
func askable(a ma.Multiaddr) (wrapped, ok bool) {
	switch a[len(a)-1].Protocol().Code {
	case ma.P_TCP, ma.P_QUIC_V1:
		return false, true
	case ma.P_WS, ma.P_WSS:
		return true, true
	}
	return false, false
}
