package links

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/internal/ways"
)

// scout orders the addresses of a dial by what got through before in the network where
// this host is.
type scout struct {
	// look finds out where this host is. It is asked again after lookAgain.
	look func() place
	use  []Transport // by which this host dials; none: all

	mu     sync.Mutex
	memory ways.Memory
	here   place
	looked time.Time
}

// lookAgain is how long it is taken for granted that the network is the same (our
// guess).
const lookAgain = 5 * time.Second

func newScout(kept []byte) *scout {
	s := &scout{look: lookAround}
	if m, err := ways.Parse(time.Now(), kept); err == nil {
		s.memory = m
	}
	return s
}

// where returns the place. s.mu is held.
func (s *scout) where(now time.Time) place {
	if s.looked.IsZero() || now.Sub(s.looked) >= lookAgain {
		s.here, s.looked = s.look(), now
	}
	return s.here
}

// expedition is a dial as it was planned.
type expedition struct {
	from ways.ID
	plan ways.Plan
}

// expect plans a dial to a peer with these addresses.
func (s *scout) expect(now time.Time, addrs []ma.Multiaddr) expedition {
	s.mu.Lock()
	defer s.mu.Unlock()
	here := s.where(now)
	var offered []ways.Way
	for _, a := range addrs {
		// What this host could not dial was not beaten by what it did.
		if w, ok := here.far(a); ok && here.has(w.IPv6) && (len(s.use) == 0 || slices.Contains(s.use, TransportOf(a))) {
			offered = append(offered, w)
		}
	}
	return expedition{here.id, s.memory.Plan(now, here.id, offered)}
}

// arrived takes in that the dial came up at an address.
func (s *scout) arrived(now time.Time, e expedition, at ma.Multiaddr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.here.far(at); ok {
		s.memory.Won(now, e.from, e.plan, w)
	}
}

// rank is libp2p's question when to dial each address. What is on the same LAN, or at
// this host, is dialled in libp2p's own order, and so are relays, once what is direct
// has had its chance.
func (s *scout) rank(addrs []ma.Multiaddr) []network.AddrDelay {
	now := time.Now()
	e := s.expect(now, addrs)
	s.mu.Lock()
	here := s.here
	s.mu.Unlock()
	var near, relayed []ma.Multiaddr
	var list []network.AddrDelay
	tried := make(map[ways.Way]time.Duration)
	for _, a := range addrs {
		w, ok := here.far(a)
		switch delay, planned := e.plan.Delay(w); {
		case ok && planned:
			// Of several addresses of one kind each has its turn.
			list = append(list, network.AddrDelay{Addr: a, Delay: min(delay+tried[w], ways.MaxDelay)})
			tried[w] += ways.Step
		case viaRelay(a):
			relayed = append(relayed, a)
		default:
			near = append(near, a)
		}
	}
	list = append(list, swarm.DefaultDialRanker(withoutWrapped(near))...)
	var later time.Duration
	if len(list) > 0 {
		later = swarm.RelayDelay
	}
	for _, d := range swarm.DefaultDialRanker(relayed) {
		list = append(list, network.AddrDelay{Addr: d.Addr, Delay: d.Delay + later})
	}
	return list
}

// withoutWrapped leaves out what has the same port without anything around it: on a
// LAN nothing is gained by it.
func withoutWrapped(addrs []ma.Multiaddr) []ma.Multiaddr {
	plain := make(map[string]bool)
	for _, a := range addrs {
		if t := TransportOf(a); t == TCP || t == QUIC {
			plain[socketOf(a)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		t := TransportOf(a)
		return (t == WSS || t == WebTransport) && plain[socketOf(a)]
	})
}

// socketOf is the part of an address up to the port.
func socketOf(a ma.Multiaddr) string {
	for i, c := range a {
		if code := c.Protocol().Code; code == ma.P_TCP || code == ma.P_UDP {
			return string(a[:i+1].Bytes())
		}
	}
	return ""
}

// dialPeer connects to a peer at the addresses that are known, unless there is a
// connection, and remembers what got through.
func (m *Manager) dialPeer(ctx context.Context, to peer.ID) (network.Conn, error) {
	begin := time.Now()
	e := m.cfg.scout.expect(begin, m.host.Peerstore().Addrs(to))
	conn, err := m.host.Network().DialPeer(ctx, to)
	if err != nil {
		return nil, err
	}
	if s := conn.Stat(); s.Direction == network.DirOutbound && !s.Opened.Before(begin) {
		m.cfg.scout.arrived(time.Now(), e, conn.RemoteMultiaddr())
	}
	return conn, nil
}

// Ways returns what got through on the networks where this host has been, to be kept
// over restarts: at most ways.MaxSize bytes.
func (m *Manager) Ways() []byte {
	s := m.cfg.scout
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.Append(nil)
}

// KnownWays returns by which ways dials have come up in the network where this host is,
// and which were beaten there and are tried last for a while.
func (m *Manager) KnownWays() (work, doubtful []ways.Way) {
	s := m.cfg.scout
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return s.memory.Known(now, s.where(now).id)
}
