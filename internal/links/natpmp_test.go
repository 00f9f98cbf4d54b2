package links

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// TestPMPMessages: requests and answers are RFC 6886's, byte by byte.
func TestPMPMessages(t *testing.T) {
	e := pmpEntry{pmpUDP, 4001}
	if got, want := appendPMPMap(e, pmpLifetime), []byte{0, 1, 0, 0, 0x0f, 0xa1, 0x0f, 0xa1, 0, 0, 0x1c, 0x20}; !bytes.Equal(got, want) {
		t.Errorf("request % x, want % x", got, want)
	}
	if got, want := appendPMPMap(e, 0), []byte{0, 1, 0, 0, 0x0f, 0xa1, 0, 0, 0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("request to give it back % x, want % x", got, want)
	}
	if a, err := parsePMPAddress([]byte{0, 128, 0, 0, 0, 0, 0, 9, 22, 3, 0, 1}); err != nil || a != netip.MustParseAddr("22.3.0.1") {
		t.Errorf("address %v, %v", a, err)
	}
	if p, err := parsePMPMap([]byte{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 60}, e); err != nil || p != 0x102 {
		t.Errorf("port %d, %v", p, err)
	}
	for _, bad := range [][]byte{
		nil,
		{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0},        // short
		{1, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 60},    // another version
		{0, 130, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 60},    // for TCP
		{0, 129, 0, 2, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 60},    // refused
		{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa2, 1, 2, 0, 0, 0, 60},    // another port
		{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 0, 0, 0, 0, 0, 60},    // none given
		{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 0},     // for no time
		{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 60, 1}, // long
	} {
		if p, err := parsePMPMap(bad, e); err == nil {
			t.Errorf("% x gave port %d", bad, p)
		}
	}
}

// FuzzPMP: no answer makes a port of nothing, or panics.
func FuzzPMP(f *testing.F) {
	f.Add([]byte{0, 128, 0, 0, 0, 0, 0, 9, 22, 3, 0, 1})
	f.Add([]byte{0, 129, 0, 0, 0, 0, 0, 9, 0x0f, 0xa1, 1, 2, 0, 0, 0, 60})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parsePMPAddress(b); err == nil && (len(b) != 12 || !a.Is4()) {
			t.Errorf("address %v of % x", a, b)
		}
		if p, err := parsePMPMap(b, pmpEntry{pmpUDP, 4001}); err == nil && (len(b) != 16 || p == 0) {
			t.Errorf("port %d of % x", p, b)
		}
	})
}

// TestPMPEntries: of the addresses listened on each IPv4 port is asked for once, and the
// mapping of one keeps what comes after the port.
func TestPMPEntries(t *testing.T) {
	var listen []ma.Multiaddr
	for _, text := range []string{"/ip4/0.0.0.0/udp/4001/quic-v1", "/ip4/0.0.0.0/udp/4001/quic-v1/webtransport", "/ip4/192.168.1.7/tcp/4002",
		"/ip6/::/udp/4001/quic-v1", "/ip4/127.0.0.1/tcp/1", "/p2p-circuit"} {
		listen = append(listen, ma.StringCast(text))
	}
	entries := pmpEntries(listen)
	if want := []pmpEntry{{pmpUDP, 4001}, {pmpTCP, 4002}}; !slices.Equal(entries, want) {
		t.Errorf("asks for %v, want %v", entries, want)
	}
	p := &pmp{public: netip.MustParseAddr("22.3.0.1"), mapped: map[pmpEntry]uint16{entries[0]: 7}}
	if a := p.mapping(listen[1]); a == nil || a.String() != "/ip4/22.3.0.1/udp/7/quic-v1/webtransport" {
		t.Errorf("mapped to %v", a)
	}
	if a := p.mapping(listen[2]); a != nil {
		t.Errorf("mapped to %v, which was not given", a)
	}
	p.public = netip.MustParseAddr("10.0.0.1")
	if a := p.mapping(listen[0]); a != nil {
		t.Errorf("mapped to %v: the router is behind a NAT itself", a)
	}
	var many []ma.Multiaddr
	for port := range 2 * maxPMPPorts {
		many = append(many, ma.StringCast("/ip4/0.0.0.0/tcp/"+string(rune('1'+port%9))+string(rune('0'+port/9))))
	}
	if n := len(pmpEntries(many)); n != maxPMPPorts {
		t.Errorf("asks for %d ports, want %d at most", n, maxPMPPorts)
	}
}
