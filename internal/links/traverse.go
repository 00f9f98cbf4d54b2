package links

import (
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/protocol"
)

// Role is what a host can do for others, by where it is.
type Role uint8

// The roles.
const (
	// RoleUnknown: nobody has found out yet.
	RoleUnknown Role = iota
	// RolePublic: anybody can call the host; it may relay for those that nobody can.
	RolePublic
	// RoleLeaf: nobody can call it unasked. It keeps places at relays.
	RoleLeaf
)

func (r Role) String() string {
	switch r {
	case RolePublic:
		return "public"
	case RoleLeaf:
		return "leaf"
	}
	return "unknown"
}

// RelayLimits bound what a volunteer's relay carries for others. What is passed on by
// a relay is in nobody's interest for long: the room is for the few hundred bytes by
// which two hosts agree to punch a hole, and for those who have no other way.
type RelayLimits struct {
	// Places is how many hosts may be called through this one. Default: 64.
	Places int
	// PlacesPerAddr is how many of those may share one public address. Default: 8, as
	// libp2p has it.
	PlacesPerAddr int
	// Circuits is how many connections at once each host may have through this one.
	// Default: 8.
	Circuits int
	// Bytes is how much one connection may carry in each direction before it is cut.
	// Default: 128 KiB, as libp2p has it.
	Bytes int64
	// Time is how long one connection may last. Default: 2 minutes, as libp2p has it.
	Time time.Duration
}

// Check returns what is wrong with the limits, nil for nothing.
func (r RelayLimits) Check() error {
	_, err := r.withDefaults()
	return err
}

// withDefaults returns the limits completed, or what is wrong with them.
func (r RelayLimits) withDefaults() (RelayLimits, error) {
	orElse(&r.Places, 64)
	orElse(&r.PlacesPerAddr, 8)
	orElse(&r.Circuits, 8)
	orElse(&r.Bytes, 128<<10)
	orElse(&r.Time, 2*time.Minute)
	if r.Places < 0 || r.PlacesPerAddr < 0 || r.Circuits < 0 || r.Bytes < minRelayBytes || r.Time < minRelayTime {
		return r, fmt.Errorf("relay limits %+v: want none negative, at least %d KiB and %v: less would not carry a hole punch",
			r, minRelayBytes>>10, minRelayTime)
	}
	return r, nil
}

// What two handshakes, two identifications and the agreement on a hole punch take, with
// some to spare (our measurement: 12 KiB; our guess for the time).
const (
	minRelayBytes = 32 << 10
	minRelayTime  = 15 * time.Second
)

// Traversal says how a host stands to those that it, or that cannot be called.
type Traversal struct {
	Role Role
	// Relays are those through which this host can be called.
	Relays []RelayInUse
	// Serving is set while this host relays for others; Service counts that.
	Serving bool
	Service RelayCounters
	Punches PunchCounters
}

// traversal is the part of a Manager that gets past NATs.
type traversal struct {
	punches punches
	relays  *relays // nil unless Config.Traverse
	service service
	mapper  *portMapper // nil unless Config.PortMap
}

// options are those of the libp2p host for getting past NATs.
func (t *traversal) options(cfg Config) []libp2p.Option {
	var options []libp2p.Option
	if cfg.Traverse {
		options = append(options, libp2p.EnableRelay(), libp2p.EnableHolePunching(holepunch.WithTracer(&t.punches),
			holepunch.WithAddrFilter(&t.punches), holepunch.DirectDialTimeout(punchDialTimeout)))
	} else {
		options = append(options, libp2p.DisableRelay())
	}
	if cfg.PortMap {
		t.mapper = &portMapper{gateway: cfg.Gateway}
		options = append(options, libp2p.NATManager(t.mapper.start))
	}
	return options
}

// setHost keeps the host, and network returns its network, nil before it is there:
// libp2p may call while it is being made.
func (m *Manager) setHost(h host.Host) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.host = h
}

func (m *Manager) network() network.Network {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.host == nil {
		return nil
	}
	return m.host.Network()
}

// SetRole tells the host its role: a leaf looks for relays, a public host may be one.
// It may be called as often as one likes.
func (m *Manager) SetRole(r Role) error {
	var err error
	if m.cfg.Relay != nil && m.cfg.Traverse {
		err = m.nat.service.set(m.host, m.cfg, r == RolePublic)
	}
	if m.nat.relays != nil {
		m.nat.relays.setRole(r)
	}
	return err
}

// Moved forgets which hole punches have failed: the host is behind another NAT, or
// what was known of it was wrong.
func (m *Manager) Moved() { m.nat.punches.forgetAll() }

// Relaying reports whether this host relays for others now.
func (m *Manager) Relaying() bool { return m.nat.service.running() }

// Relayed reports whether this host can be called through a relay.
func (m *Manager) Relayed() bool { return m.nat.relays != nil && len(m.nat.relays.addrs()) > 0 }

// Traversal describes how the host stands.
func (m *Manager) Traversal() Traversal {
	t := Traversal{Serving: m.Relaying(), Service: m.nat.service.counters(), Punches: m.nat.punches.counters()}
	if m.nat.relays != nil {
		t.Role, t.Relays = m.nat.relays.describe()
	}
	return t
}

// viaRelay reports whether an address leads through a relay.
func viaRelay(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}

// relayed reports whether a connection is passed on by a relay, limited or not: to
// depend on it is to depend on a stranger's good will.
func relayed(c network.Conn) bool { return c.Stat().Limited || viaRelay(c.RemoteMultiaddr()) }

// DialRelayed is [Manager.Dial], but where no direct connection comes about one through
// a relay will do. The link then says that it is relayed.
func (m *Manager) DialRelayed(to protocol.PeerID, addrs []string) { m.dialTo(to, addrs, true) }

// errPunch: the peer was met at a relay, and no hole could be punched.
var errPunch = errors.New("links: no hole could be punched")

// directConn returns a connection to a peer that no relay passes on, nil for none.
func directConn(n network.Network, to peer.ID) network.Conn {
	for _, c := range n.ConnsToPeer(to) {
		if !relayed(c) && !c.IsClosed() {
			return c
		}
	}
	return nil
}
