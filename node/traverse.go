package node

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// RelayLimits bound what this peer relays for others.
type RelayLimits = links.RelayLimits

// Role is what a peer can do for others, by where it is: unknown, public or leaf.
type Role = links.Role

// The roles.
const (
	RoleUnknown = links.RoleUnknown
	RolePublic  = links.RolePublic
	RoleLeaf    = links.RoleLeaf
)

// Traversal says how a peer stands to those that it cannot call, or that cannot call it.
type Traversal = links.Traversal

// WithTraversal gets past NATs: a peer that nobody can call keeps places at relays among
// the peers it knows, and with those that it cannot call itself it punches holes.
// Whether it can be called only detection finds out (WithDetection). Default: off.
func WithTraversal(on bool) Option {
	return func(c *config) error { c.traverse = on; return nil }
}

// WithRelay lets the peer relay for others while it is public, within limits; the zero
// value of each means its default. Only with WithTraversal. Default: it does not.
func WithRelay(limits RelayLimits) Option {
	return func(c *config) error { c.relay = &limits; return nil }
}

// WithPortMapping asks the router to let others in (UPnP, NAT-PMP). Default: off.
func WithPortMapping(on bool) Option {
	return func(c *config) error { c.portMap = on; return nil }
}

// listens says by which address families and transports a host listens.
type listens [euid.NumFamilies][euid.NumTransports]bool

// listening says by which ways a host listens.
func listening(addrs []ma.Multiaddr) (w listens) {
	for _, a := range addrs {
		if len(a) < 2 {
			continue
		}
		f, t := euid.IPv4, euid.UDP
		switch a[0].Protocol().Code {
		case ma.P_IP4:
		case ma.P_IP6:
			f = euid.IPv6
		default:
			continue
		}
		switch a[1].Protocol().Code {
		case ma.P_UDP:
		case ma.P_TCP:
			t = euid.TCP
		default:
			continue
		}
		w[f][t] = true
	}
	return w
}

// roleOf is the role that follows from where a host is. Public is who can be called by
// any way; a leaf who is known not to be, by one at least, or has been seen behind a NAT:
// for of some ways no verdict ever comes, and to be taken for a leaf for a while does a
// public host no harm. Who knows nothing yet, as on a LAN by itself, is neither.
func roleOf(euids []euid.EUID, on listens) Role {
	role := RoleUnknown
	for _, e := range euids {
		if e.Mapping == euid.MappingIndependent || e.Mapping == euid.MappingDependent {
			role = RoleLeaf
		}
		for f := range euid.NumFamilies {
			for t := range euid.NumTransports {
				switch e.Reach[f][t] {
				case euid.DirectionPublic:
					return RolePublic
				case euid.DirectionPunchable, euid.DirectionRelayed, euid.DirectionUnreachable:
					if on[f][t] {
						role = RoleLeaf
					}
				}
			}
		}
	}
	return role
}

// hidesPorts reports whether all NATs that are known give ports anew for each destination.
func hidesPorts(euids []euid.EUID) (hides bool) {
	for _, e := range euids {
		switch e.Mapping {
		case euid.MappingUnknown:
		case euid.MappingDependent:
			hides = true
		default:
			return false
		}
	}
	return hides
}

// takeRole makes of where the host is what it does for others, and they for it.
func (n *Node) takeRole() {
	n.links.HidePorts(hidesPorts(n.env.all()))
	role := roleOf(n.env.all(), listening(n.links.Host().Network().ListenAddresses()))
	if !n.env.setRole(role) {
		return
	}
	n.count("node.role-"+role.String(), 1)
	if err := n.links.SetRole(role); err != nil {
		n.log.Warn("relaying for others", "error", err)
	}
}

// caps are the capabilities for this host's record.
func (n *Node) caps() (caps uint64) {
	if n.links == nil {
		return 0
	}
	if n.env.currentRole() == RoleLeaf {
		caps |= gossipmembership.CapLeaf
	}
	if n.links.Relayed() {
		caps |= gossipmembership.CapRelayed
	}
	if n.links.Relaying() {
		caps |= gossipmembership.CapRelays
	}
	return caps
}

// maxRelayCandidates bounds the relays that are drawn from the book at once.
const maxRelayCandidates = 4

// relayCandidates are some that relay, by the book.
func (n *Node) relayCandidates() (list []peer.AddrInfo) {
	n.look(func(_ protocol.Time, h *core.Host) {
		for _, rec := range h.Relays(maxRelayCandidates) {
			c := peer.AddrInfo{ID: rec.Peer}
			for _, b := range rec.Addrs {
				if a, err := ma.NewMultiaddrBytes([]byte(b)); err == nil {
					c.Addrs = append(c.Addrs, a)
				}
			}
			list = append(list, c)
		}
	})
	return list
}

// punched tells detection what came of a hole punch.
func (n *Node) punched(p links.Punch) {
	s := detect.Sample{Kind: detect.SamplePunched, Family: euid.IPv4, Transport: euid.UDP}
	remote := p.Remote
	if !p.OK {
		s.Kind = detect.SamplePunchFailed
		for _, text := range p.Tried {
			if a, err := ma.NewMultiaddr(text); err == nil {
				remote = a
				break
			}
		}
	}
	if len(remote) == 0 {
		return
	}
	if remote[0].Protocol().Code == ma.P_IP6 {
		s.Family = euid.IPv6
	}
	if _, err := remote.ValueForProtocol(ma.P_TCP); err == nil {
		s.Transport = euid.TCP
	}
	n.env.feed(s)
}

// transferred tells detection how much room there was for something sent or received.
func (n *Node) transferred(t links.Transfer) {
	s := detect.Sample{Kind: detect.SampleReceived, Bytes: t.Bytes, Took: t.Took}
	if t.Sent {
		s.Kind = detect.SampleSent
	}
	if ip, err := manet.ToIP(t.Local); err == nil {
		s.Local, _ = netip.AddrFromSlice(ip)
		s.Local = s.Local.Unmap()
	}
	n.env.feed(s)
}

// completeTraversal refuses options that make no sense together.
func (c *config) completeTraversal() error {
	if c.relay == nil {
		return nil
	}
	if !c.traverse {
		return errors.New("node: WithRelay needs WithTraversal")
	}
	if err := c.relay.Check(); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}
