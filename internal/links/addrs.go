package links

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Addrs returns the addresses under which this host can be reached, as binary
// multiaddrs without the peer ID, the most useful first.
//
// Records and tickets have room for a few only, so the first few should serve as
// many peers as possible: one of each kind for each family before a second of any.
// Public addresses come before private ones, QUIC before TCP; but what gets through a
// public firewall comes before any private address but QUIC's, and what only disguises a
// connection on one's own LAN comes late. Loopback is last. Those through relays are
// first: there are such only while no other serves.
func (m *Manager) Addrs() []string {
	addrs := m.host.Addrs()
	if m.nat.relays != nil {
		addrs = append(addrs, m.nat.relays.addrs()...)
	}
	return sortAddrs(addrs)
}

// Lasting leaves out addresses, binary multiaddrs, that are good for weeks only: those
// of WebTransport, which name certificates. They are also the longest.
func Lasting(addrs []string) []string {
	return slices.DeleteFunc(slices.Clone(addrs), func(addr string) bool {
		a, err := ma.NewMultiaddrBytes([]byte(addr))
		return err == nil && TransportOf(a) == WebTransport
	})
}

// rankedAddr is an address and where it stands among others.
type rankedAddr struct {
	ma.Multiaddr
	rank, turn int
}

// sortAddrs encodes addresses, the most useful first; equally useful ones in the
// order of their bytes.
func sortAddrs(addrs []ma.Multiaddr) []string {
	addrs = withoutLocalWebTransport(addrs)
	list := make([]rankedAddr, len(addrs))
	for i, a := range addrs {
		list[i] = rankedAddr{a, uselessness(a), 0}
	}
	byRank := func(a, b rankedAddr) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return a.Compare(b.Multiaddr)
	}
	slices.SortFunc(list, byRank)
	list = slices.CompactFunc(list, func(a, b rankedAddr) bool { return a.Equal(b.Multiaddr) })
	type kind struct {
		rank, family int
	}
	seen := make(map[kind]int)
	for i, a := range list {
		k := kind{rank: a.rank}
		if len(a.Multiaddr) > 0 {
			k.family = a.Multiaddr[0].Protocol().Code
		}
		list[i].turn = seen[k]
		if a.rank >= rankLast {
			list[i].turn = len(list) // after all that others can reach
		}
		seen[k]++
	}
	slices.SortStableFunc(list, func(a, b rankedAddr) int { return a.turn - b.turn })
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a.Bytes())
	}
	return out
}

// withoutLocalWebTransport leaves out addresses of WebTransport, the longest there are,
// that nobody dials (see withoutWrapped): those on the LAN beside QUIC.
func withoutLocalWebTransport(addrs []ma.Multiaddr) []ma.Multiaddr {
	quic := make(map[string]bool)
	for _, a := range addrs {
		if TransportOf(a) == QUIC {
			quic[socketOf(a)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		return TransportOf(a) == WebTransport && !manet.IsPublicAddr(a) && quic[socketOf(a)]
	})
}

// rankLast is the rank from which on an address is of no use but to neighbours.
const rankLast = 20

// uselessness ranks an address: the fewer peers reach it, and the worse, the higher.
// All of it is our guess.
func uselessness(a ma.Multiaddr) int {
	ranks := map[Transport]int{QUIC: 3, TCP: 5, WSS: 7, WebTransport: 8, "": 9}
	base := 0
	switch {
	case viaRelay(a):
		relay, _ := ma.SplitFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
		return uselessness(relay) - 2*rankLast
	case manet.IsIPLoopback(a):
		base = 2 * rankLast
	case manet.IsIP6LinkLocal(a):
		base = rankLast
	case manet.IsPublicAddr(a):
		ranks = map[Transport]int{QUIC: 0, WSS: 1, TCP: 2, WebTransport: 4, "": 6}
	}
	return base + ranks[TransportOf(a)]
}

// watchAddrs tells the Handler when the host's addresses change, until the host
// closes, and announces the new ones on the LAN.
func (m *Manager) watchAddrs() {
	if m.lan != nil {
		m.lan.announce()
	}
	for range m.events.Out() {
		if m.lan != nil {
			m.lan.announce()
		}
		m.handler.AddrsChanged()
	}
}
