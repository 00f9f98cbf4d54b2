package node

import (
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/internal/links"
)

// TestCaller: the host that calls others comes through by QUIC and by TCP, listens
// nowhere, and what it calls the gate does not remember, but what comes it does.
func TestCaller(t *testing.T) {
	n := start(t, t.TempDir())
	h := n.links.Host()
	for _, a := range h.Network().ListenAddresses() {
		g, v := newGate(), newVerdicts()
		c, err := newCaller(callerConfig{gater: callGate{g}, counters: &v, only: []links.Transport{links.QUIC, links.TCP, links.WSS}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := c.Connect(t.Context(), peer.AddrInfo{ID: h.ID(), Addrs: []ma.Multiaddr{a}}); err != nil {
			t.Errorf("to %v: %v", a, err)
		}
		tr, addr, ok := way(a)
		await(t, "it is noticed that it came", func() bool { return n.gate.accepted(addr, tr, begin) })
		if !ok || g.dialed(addr) || n.gate.accepted(addr, tr, time.Now()) {
			t.Errorf("%v: its gate remembers the call %v, or the other one too long", a, g.dialed(addr))
		}
		if list := c.Addrs(); len(list) != 0 {
			t.Errorf("it listens on %v", list)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		g.InterceptAddrDial("x", a)
		if g.dialed(addr) != (tr == euid.UDP) {
			t.Errorf("a dial of %v is remembered: %v", a, g.dialed(addr))
		}
	}
}

// TestProof: one connection shows that UDP and IPv6 are not swallowed; one that is
// relayed, or on this machine, shows nothing.
func TestProof(t *testing.T) {
	for _, tt := range []struct {
		addr      string
		udp, ipv6 string
	}{
		{"/ip4/22.0.0.1/udp/1/quic-v1", "Allowed", "Probing"},
		{"/ip6/2a01::1/tcp/1", "Probing", "Allowed"},
		{"/ip6/2a01::1/udp/1/quic-v1", "Allowed", "Allowed"},
		{"/ip4/22.0.0.1/tcp/1", "Probing", "Probing"},
		{"/ip4/127.0.0.1/udp/1/quic-v1", "Probing", "Probing"},
		{"/ip4/22.0.0.1/udp/1/quic-v1/p2p/12D3KooWAjAwBnNN685XN4NVMUAxV8ZVMkL54D2cpcuudmueGkVm/p2p-circuit", "Probing", "Probing"},
	} {
		v := newVerdicts()
		v.prove(ma.StringCast(tt.addr))
		if u, s := v.udp.State().String(), v.ipv6.State().String(); u != tt.udp || s != tt.ipv6 {
			t.Errorf("%s: UDP %s, IPv6 %s; want %s, %s", tt.addr, u, s, tt.udp, tt.ipv6)
		}
	}
	v := newVerdicts()
	for range 2 * countedDials {
		v.udp.RecordResult(false)
	}
	if s := v.udp.State().String(); s != "Blocked" {
		t.Fatalf("after so many failures UDP is %s", s)
	}
	if v.prove(ma.StringCast("/ip4/22.0.0.1/udp/1/quic-v1")); v.udp.State().String() != allowed {
		t.Error("a black hole from which something came stays one")
	}
}

// TestRecent: so many addresses are remembered, the latest, an IPv6 /64 for one.
func TestRecent(t *testing.T) {
	var r recent
	begin := time.Now()
	for k := range maxRecent + 10 {
		r.note(netip.AddrFrom4([4]byte{22, byte(k >> 8), byte(k), 1}))
	}
	if len(r.at) != maxRecent || r.since(netip.MustParseAddr("22.0.0.1"), begin) || !r.since(netip.MustParseAddr("22.4.9.1"), begin) {
		t.Errorf("%d are remembered", len(r.at))
	}
	r.note(netip.MustParseAddr("2a01::1"))
	if !r.since(netip.MustParseAddr("2a01::2"), begin) || r.since(netip.MustParseAddr("2a01:0:0:1::2"), begin) || r.since(netip.MustParseAddr("2a01::1"), time.Now().Add(time.Second)) {
		t.Error("an IPv6 host with another address of its /64 is another")
	}
}

// TestClosed: peers are not called on that say that nobody can call them.
func TestClosed(t *testing.T) {
	with := func(d euid.Direction) []byte {
		var e euid.EUID
		e.Reach[euid.IPv4][euid.UDP] = d
		return e.Append(nil)
	}
	for _, tt := range []struct {
		euids [][]byte
		want  bool
	}{
		{nil, false},
		{[][]byte{{9, 9}}, false}, // of a later version
		{[][]byte{with(euid.DirectionPublic)}, false},
		{[][]byte{with(euid.DirectionUnknown)}, false},
		{[][]byte{with(euid.DirectionPunchable)}, true},
		{[][]byte{with(euid.DirectionUnreachable), with(euid.DirectionRelayed)}, true},
		{[][]byte{with(euid.DirectionUnreachable), with(euid.DirectionPublic)}, false},
	} {
		if got := closed(tt.euids); got != tt.want {
			t.Errorf("%x: %v", tt.euids, got)
		}
	}
}
