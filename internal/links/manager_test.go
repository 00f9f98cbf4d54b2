package links

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestConfig: what is wrong with a config is said; what is left out has a default.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string // part of the error
	}{
		{func(c *Config) { c.Identity = nil }, "Identity"},
		{func(c *Config) { c.Hello = nil }, "Hello"},
		{func(c *Config) { c.Now = nil }, "Now"},
		{func(c *Config) { c.Listen = []string{"127.0.0.1:80"} }, `"127.0.0.1:80"`},
		{func(c *Config) { c.MaxInbound = 100 }, "MaxInbound 100"},
		{func(c *Config) { c.MaxConns = 64 }, "MaxConns 64"},
		{func(c *Config) { c.MaxMemory = 1 << 20 }, "MaxMemory"},
		{func(c *Config) { c.WriteTimeout = -1 }, "negative"},
	} {
		cfg := testConfig(t, "")
		c.change(&cfg)
		if _, err := New(cfg, newRecorder(t)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one about %s", err, c.want)
		}
	}
	cfg, err := Config{Identity: newKey(t), Hello: func() []byte { return nil }, Now: func() protocol.Time { return 0 }}.withDefaults()
	if err != nil || cfg.MaxLinks != 64 || cfg.MaxInbound != 48 || cfg.MaxConns != 97 || cfg.DialTimeout != 10*time.Second {
		t.Errorf("defaults: %+v, %v", cfg, err)
	}
}

// TestListenTaken: an address in use is an error of New that names it.
func TestListenTaken(t *testing.T) {
	a := newNode(t, transports["tcp"])
	cfg := testConfig(t, a.host.Addrs()[0].String())
	if m, err := New(cfg, newRecorder(t)); err == nil {
		_ = m.Stop()
		t.Error("two hosts listen on one address")
	}
}

// TestSortAddrs: the most useful first, doubles gone: of each kind and family one
// before a second of any, what a firewall lets through before what it does not.
func TestSortAddrs(t *testing.T) {
	const h3 = "/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"
	want := []string{
		"/ip4/5.6.7.8/udp/1/quic-v1", "/ip6/2a00::1/udp/1/quic-v1",
		"/ip4/5.6.7.8/tcp/1/tls/ws", "/ip6/2a00::1/tcp/1/tls/ws",
		"/ip4/5.6.7.8/tcp/1",
		"/ip4/192.168.1.2/udp/1/quic-v1", "/ip4/5.6.7.8/udp/1" + h3, "/ip4/192.168.1.2/tcp/1",
		"/ip4/192.168.1.2/tcp/1/tls/ws", "/ip4/192.168.1.2/udp/2" + h3, // QUIC is on another port
		"/ip4/5.6.7.9/udp/1/quic-v1", "/ip6/2a00::2/udp/1/quic-v1", "/ip4/192.168.2.2/udp/1/quic-v1",
		"/ip4/5.6.7.10/udp/1/quic-v1",
		"/ip6/fe80::1/tcp/1",
		"/ip4/127.0.0.1/udp/1/quic-v1", "/ip6/::1/tcp/1",
	}
	var addrs []ma.Multiaddr
	for i := range want {
		addrs = append(addrs, ma.StringCast(want[len(want)-1-i]))
	}
	addrs = append(addrs, ma.StringCast("/ip4/192.168.1.2/udp/1"+h3)) // beside QUIC: nobody dials it
	text := func(list []string) (got []string) {
		for _, b := range list {
			a, err := ma.NewMultiaddrBytes([]byte(b))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a.String())
		}
		return got
	}
	sorted := sortAddrs(append(addrs, addrs...))
	if got := text(sorted); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, "certhash") })
	if got := text(Lasting(sorted)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("lasting:\ngot  %q\nwant %q", got, want)
	}
}

// TestLearn: of the addresses of a Dial those that parse and are the peer's are
// tried, and a bounded number of them.
func TestLearn(t *testing.T) {
	a := newNode(t, "")
	peer, other := idOf(t, newKey(t)), idOf(t, newKey(t))
	addr := func(text string) string { return string(ma.StringCast(text).Bytes()) }
	a.learn(peer, []string{
		"no address", "", addr("/ip4/1.2.3.4/tcp/1/p2p/" + peer.String()),
		addr("/ip4/1.2.3.4/tcp/2/p2p/" + other.String()), addr("/p2p/" + peer.String()),
	})
	if got := fmt.Sprint(a.host.Peerstore().Addrs(peer)); got != "[/ip4/1.2.3.4/tcp/1]" {
		t.Errorf("learnt %s", got)
	}
	var many []string
	for i := range 2 * MaxDialAddrs {
		many = append(many, addr(fmt.Sprintf("/ip4/1.2.3.4/tcp/%d", 100+i)))
	}
	a.learn(other, many)
	if n := len(a.host.Peerstore().Addrs(other)); n != MaxDialAddrs {
		t.Errorf("learnt %d addresses, want %d", n, MaxDialAddrs)
	}
}

// TestLedgerIsBounded: the peer charged longest ago is forgotten.
func TestLedgerIsBounded(t *testing.T) {
	var g ledger
	id := func(i int) protocol.PeerID { return protocol.PeerID(fmt.Sprint(i)) }
	for i := range MaxCharged {
		g.charge(id(i))
	}
	g.charge(id(0))
	g.charge(id(MaxCharged))
	if g.points[id(0)] != 2 || g.points[id(1)] != 0 || g.points[id(MaxCharged)] != 1 {
		t.Errorf("points %d, %d, %d", g.points[id(0)], g.points[id(1)], g.points[id(MaxCharged)])
	}
	if len(g.points) != MaxCharged || len(g.order) != MaxCharged {
		t.Errorf("%d peers in %d places", len(g.points), len(g.order))
	}
}

// TestAddrsChanged: the host's news of its addresses reach the Handler.
func TestAddrsChanged(t *testing.T) {
	a := newNode(t, transports["quic"])
	emitter, err := a.host.EventBus().Emitter(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		t.Fatal(err)
	}
	defer emitter.Close()
	before := func() int { a.rec.mu.Lock(); defer a.rec.mu.Unlock(); return a.rec.addrs }
	n := before()
	if err := emitter.Emit(event.EvtLocalAddressesUpdated{}); err != nil {
		t.Fatal(err)
	}
	await(t, "AddrsChanged", func() bool { return before() > n })
}

// TestBugsPanic: a frame that no peer would take is a bug of who sends it.
func TestBugsPanic(t *testing.T) {
	a := newNode(t, "")
	for name, f := range map[string]func(){
		"empty frame": func() { a.Send("x", protocol.Control, 0, nil, nil) },
		"large frame": func() { a.Send("x", protocol.Control, 0, make([]byte, protocol.MaxFrame+1), nil) },
		"no class":    func() { a.Send("x", protocol.NumClasses, 0, []byte{1}, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
