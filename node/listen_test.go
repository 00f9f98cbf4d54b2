package node

import (
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/internal/ways"

	ma "github.com/multiformats/go-multiaddr"
)

// TestListenAddrs: what is listened on by each combination of options.
func TestListenAddrs(t *testing.T) {
	four := func(host string, port int) []string {
		return []string{
			fmt.Sprintf("%s/udp/%d/quic-v1", host, port), fmt.Sprintf("%s/tcp/%d", host, port),
			fmt.Sprintf("%s/tcp/%d/tls/ws", host, port), fmt.Sprintf("%s/udp/%d/quic-v1/webtransport", host, port),
		}
	}
	port := func(n int) []string {
		list := four("/ip4/0.0.0.0", n)
		if hasIPv6() {
			list = append(list, four("/ip6/::", n)...)
		}
		return list
	}
	for _, c := range []struct {
		what string
		opts []Option
		want []string
	}{
		{"default", nil, append(four("/ip4/0.0.0.0", 0), four("/ip6/::", 0)...)},
		{"nowhere", []Option{WithListen()}, nil},
		{"one address", []Option{WithListen(LoopbackListen[0])}, LoopbackListen[:1]},
		{"a port", []Option{WithPort(443)}, port(443)},
		{"ports and an address", []Option{WithPort(443), WithListen(LoopbackListen[0]), WithPort(9)},
			slices.Concat(LoopbackListen[:1], port(443), port(9))},
		{"one transport", []Option{WithTransports("wss")}, []string{"/ip4/0.0.0.0/tcp/0/tls/ws", "/ip6/::/tcp/0/tls/ws"}},
	} {
		cfg, err := newConfig(c.opts)
		if err != nil || !slices.Equal(cfg.listen, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.what, cfg.listen, err, c.want)
		}
	}
	if _, err := newConfig([]Option{WithTransports("udp")}); err == nil {
		t.Error("there is a transport udp?")
	}
}

// TestListenAdvice: an error of listening says what to do about it.
func TestListenAdvice(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.EACCES, "1024"}, {fs.ErrPermission, "1024"},
		{syscall.EADDRNOTAVAIL, "0.0.0.0"}, {syscall.EADDRINUSE, "choose another one"},
	} {
		if got := listenAdvice(fmt.Errorf("listening: %w", c.err)); !strings.Contains(got, c.want) {
			t.Errorf("%v: %s", c.err, got)
		}
	}
	_, err := tryStart(t, t.TempDir(), WithListen("/ip4/192.0.2.1/tcp/443/tls/ws"))
	wantError(t, err, syscall.EADDRNOTAVAIL, "/ip4/192.0.2.1/tcp/443/tls/ws", "no such address")
}

// TestPortHalfTaken: a port that only TCP can have is not taken for listened on, nor
// is one that speaks TCP but not WebSocket.
func TestPortHalfTaken(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.LocalAddr().(*net.UDPAddr).Port
	quic := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", port)
	_, err = tryStart(t, t.TempDir(), WithListen(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port), quic, quic+"/webtransport"))
	wantError(t, err, syscall.EADDRINUSE, "on "+quic+":")

	listening := []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/443")}
	if missing := notListening([]string{"/ip4/127.0.0.1/tcp/443", "/ip4/127.0.0.1/tcp/443/tls/ws", "/ip4/127.0.0.1/tcp/0"}, listening); len(missing) != 1 {
		t.Errorf("missing: %v", missing)
	}
}

// TestEveryTransport: peers that use one transport only find each other through a
// ticket of one that has all, on two ports; tickets have no address that will not last.
func TestEveryTransport(t *testing.T) {
	a := start(t, t.TempDir(), WithListen(
		"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/udp/0/quic-v1/webtransport",
		"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/tls/ws"))
	text := ticket(t, a)
	tick, err := gossipmembership.ParseTicket(text)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tick.Peers[0].Addrs); n != 3 {
		t.Errorf("the ticket has %d addresses, want all but WebTransport's", n)
	}
	for _, name := range []string{"quic", "tcp", "wss"} {
		b := start(t, t.TempDir(), WithListen(), WithTransports(name), WithTickets(text))
		sub := subscribe(t, join(t, b, name))
		publish(t, join(t, a, name), "by "+name, WithWait(1))
		nextItem(t, sub, "by "+name)
		s, err := b.Status()
		if err != nil || len(s.Peers) == 0 {
			t.Fatalf("%s: no peers (%v)", name, err)
		}
		if got := links.TransportOf(ma.StringCast(s.Peers[0].Addr)); string(got) != name {
			t.Errorf("the link of %s is by %s", name, s.Peers[0].Addr)
		}
		closeNode(t, b)
	}
}

// TestClip: what is too long for a record, or too much, is left out; of another's
// addresses a ticket has the best and one that gets through firewalls.
func TestClip(t *testing.T) {
	long := strings.Repeat("x", gossipmembership.MaxAddrLen+1)
	list := []string{long, long[1:]}
	for range gossipmembership.MaxAddrs {
		list = append(list, "address")
	}
	if got := clip(list); len(got) != gossipmembership.MaxAddrs || got[0] != long[1:] {
		t.Errorf("clipped to %q", got)
	}
	bin := func(text string) string { return string(ma.StringCast(text).Bytes()) }
	quic4, quic6 := bin("/ip4/1.2.3.4/udp/443/quic-v1"), bin("/ip6/2a00::1/udp/443/quic-v1")
	wss := bin("/ip4/1.2.3.4/tcp/443/tls/ws")
	if got := twoOf([]string{quic4, quic6, wss}); !slices.Equal(got, []string{quic4, wss}) {
		t.Errorf("two of three: %q", got)
	}
	if got := twoOf([]string{quic4, quic6}); len(got) != 2 {
		t.Errorf("two of two: %q", got)
	}
	if got := twoOf(nil); len(got) != 0 {
		t.Errorf("two of none: %q", got)
	}
}

// TestWaysAreKept: what got through on the networks where this peer has been survives
// restarts, in the file that only its owner can read.
func TestWaysAreKept(t *testing.T) {
	home := t.TempDir()
	closeNode(t, start(t, home))
	s, err := store.Open(filepath.Join(home, "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var m ways.Memory
	id, wss := ways.ID{1, 2, 3}, ways.Way{Kind: ways.WSS, HTTPS: true}
	now := time.Now()
	m.Won(now, id, m.Plan(now, id, []ways.Way{wss}), wss)
	if err := s.SetMeta(metaLinks, "ways", m.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	closeNode(t, start(t, home))
	n := start(t, home)
	kept, err := ways.Parse(now, n.links.Ways())
	if err != nil || kept.Standing(now, id, wss) != ways.Works {
		t.Errorf("forgotten: %v", err)
	}
}
