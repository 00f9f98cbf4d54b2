package links

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Addrs returns the addresses under which this host can be reached, as binary
// multiaddrs without the peer ID, the most useful first: public before private
// before loopback, QUIC before TCP.
func (m *Manager) Addrs() []string { return sortAddrs(m.host.Addrs()) }

// sortAddrs encodes addresses, the most useful first; equally useful ones in the
// order of their bytes.
func sortAddrs(addrs []ma.Multiaddr) []string {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, func(a, b ma.Multiaddr) int {
		if d := usefulness(b) - usefulness(a); d != 0 {
			return d
		}
		return a.Compare(b)
	})
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = string(a.Bytes())
	}
	return slices.Compact(out)
}

// usefulness ranks an address by how many peers can reach it and how well.
func usefulness(a ma.Multiaddr) int {
	rank := 0
	switch {
	case manet.IsIPLoopback(a):
	case manet.IsIP6LinkLocal(a):
		rank = 2
	case manet.IsPublicAddr(a):
		rank = 6
	default:
		rank = 4
	}
	if _, err := a.ValueForProtocol(ma.P_QUIC_V1); err == nil {
		rank++
	}
	return rank
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
