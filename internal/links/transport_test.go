package links

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/internal/ways"
)

// TestTransportOf: which transport an address is of, and what a firewall sees of it.
func TestTransportOf(t *testing.T) {
	const hash = "/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"
	for _, c := range []struct {
		addr string
		want Transport
		way  string // "" for none
	}{
		{"/ip4/1.2.3.4/udp/443/quic-v1", QUIC, "quic4:443"},
		{"/ip6/2a00::1/udp/4001/quic-v1", QUIC, "quic6"},
		{"/ip4/1.2.3.4/tcp/443", TCP, "tcp4:443"},
		{"/ip4/1.2.3.4/tcp/443/tls/ws", WSS, "wss4:443"},
		{"/ip4/1.2.3.4/tcp/443/tls/sni/a.example/ws", WSS, "wss4:443"},
		{"/ip6/2a00::1/tcp/443/wss", WSS, "wss6:443"},
		{"/ip4/1.2.3.4/tcp/443/tls/http", WSS, "wss4:443"}, // marked
		{"/ip4/1.2.3.4/udp/443/quic-v1/webtransport" + hash, WebTransport, "webtransport4:443"},
		{"/ip4/1.2.3.4/udp/443/quic-v1/http" + hash, WebTransport, "webtransport4:443"}, // marked
		{"/ip6zone/eth0/ip6/fe80::1/tcp/443", TCP, "tcp6:443"},
		{"/dns4/a.example/tcp/443/tls/ws", WSS, ""},
		{"/ip4/1.2.3.4/tcp/80/ws", "", ""},
		{"/ip4/1.2.3.4/udp/9", "", ""},
		{"/ip4/1.2.3.4/tcp/443/tls/ws/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit", "", ""},
	} {
		a := ma.StringCast(c.addr)
		if got := TransportOf(a); got != c.want {
			t.Errorf("%s: transport %q, want %q", c.addr, got, c.want)
		}
		w, ok := wayOf(a)
		if got := w.String(); ok != (c.way != "") || ok && got != c.way {
			t.Errorf("%s: way %s (%v), want %q", c.addr, got, ok, c.way)
		}
	}
	for i, tr := range Transports {
		if ways.Kind(i).String() != string(tr) {
			t.Errorf("%s and %s are not in the same order", ways.Kind(i), tr)
		}
	}
}

// TestParseTransports: names are read strictly.
func TestParseTransports(t *testing.T) {
	if got, err := ParseTransports("wss, quic,wss"); err != nil || !slices.Equal(got, []Transport{WSS, QUIC}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "udp", "wss,,quic"} {
		if _, err := ParseTransports(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// allOn has every transport on any port of one address.
var allOn = []string{
	"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/udp/0/quic-v1/webtransport",
	"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/tls/ws",
}

// TestSharedPorts: four transports take one UDP and one TCP port, given or not, and
// each can be dialled there, by who knows all addresses too.
func TestSharedPorts(t *testing.T) {
	a := newNode(t, "", func(c *Config) { c.Listen = allOn })
	ports := make(map[string]bool)
	byKind := make(map[Transport]string)
	for _, b := range a.host.Addrs() {
		ports[socketOf(b)] = true
		byKind[TransportOf(b)] = string(b.Bytes())
	}
	if len(ports) != 2 || len(byKind) != 4 {
		t.Fatalf("%d ports for %d transports: %v", len(ports), len(byKind), a.host.Addrs())
	}
	for kind, addr := range byKind {
		b := newNode(t, "")
		b.Dial(a.ID(), []string{addr})
		awaitUp(t, b, a)
		conn := b.host.Network().ConnsToPeer(a.ID())[0]
		if got := TransportOf(conn.RemoteMultiaddr()); got != kind {
			t.Errorf("dialled %s, connected by %s", kind, got)
		}
		b.stop(t)
	}
	var again []string
	for _, b := range a.host.Network().ListenAddresses() {
		again = append(again, withoutHashes(b).String())
	}
	a.stop(t)
	c := newNode(t, "", func(c *Config) { c.Listen = again })
	if got := len(c.host.Network().ListenAddresses()); got != 4 {
		t.Errorf("listens on %d of %v", got, again)
	}
}

// withoutHashes is an address to listen on.
func withoutHashes(a ma.Multiaddr) ma.Multiaddr {
	b, _ := ma.SplitFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_CERTHASH })
	return b
}

// TestOnlyTransports: what is not to be used is neither listened on nor dialled.
func TestOnlyTransports(t *testing.T) {
	only := func(c *Config) { c.Transports = []Transport{WSS} }
	cfg := testConfig(t, "/ip4/127.0.0.1/tcp/0")
	only(&cfg)
	if _, err := New(cfg, newRecorder(t)); err == nil || !strings.Contains(err.Error(), "tcp") {
		t.Errorf("listens on TCP: %v", err)
	}
	for _, bad := range []string{"/ip4/127.0.0.1", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0"} {
		if _, err := New(testConfig(t, bad), newRecorder(t)); err == nil {
			t.Errorf("listens on %s", bad)
		}
	}
	a := newNode(t, "", func(c *Config) { c.Listen = allOn })
	b := newNode(t, "", only)
	b.link(t, a)
	for _, conn := range b.host.Network().ConnsToPeer(a.ID()) {
		if got := TransportOf(conn.RemoteMultiaddr()); got != WSS {
			t.Errorf("connected by %s", got)
		}
	}
}

// TestServerName: an address with a server name is told to others as it is, and can be
// dialled.
func TestServerName(t *testing.T) {
	a := newNode(t, "/ip4/127.0.0.1/tcp/0/tls/sni/www.example.org/ws")
	if got := a.host.Addrs()[0].String(); !strings.HasSuffix(got, "/tls/sni/www.example.org/ws") {
		t.Errorf("listens on %s", got)
	}
	b := newNode(t, "")
	b.link(t, a)
}

// TestOuterTLS: what a dial by WebSocket shows to who watches: no server name where
// the address has none, the protocol name of every WebSocket client, TLS 1.3 and
// nothing older; and who does not ask for 1.3 is not shown the certificate.
func TestOuterTLS(t *testing.T) {
	cert, err := snakeOil(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	hello := make(chan *tls.ClientHelloInfo, 1)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		hello <- h
		return &cert, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		_ = conn.(*tls.Conn).Handshake()
		conn.Close()
	}()
	a := newNode(t, "/ip4/127.0.0.1/tcp/0/tls/ws")
	at, err := manet.FromNetAddr(ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	a.Dial(idOf(t, newKey(t)), []string{string(at.Encapsulate(ma.StringCast("/tls/ws")).Bytes())})
	h := <-hello
	if h.ServerName != "" || !slices.Equal(h.SupportedProtos, []string{"http/1.1"}) || !slices.Equal(h.SupportedVersions, []uint16{tls.VersionTLS13}) {
		t.Errorf("the client says: name %q, protocols %q, versions %x", h.ServerName, h.SupportedProtos, h.SupportedVersions)
	}

	_, here, err := manet.DialArgs(a.host.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	dialer := func(c *tls.Config) error {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", here, c)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := dialer(&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	if err := dialer(&tls.Config{}); err == nil {
		t.Error("an authority has signed it?")
	}
	if err := dialer(&tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Error(err)
	}
}

// TestImpostor: the outer certificate proves nothing, so another host behind the
// address is found out by its key.
func TestImpostor(t *testing.T) {
	a, b := newNode(t, transports["wss"]), newNode(t, "")
	other := idOf(t, newKey(t))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.host.Connect(ctx, peer.AddrInfo{ID: other, Addrs: a.host.Addrs()}); err == nil {
		t.Error("connected to another than was dialled")
	}
}
