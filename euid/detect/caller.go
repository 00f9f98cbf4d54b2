package detect

import (
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/quilt-p2p/quilt/euid"
)

// Bounds of callers (our guesses).
const (
	// maxCallers is how many of the latest count.
	maxCallers = 64
	// callerLife is how long one counts: firewalls change.
	callerLife = time.Hour
	// leastCallers must have come by one transport and family before it counts as open
	// to all: of one alone it might not be known that this host had sent to him.
	leastCallers = 2
)

// caller is a stranger who has opened a connection to this host: somebody outside its
// network to whom it had sent nothing by which a NAT or firewall would let him in.
// That is more than AutoNAT's verdicts say, whose servers this host has always sent
// to: "address-dependent filtering" (RFC 4787, section 5) lets in all that comes from
// them, and nobody else.
type caller struct {
	transport euid.Transport
	local     netip.Addr   // this end, may be unspecified
	by        netip.Prefix // who called; whoever has a /64 counts once
	at        time.Time
}

func (c *caller) family() euid.Family { return familyOf(c.by.Addr()) }

// callers are the latest, each once for each transport.
type callers struct{ list []caller }

// add takes one in; it replaces an earlier call of the same stranger.
func (s *callers) add(n caller) {
	s.list = slices.DeleteFunc(s.list, func(o caller) bool {
		return n.at.Sub(o.at) > callerLife || o.transport == n.transport && o.local == n.local && o.by == n.by
	})
	if len(s.list) == maxCallers {
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, n)
}

// forget drops what an interface that changes makes void, as sightings do.
func (s *callers) forget(before, after *Interface) {
	s.list = slices.DeleteFunc(s.list, func(o caller) bool {
		if sameNetwork(before, after, o.family()) {
			return before.owns(o.local) && !after.owns(o.local)
		}
		return o.local.IsUnspecified() || before.owns(o.local)
	})
}

// of counts those who have called an interface by one transport and family.
func (s *callers) of(now time.Time, i *Interface, f euid.Family, t euid.Transport, exit bool) (n int) {
	for _, c := range s.list {
		if c.transport == t && c.family() == f && now.Sub(c.at) <= callerLife &&
			(c.local.IsUnspecified() && exit || i.owns(c.local)) {
			n++
		}
	}
	return n
}

// called takes in a connection that somebody has opened to this host, and reports
// whether he counts as a stranger.
func (l *loop) called(now time.Time, e event.EvtPeerIdentificationCompleted) bool {
	t, local, ok := endpoint(e.Conn.LocalMultiaddr())
	tr, remote, ok2 := endpoint(e.Conn.RemoteMultiaddr())
	if !ok || !ok2 || t != tr || l.near(remote.Addr()) || l.sentTo(plain(remote.Addr()), t) {
		return false
	}
	l.outside.callers.add(caller{transport: t, local: local.Addr(), by: observer(plain(remote.Addr())), at: now})
	return true
}

// Lengths of the prefixes that one site is taken to have (our guess: what providers
// give to one customer).
const nearBits4, nearBits6 = 24, 48

// near reports whether somebody is so near that there may be no NAT or firewall
// between him and this host: on a link, with an address of no use elsewhere, or of the
// same site. That he can call it says nothing of others.
func (l *loop) near(a netip.Addr) bool {
	if a = plain(a); !public(a) {
		return true
	}
	bits := nearBits4
	if a.Is6() {
		bits = nearBits6
	}
	same := func(b netip.Addr) bool {
		p, err := plain(b).Prefix(bits)
		return err == nil && p.Contains(a)
	}
	for _, n := range l.nics {
		for _, p := range n.ifc.Addrs {
			if p.Masked().Contains(a) || same(p.Addr()) {
				return true
			}
		}
		if b := n.report.Observation.Public[familyOf(a)]; b.IsValid() && same(b) {
			return true
		}
	}
	return false
}

// hear takes in one event of libp2p, and reports whether it may change something.
func (l *loop) hear(now time.Time, e any) bool {
	if e, ok := e.(event.EvtPeerIdentificationCompleted); ok {
		l.dirty = true // somebody more to be asked
		if e.Conn != nil && e.Conn.Stat().Direction == network.DirInbound {
			return l.called(now, e)
		}
	}
	if e, ok := e.(event.EvtPeerConnectednessChanged); ok && e.Connectedness == network.NotConnected {
		for _, n := range l.nics {
			for f := range n.surveys {
				n.surveys[f].hint(now)
			}
		}
	}
	return l.outside.take(now, e)
}
