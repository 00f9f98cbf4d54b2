package node

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// gate refuses connections with peers that the core has banned. It implements
// libp2p's connection gater.
type gate struct {
	mu     sync.Mutex
	banned map[protocol.PeerID]time.Time
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

func (g *gate) InterceptPeerDial(p protocol.PeerID) bool                 { return g.open(p) }
func (g *gate) InterceptAddrDial(p protocol.PeerID, _ ma.Multiaddr) bool { return g.open(p) }
func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool              { return true }

func (g *gate) InterceptSecured(_ network.Direction, p protocol.PeerID, _ network.ConnMultiaddrs) bool {
	return g.open(p)
}

func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
