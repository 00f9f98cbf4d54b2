package e2e

import (
	"context"
	be "encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
	"github.com/quilt-p2p/quilt/internal/ways"
)

// strictSite lets out TCP to port 443 only, and then only what begins as TLS does. Of
// the peers elsewhere two listen there; the others cannot be reached from it.
const strictSite = `
site dc     lan     hosts=a1,a2,a3 ip=46 path=edge,carrier
site home   cone    hosts=c1,c2          path=access,city
site strict tlsonly hosts=s1,s2,s3 ip=46 path=wall
link default delay=30ms loss=2%
`

// attempts notes the first packets that a host sends to each address and port.
type attempts struct {
	from []netip.Addr

	mu   sync.Mutex
	list []string // "tcp 22.1.0.10:443"
}

// see looks at an Ethernet frame.
func (a *attempts) see(frame []byte) {
	if len(frame) < 14+40+4 {
		return
	}
	var src, dst netip.Addr
	var proto byte
	var rest []byte
	switch ip := frame[14:]; be.BigEndian.Uint16(frame[12:]) {
	case 0x0800:
		src, dst = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
		proto, rest = ip[9], ip[ip[0]&15*4:]
	case 0x86dd:
		src, dst = netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40]))
		proto, rest = ip[6], ip[40:]
	}
	name := map[byte]string{6: "tcp", 17: "udp"}[proto]
	if name == "" || len(rest) < 4 || !slices.Contains(a.from, src) {
		return
	}
	what := name + " " + netip.AddrPortFrom(dst, be.BigEndian.Uint16(rest[2:])).String()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.list, what) {
		a.list = append(a.list, what)
	}
}

// to returns the attempts at port 443 of a host, the first one first.
func (a *attempts) to(h *lab.Host) (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, what := range a.list {
		for _, addr := range h.Addrs() {
			if strings.HasSuffix(what, " "+netip.AddrPortFrom(addr, 443).String()) {
				list = append(list, what)
			}
		}
	}
	return list
}

func (a *attempts) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = nil
}

// wayOut returns by what a peer of the strict site is linked with one outside, and an
// error if that is anything but a WebSocket.
func wayOut(ctx context.Context, h *lab.Host, outside map[string]bool) (links int, err error) {
	peers, err := h.Peer().Peers(ctx)
	for _, p := range peers {
		if !outside[p.ID] {
			continue
		}
		links++
		if p.Transport != "wss" || p.Inbound {
			err = errors.Join(err, fmt.Errorf("%s is linked with %s by %s (inbound: %v)", h.Name(), p.Address, p.Transport, p.Inbound))
		}
	}
	return links, err
}

// TestLabStrict: peers behind a firewall that passes only TCP to port 443, and then only
// TLS, join by a ticket; all get what they publish, and they get everything; one of them
// that is restarted goes out at once by what got through before.
func TestLabStrict(t *testing.T) {
	l := stage(t, strictSite)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	start := func(name, ticket string, args ...string) *lab.Peer {
		t.Helper()
		if ticket != "" {
			args = append(args, "--join", ticket)
		}
		p, err := l.Host(name).Start(ctx, lab.PeerConfig{Program: binary, Args: args})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	seen := &attempts{from: l.Host("s1").Addrs()}
	if _, err := l.Capture("strict", seen.see); err != nil {
		t.Fatal(err)
	}

	begin := time.Now()
	first := start("a1", "", "--port", "443")
	start("a2", first.Ticket, "--port", "443")
	for _, name := range []string{"a3", "c1", "c2"} {
		start(name, first.Ticket)
	}
	out := make(map[string]bool)
	for _, h := range l.Hosts() {
		if p := h.Peer(); p != nil {
			out[p.ID] = true
		}
	}
	// linked waits until a peer of the strict site has a link out.
	linked := func(name string, since time.Time) {
		t.Helper()
		err := lab.Until(ctx, func() (bool, error) {
			n, err := wayOut(ctx, l.Host(name), out)
			return n > 0, err
		})
		if err != nil {
			t.Fatalf("%v: %s", err, l.Host(name).Peer().Log())
		}
		t.Logf("%s has a link out %v after its start began", name, time.Since(since).Round(time.Millisecond))
	}
	for _, name := range []string{"s1", "s2", "s3"} {
		since := time.Now()
		start(name, first.Ticket)
		linked(name, since)
	}
	t.Logf("8 peers started in %v", time.Since(begin).Round(time.Millisecond))
	t.Logf("s1 tried a1: %v", seen.to(l.Host("a1")))

	// A feed of each site, and a topic to which everybody publishes.
	var feeds []string
	for _, name := range []string{"s1", "c1", "a3"} {
		f, err := l.Host(name).Peer().NewFeed(ctx, "of-"+name)
		if err != nil {
			t.Fatal(err)
		}
		feeds = append(feeds, f.Address)
	}
	follow := func(h *lab.Host) error {
		for _, f := range feeds {
			if _, err := h.Peer().Follow(ctx, control.FollowRequest{Address: f}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := lab.Everywhere(l.Hosts(), follow); err != nil {
		t.Fatal(err)
	}
	const entries = 10
	for i, name := range []string{"s1", "c1", "a3"} {
		publish(t, ctx, l.Host(name).Peer(), feeds[i], 0, entries)
	}
	for _, f := range feeds {
		took := allHave(t, ctx, l, l.Hosts(), f, entries)
		t.Logf("all 8 have a feed's %d entries %v later", entries, took.Round(time.Millisecond))
	}
	everyoneToEveryone(t, ctx, l.Hosts(), "#strict")
	for _, name := range []string{"s1", "s2", "s3"} {
		if _, err := wayOut(ctx, l.Host(name), out); err != nil {
			t.Error(err)
		}
	}

	// Once more, from what it remembers.
	if err := l.Host("s1").Peer().Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	seen.reset()
	again := time.Now()
	start("s1", "", "--no-mdns")
	linked("s1", again)
	for _, name := range []string{"a1", "a2"} {
		tried := seen.to(l.Host(name))
		t.Logf("s1 tried %s: %v", name, tried)
		if len(tried) > 0 && !strings.HasPrefix(tried[0], "tcp ") && time.Since(begin) < ways.FirstDoubt {
			t.Errorf("s1 has learnt nothing: it tried %s by %v", name, tried)
		}
	}
	env, err := l.Host("s1").Peer().Environment(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("s1 notes: %q", env.Notes)
	if !slices.ContainsFunc(env.Notes, func(note string) bool { return strings.Contains(note, "came up by [wss") }) {
		t.Errorf("s1 does not say what gets through: %q", env.Notes)
	}
	have := publish(t, ctx, l.Host("c1").Peer(), feeds[1], entries, entries)
	took := allHave(t, ctx, l, l.Hosts(), feeds[1], have)
	t.Logf("all 8 have %d entries %v later; between sites: %+v", have, took.Round(time.Millisecond), l.Counts())
}

// everyoneToEveryone has each peer publish to an open topic, and waits until each has
// everything.
func everyoneToEveryone(t *testing.T, ctx context.Context, hosts []*lab.Host, topic string) {
	t.Helper()
	for _, h := range hosts {
		if _, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: topic}); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	for _, h := range hosts {
		body := control.NewBody([]byte("from " + h.Name()))
		if _, err := h.Peer().Publish(ctx, control.PublishRequest{Topic: topic, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	err := lab.Everywhere(hosts, func(h *lab.Host) error {
		events, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: topic, Since: "all", Count: len(hosts)})
		if err != nil {
			return err
		}
		return events(func(control.Event) bool { return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("each of %d peers has what each published %v later", len(hosts), time.Since(begin).Round(time.Millisecond))
}
