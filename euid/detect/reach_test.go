package detect

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/quilt-p2p/quilt/euid"
)

// everywhere listens by all transports and families.
var everywhere = ways[bool]{{true, true}, {true, true}}

func ifc(prefixes ...string) Interface {
	i := Interface{Index: 2, Name: "lan0", Running: true, Multicast: true}
	for _, p := range prefixes {
		i.Addrs = append(i.Addrs, netip.MustParsePrefix(p))
	}
	for f := range euid.NumFamilies {
		i.Default[f] = i.has(f)
	}
	return i
}

func udpVerdict(addr string, reachable bool) verdict {
	return verdict{euid.UDP, netip.MustParseAddrPort(addr), reachable}
}

func TestJudge(t *testing.T) {
	both := [euid.NumFamilies]bool{true, true}
	home, server := ifc("192.168.1.7/24"), ifc("22.0.0.7/24")
	seen := func(m euid.Mapping, addr string) (v ways[view]) {
		v[euid.IPv4][euid.UDP] = view{mapping: m, addr: netip.MustParseAddr(addr), observers: 3}
		return v
	}
	for _, tt := range []struct {
		name string
		s    standing
		// udp4, tcp4, udp6, tcp6; mapping, filtering; public addresses
		want string
	}{
		{"nothing is known", standing{nic: home, exit: both, listens: everywhere},
			"unknown unknown none none; unknown unknown; - -"},
		{"does not listen", standing{nic: home, exit: both, listens: ways[bool]{{true, false}, {true, true}}},
			"unknown unreachable none none; unknown unknown; - -"},
		{"public", standing{nic: server, exit: both, listens: everywhere,
			verdicts: []verdict{udpVerdict("22.0.0.7:4001", true), {euid.TCP, netip.MustParseAddrPort("22.0.0.7:4001"), true}}},
			"public public none none; none none; 22.0.0.7 -"},
		{"firewalled", standing{nic: server, exit: both, listens: everywhere,
			verdicts: []verdict{udpVerdict("22.0.0.7:4001", false), {euid.TCP, netip.MustParseAddrPort("22.0.0.7:4001"), false}}},
			"punchable punchable none none; none dependent; 22.0.0.7 -"},
		{"port-preserving NAT", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingIndependent, "22.0.0.1"),
			verdicts: []verdict{udpVerdict("22.0.0.1:4001", false)}},
			"punchable unknown none none; independent dependent; 22.0.0.1 -"},
		{"symmetric NAT, without any verdict", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingDependent, "22.0.0.1")},
			"unreachable unreachable none none; dependent dependent; 22.0.0.1 -"},
		{"symmetric NAT, with a relay", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingDependent, "22.0.0.1"), relayed: true},
			"relayed relayed none none; dependent dependent; 22.0.0.1 -"},
		{"full cone", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingIndependent, "22.0.0.1"),
			verdicts: []verdict{udpVerdict("22.0.0.1:4001", true)}, called: ways[int]{{leastCallers}}},
			"public unknown none none; independent independent; 22.0.0.1 -"},
		{"full cone, or one that lets in only whom it knows", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingIndependent, "22.0.0.1"),
			verdicts: []verdict{udpVerdict("22.0.0.1:4001", true)}, called: ways[int]{{leastCallers - 1}}},
			"public unknown none none; independent unknown; 22.0.0.1 -"},
		{"strangers call where AutoNAT is silent", standing{nic: server, exit: both, listens: everywhere, called: ways[int]{{leastCallers, leastCallers}}},
			"public public none none; none none; 22.0.0.7 -"},
		{"a NAT, and dials leave by other TCP ports", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingIndependent, "22.0.0.1"),
			noPunch: [euid.NumTransports]bool{euid.TCP: true}},
			"unknown unreachable none none; independent unknown; 22.0.0.1 -"},
		{"the same, with a mapped port", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingIndependent, "22.0.0.1"),
			mapped:  ways[netip.AddrPort]{{euid.TCP: netip.MustParseAddrPort("22.0.0.1:4001")}},
			noPunch: [euid.NumTransports]bool{euid.TCP: true}},
			"unknown unknown none none; independent unknown; 22.0.0.1 -"},
		{"firewalled, and dials leave by other TCP ports", standing{nic: server, exit: both, listens: everywhere,
			verdicts: []verdict{udpVerdict("22.0.0.7:4001", false), {euid.TCP, netip.MustParseAddrPort("22.0.0.7:4001"), false}},
			noPunch:  [euid.NumTransports]bool{euid.TCP: true}},
			"punchable unreachable none none; none dependent; 22.0.0.7 -"},
		{"a firewall that lets in TCP", standing{nic: server, exit: both, listens: everywhere,
			verdicts: []verdict{udpVerdict("22.0.0.7:4001", false), {euid.TCP, netip.MustParseAddrPort("22.0.0.7:4001"), true}}},
			"punchable public none none; none dependent; 22.0.0.7 -"},
		{"mapped port", standing{nic: home, exit: both, listens: everywhere, views: seen(euid.MappingIndependent, "22.0.0.1"),
			mapped:   ways[netip.AddrPort]{{netip.MustParseAddrPort("22.0.0.1:4001")}},
			verdicts: []verdict{udpVerdict("22.0.0.1:4001", true)}},
			"public unknown none none; independent none; 22.0.0.1 -"},
		{"a router says who it is", standing{nic: home, exit: both, listens: everywhere, mapped: ways[netip.AddrPort]{{netip.MustParseAddrPort("22.0.0.1:4001")}}},
			"unknown unknown none none; unknown unknown; 22.0.0.1 -"},
		{"a router with no public address", standing{nic: home, exit: both, listens: everywhere, mapped: ways[netip.AddrPort]{{netip.MustParseAddrPort("10.0.0.1:4001")}}},
			"unknown unknown none none; unknown unknown; - -"},
		{"IPv6 only", standing{nic: ifc("2a01::7/64", "fe80::7/64"), exit: both, listens: everywhere, verdicts: []verdict{udpVerdict("[2a01::7]:4001", true)}},
			"none none public unknown; none none; - 2a01::7"},
		{"link-local addresses are none", standing{nic: ifc("fe80::7/64"), exit: both, listens: everywhere},
			"none none none none; unknown unknown; - -"},
		{"the other interface's verdict", standing{nic: server, exit: both, listens: everywhere, verdicts: []verdict{udpVerdict("22.5.5.5:4001", true)}},
			"unknown unknown none none; unknown unknown; 22.0.0.7 -"},
		{"not the way out", standing{nic: home, listens: everywhere, verdicts: []verdict{udpVerdict("22.0.0.1:4001", true)}, views: seen(euid.MappingIndependent, "22.0.0.1")},
			"unknown unknown none none; unknown unknown; - -"},
		{"holes were punched", standing{nic: home, exit: both, listens: everywhere, punched: ways[int]{{1, 0}}},
			"punchable unknown none none; unknown dependent; - -"},
		{"libp2p alone knows the mapping", standing{nic: home, exit: both, listens: everywhere, natTypes: [euid.NumTransports]network.NATDeviceType{euid.UDP: network.NATDeviceTypeEndpointDependent}},
			"unreachable unreachable none none; dependent dependent; - -"},
	} {
		r := tt.s.judge()
		got := fmt.Sprintf("%v %v %v %v; %v %v; %s %s", r.reach[0][0], r.reach[0][1], r.reach[1][0], r.reach[1][1], r.mapping, r.filtering,
			dash(r.public[0]), dash(r.public[1]))
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		for f := range euid.NumFamilies {
			for tr := range euid.NumTransports {
				if r.how[f][tr] == "" {
					t.Errorf("%s: no reason for %s", tt.name, wayName(f, tr))
				}
			}
		}
	}
}

func dash(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}
