package detect

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

func TestEndpoint(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"/ip4/22.0.0.1/udp/4001/quic-v1", "udp4 22.0.0.1:4001"},
		{"/ip4/22.0.0.1/udp/443/quic-v1/webtransport", "udp4 22.0.0.1:443"},
		{"/ip4/22.0.0.1/tcp/443/tls/ws", "tcp4 22.0.0.1:443"},
		{"/ip6/2a01::1/udp/1/quic-v1", "udp6 [2a01::1]:1"},
		{"/ip6zone/eth0/ip6/fe80::1/tcp/1", "tcp6 [fe80::1]:1"},
		{"/ip6/::ffff:22.0.0.1/tcp/1", "tcp4 22.0.0.1:1"},
		{"/ip4/0.0.0.0/udp/0/quic-v1", "udp4 0.0.0.0:0"},
		{"/dns4/example.org/udp/4001/quic-v1", ""},
		{"/ip4/22.0.0.1/tcp/1/p2p/12D3KooWAjAwBnNN685XN4NVMUAxV8ZVMkL54D2cpcuudmueGkVm/p2p-circuit", ""},
		{"/ip4/22.0.0.1", ""},
	} {
		got := ""
		if tr, ap, ok := endpoint(ma.StringCast(tt.text)); ok {
			got = wayName(familyOf(ap.Addr()), tr) + " " + ap.String()
		}
		if got != tt.want {
			t.Errorf("%s is %q, want %q", tt.text, got, tt.want)
		}
	}
	if _, _, ok := endpoint(nil); ok {
		t.Error("no address is one")
	}
}

// mapper maps UDP ports.
type mapper struct{ found bool }

func (m mapper) HasDiscoveredNAT() bool { return m.found }

func (m mapper) GetMapping(a ma.Multiaddr) ma.Multiaddr {
	if _, err := a.ValueForProtocol(ma.P_UDP); err != nil || !m.found {
		return nil
	}
	return ma.StringCast("/ip4/22.0.0.1/udp/5001/quic-v1")
}

func TestListening(t *testing.T) {
	i := ifc("192.168.1.7/24")
	l := listening(multiaddrs("/ip4/0.0.0.0/udp/4001/quic-v1 /ip4/127.0.0.1/tcp/1 /ip4/10.9.9.9/tcp/1 /ip6/::/tcp/1"), &i, mapper{true})
	on, ports, mapped := l.on, l.ports, l.mapped
	if want := (ways[bool]{euid.IPv4: {euid.UDP: true}, euid.IPv6: {euid.TCP: true}}); on != want {
		t.Errorf("listens on %v, want %v", on, want)
	}
	if ports != (ways[uint16]{euid.IPv4: {euid.UDP: 4001}, euid.IPv6: {euid.TCP: 1}}) {
		t.Errorf("on ports %v", ports)
	}
	if mapped[euid.IPv4][euid.UDP].String() != "22.0.0.1:5001" || mapped[euid.IPv4][euid.TCP].IsValid() || mapped[euid.IPv6][euid.TCP].IsValid() {
		t.Errorf("mapped to %v", mapped)
	}
	if l := listening(multiaddrs("/ip4/192.168.1.7/tcp/1"), &i, nil); !l.on[euid.IPv4][euid.TCP] {
		t.Error("does not listen on its own address")
	}
}

// TestAskable: who listens only by what a judge cannot dial is not called in vain, and
// found to be unreachable: by WebSocket it is asked for in that form, by WebTransport not
// at all.
func TestAskable(t *testing.T) {
	i := ifc("22.0.0.1/24")
	for _, tt := range []struct {
		listen   string
		udp, tcp string
	}{
		{"/ip4/0.0.0.0/udp/1/quic-v1 /ip4/0.0.0.0/udp/1/quic-v1/webtransport /ip4/0.0.0.0/tcp/2 /ip4/0.0.0.0/tcp/2/tls/ws",
			"/ip4/22.0.0.1/udp/1/quic-v1", "/ip4/22.0.0.1/tcp/2"},
		{"/ip4/0.0.0.0/tcp/3/tls/ws /ip4/0.0.0.0/tcp/2", "", "/ip4/22.0.0.1/tcp/2"},
		{"/ip4/0.0.0.0/udp/1/quic-v1/webtransport /ip4/0.0.0.0/tcp/2/tls/ws", "", "/ip4/22.0.0.1/tcp/2/tls/ws"},
		{"/ip4/0.0.0.0/tcp/2/tls/sni/example.org/ws", "", "/ip4/22.0.0.1/tcp/2/tls/ws"},
		{"/ip4/0.0.0.0/udp/1/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ", "", ""},
	} {
		l := listening(multiaddrs(tt.listen), &i, nil)
		s := standing{nic: i, listens: l.on, ports: l.ports, wrapped: l.wrapped}
		for tr, want := range map[euid.Transport]string{euid.UDP: tt.udp, euid.TCP: tt.tcp} {
			got := ""
			if c := s.candidate(euid.IPv4, tr); c.IsValid() {
				got = multiaddrOf(tr, c, s.wrapped[euid.IPv4][tr]).String()
			}
			if got != want {
				t.Errorf("%s: judges are asked to call %q, not %q", tt.listen, got, want)
			}
		}
	}
}

// TestPortMapping: what a router maps is looked at now and then, and says who is seen.
func TestPortMapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.setPath(homePath)
		r := start(t, sys, func(c *Config) { c.Mapper = mapper{true} })
		c := r.want("a public address", time.Minute, func(c Change) bool { return c.Observation.Public[euid.IPv4].IsValid() })
		var found, by string
		for _, e := range c.Evidence {
			switch e.Of {
			case "port mapping":
				found = e.Found
			case "public ipv4":
				by = e.By
			}
		}
		if found == "" || by != "said by the router that maps ports" {
			t.Errorf("evidence %+v", c.Evidence)
		}
		r.end()
	})
}

// TestOutsideIsBounded: what libp2p says is kept up to a number.
func TestOutsideIsBounded(t *testing.T) {
	var many []ma.Multiaddr
	for k := range 2 * maxVerdicts {
		many = append(many, ma.StringCast(fmt.Sprintf("/ip4/22.0.0.1/udp/%d/quic-v1", 1+k)))
	}
	var o outside
	o.take(time.Now(), event.EvtHostReachableAddrsChanged{Reachable: many, Unreachable: many})
	if len(o.verdicts) != maxVerdicts {
		t.Errorf("%d verdicts", len(o.verdicts))
	}
}
