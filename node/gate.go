package node

import (
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// gate refuses connections with peers that the core has banned. It implements
// libp2p's connection gater.
type gate struct {
	mu     sync.Mutex
	banned map[protocol.PeerID]time.Time
	dials  recent // by UDP
	came   [euid.NumTransports]recent
}

func newGate() *gate { return &gate{banned: make(map[protocol.PeerID]time.Time)} }

// ban refuses a peer for a while. At most core.MaxBanned are kept; what has
// expired goes, then what expires soonest.
func (g *gate) ban(p protocol.PeerID, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	first := p
	for q, until := range g.banned {
		if until.Before(now) {
			delete(g.banned, q)
		} else if first == p || until.Before(g.banned[first]) {
			first = q
		}
	}
	if _, known := g.banned[p]; !known && len(g.banned) >= core.MaxBanned {
		delete(g.banned, first)
	}
	g.banned[p] = now.Add(d)
}

func (g *gate) open(p protocol.PeerID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.banned[p]
	return !ok || time.Now().After(until)
}

func (g *gate) InterceptPeerDial(p protocol.PeerID) bool { return g.open(p) }

// InterceptAddrDial hears of every address that is dialled, also by those parts of
// libp2p that dial by themselves.
func (g *gate) InterceptAddrDial(p protocol.PeerID, a ma.Multiaddr) bool {
	if !g.open(p) {
		return false
	}
	if t, addr, ok := way(a); ok && t == euid.UDP {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dials.note(addr)
	}
	return true
}

// InterceptAccept hears of every connection that comes, before anybody is known.
func (g *gate) InterceptAccept(c network.ConnMultiaddrs) bool {
	if t, addr, ok := way(c.RemoteMultiaddr()); ok {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.came[t].note(addr)
	}
	return true
}

// dialed reports whether an address was dialled by UDP lately.
func (g *gate) dialed(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dials.since(a, time.Now().Add(-dialedLife))
}

// accepted reports whether a connection has come from an address since a time.
func (g *gate) accepted(a netip.Addr, t euid.Transport, since time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.came[t].since(a, since)
}

func (g *gate) InterceptSecured(_ network.Direction, p protocol.PeerID, _ network.ConnMultiaddrs) bool {
	return g.open(p)
}

func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
