package topology

import (
	"fmt"
	"net/netip"
)

const (
	lanMS   = 0.2 // round trip: a switch between them
	lanMbps = 1000
	// MaxLAN is how many hosts a LAN has at most: those of a /16.
	MaxLAN = 65_000
)

// lan makes n hosts on one switch, on which IP multicast works, without NAT.
func lan(spec string, n int) *Topology {
	hosts := make([]Host, n)
	s := &located{ms: newTriangle(1), sameCluster: lanMS, sameLocation: lanMS, hosts: make([]place, n)}
	for i := range hosts {
		hosts[i] = Host{
			Name: fmt.Sprintf("h%d", i+1), Cluster: "lan",
			Addr:     netip.AddrFrom4([4]byte{193, 50, byte((i + 1) >> 8), byte(i + 1)}),
			Resolver: "dns.lan", Hops: []string{"lan-gw"}, Multicast: "lan", Up: lanMbps, Down: lanMbps,
		}
	}
	return newTopology(spec, hosts, s)
}
