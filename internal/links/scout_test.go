package links

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/internal/ways"
)

// tlsOnly is a firewall before one TCP port: a connection that begins as TLS does is
// let through to it, any other is let in and then hears nothing.
type tlsOnly struct {
	net.Listener
	to string

	mu    sync.Mutex
	begun []string // what each connection began with: "tls" or "plain"
	open  []net.Conn
}

func newTLSOnly(t *testing.T, to string) *tlsOnly {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &tlsOnly{Listener: ln, to: to}
	t.Cleanup(func() {
		ln.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, c := range f.open {
			c.Close()
		}
	})
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go f.pass(conn)
		}
	}()
	return f
}

func (f *tlsOnly) pass(in net.Conn) {
	first := make([]byte, 2)
	_, err := io.ReadFull(in, first)
	f.mu.Lock()
	f.open = append(f.open, in)
	if err != nil || first[0] != 0x16 || first[1] != 3 {
		f.begun = append(f.begun, "plain")
		f.mu.Unlock()
		return
	}
	f.begun = append(f.begun, "tls")
	f.mu.Unlock()
	out, err := net.Dial("tcp", f.to)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.open = append(f.open, out)
	f.mu.Unlock()
	if _, err := out.Write(first); err == nil {
		go func() { _, _ = io.Copy(in, out); in.Close() }()
		_, _ = io.Copy(out, in)
		out.Close()
	}
}

// seen returns what connections began with since the last call.
func (f *tlsOnly) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := strings.Join(f.begun, " ")
	f.begun = nil
	return s
}

// outside has a node take everything for the outside world.
func outside(c *Config) {
	c.scout = newScout(c.Ways)
	c.scout.look = func() place { return place{id: ways.ID{7}, noLAN: true} }
}

// TestScout: behind a firewall that drops UDP and lets through only what begins as TLS
// does, a dial comes up by WebSocket, though the same port is known for TCP too; the
// next goes there at once, after a restart as well; elsewhere nothing of it is known.
func TestScout(t *testing.T) {
	a := newNode(t, "", func(c *Config) { c.Listen = allOn })
	var to string
	for _, addr := range a.host.Addrs() {
		if TransportOf(addr) == TCP {
			_, to, _ = manet.DialArgs(addr)
		}
	}
	f := newTLSOnly(t, to)
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0") // drops what comes
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var addrs []string
	port := f.Addr().(*net.TCPAddr).Port
	for _, text := range []string{
		fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", silent.LocalAddr().(*net.UDPAddr).Port),
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port),
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/tls/ws", port),
	} {
		addrs = append(addrs, string(ma.StringCast(text).Bytes()))
	}
	dial := func(b *node) {
		t.Helper()
		begin := time.Now()
		b.Dial(a.ID(), addrs)
		awaitUp(t, b, a)
		took := time.Since(begin)
		if got := TransportOf(b.host.Network().ConnsToPeer(a.ID())[0].RemoteMultiaddr()); got != WSS {
			t.Errorf("connected by %s", got)
		}
		t.Logf("up in %v; connections: %s", took.Round(time.Millisecond), f.seen())
	}
	// planned is when each transport would be dialled, in milliseconds.
	planned := func(b *node) string {
		var list []ma.Multiaddr
		for _, addr := range addrs {
			list = append(list, ma.Cast([]byte(addr)))
		}
		var after []string
		for _, d := range b.cfg.scout.rank(list) {
			after = append(after, fmt.Sprintf("%s@%d", TransportOf(d.Addr), d.Delay.Milliseconds()))
		}
		return strings.Join(after, " ")
	}
	want := func(what string, b *node, want string) {
		t.Helper()
		if got := planned(b); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	const unknown, known = "quic@0 tcp@250 wss@500", "quic@1000 tcp@1250 wss@0"
	b := newNode(t, "", outside)
	want("nothing is known", b, unknown)
	dial(b)
	want("after a dial", b, known)
	b.stop(t)
	kept := b.Ways()
	if len(kept) > ways.MaxSize {
		t.Errorf("%d bytes to keep", len(kept))
	}
	c := newNode(t, "", func(c *Config) { c.Ways = kept }, outside)
	want("after a restart", c, known)
	dial(c)
	c.stop(t)
	d := newNode(t, "", func(c *Config) { c.Ways = kept }, outside, func(c *Config) {
		c.scout.look = func() place { return place{id: ways.ID{8}, noLAN: true} }
	})
	want("in another network", d, unknown)
	dial(d)
}

// TestWaysDamaged: what cannot be read is forgotten.
func TestWaysDamaged(t *testing.T) {
	a := newNode(t, transports["wss"], func(c *Config) { c.Ways = []byte("damaged") })
	newNode(t, "").link(t, a)
}

// TestRank: neighbours are dialled in libp2p's order and without what only disguises,
// the outside by what is known, relays after a while.
func TestRank(t *testing.T) {
	s := newScout(nil)
	_, lan, _ := net.ParseCIDR("22.1.0.0/24")
	s.look = func() place { return newPlace([]net.Addr{lan}, nil) }
	const relay = "/ip4/9.9.9.9/tcp/443/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit"
	for _, c := range []struct {
		what string
		want []string // address@milliseconds, in the order asked
	}{
		{"the outside", []string{
			"/ip4/5.6.7.8/tcp/443/tls/ws@500", "/ip4/5.6.7.8/tcp/443@250", "/ip4/5.6.7.8/udp/443/quic-v1@0",
			"/ip4/5.6.7.9/udp/443/quic-v1@250", relay + "@500",
		}},
		{"a relay alone", []string{relay + "@0"}},
		{"neighbours", []string{
			"/ip4/22.1.0.9/udp/443/quic-v1@0", "/ip4/22.1.0.9/tcp/443@250", "/ip4/22.1.0.9/tcp/444/tls/ws@500",
			"/ip4/22.1.0.9/tcp/443/tls/ws@never", "/ip4/22.1.0.9/udp/443/quic-v1/http@never",
			"/ip4/192.168.1.7/udp/9/quic-v1@0",
		}},
	} {
		var addrs []ma.Multiaddr
		for _, w := range c.want {
			text, _, _ := strings.Cut(w, "@")
			addrs = append(addrs, ma.StringCast(text))
		}
		delays := make(map[string]string)
		for _, d := range s.rank(slices.Clone(addrs)) {
			delays[d.Addr.String()] = fmt.Sprint(d.Delay.Milliseconds())
		}
		for i, a := range addrs {
			after := delays[a.String()]
			if after == "" {
				after = "never"
			}
			if got := a.String() + "@" + after; got != c.want[i] {
				t.Errorf("%s: %s, want %s", c.what, got, c.want[i])
			}
		}
	}
}

// TestPlace: prefixes and resolvers make the place, their order and the rest does not.
func TestPlace(t *testing.T) {
	addrs := func(texts ...string) (list []net.Addr) {
		for _, text := range texts {
			ip, prefix, err := net.ParseCIDR(text)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, &net.IPNet{IP: ip, Mask: prefix.Mask})
		}
		return list
	}
	home := newPlace(addrs("127.0.0.1/8", "192.168.1.7/24", "fe80::1/64"), []byte("# by hand\nnameserver 192.168.1.1\n"))
	same := newPlace(addrs("fe80::2/64", "192.168.1.9/24", "192.168.1.10/24"), []byte("nameserver  192.168.1.1\nsearch lan\n"))
	if home.id != same.id || len(home.own) != 1 {
		t.Errorf("another address, another place: %v %v", home, same)
	}
	for what, other := range map[string]place{
		"prefix":   newPlace(addrs("192.168.2.7/24"), []byte("nameserver 192.168.1.1\n")),
		"resolver": newPlace(addrs("192.168.1.7/24"), []byte("nameserver 192.168.1.2\n")),
		"tunnel":   newPlace(addrs("192.168.1.7/24", "10.8.0.2/32"), []byte("nameserver 192.168.1.1\n")),
		"nothing":  newPlace(nil, nil),
	} {
		if other.id == home.id {
			t.Errorf("another %s, the same place", what)
		}
	}
}
