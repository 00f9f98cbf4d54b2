package node

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// place is a machine with one interface, whose first router can change.
type place struct {
	mu      sync.Mutex
	list    []detect.Interface
	router  netip.Addr
	changed chan struct{}
}

func newPlace() *place {
	i := detect.Interface{Index: 2, Name: "lan0", Running: true, Addrs: []netip.Prefix{netip.MustParsePrefix("22.0.0.7/24")}}
	i.Default[euid.IPv4] = true
	return &place{list: []detect.Interface{i}, router: netip.MustParseAddr("22.0.0.1"), changed: make(chan struct{}, 1)}
}

func (p *place) Interfaces() ([]detect.Interface, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list), nil
}

func (p *place) Watch(context.Context) (<-chan struct{}, error) { return p.changed, nil }

func (p *place) ReadFile(name string) ([]byte, error) {
	if name == "/etc/resolv.conf" {
		return []byte("nameserver 22.1.0.53\n"), nil
	}
	return nil, os.ErrNotExist
}

func (p *place) Probe(_ context.Context, probe detect.Probe) (detect.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if probe.TTL == 1 {
		return detect.Answer{Kind: detect.Exceeded, From: p.router}, nil
	}
	return detect.Answer{Kind: detect.Reached, From: probe.Target.Addr()}, nil
}

func (p *place) Multicast(detect.Interface, euid.Family, int) (detect.MulticastConn, error) {
	return nil, errors.New("no multicast here")
}

// change has the interface at another place, or none at all.
func (p *place) change(f func(*place)) {
	p.mu.Lock()
	f(p)
	p.mu.Unlock()
	p.changed <- struct{}{}
}

// TestEnvironment: what is detected is in this peer's record, and in the core, soon
// after it changes, and the record has a new number.
func TestEnvironment(t *testing.T) {
	p := newPlace()
	n := start(t, t.TempDir(), WithListen("/ip4/0.0.0.0/udp/0/quic-v1"), WithDetection(true),
		func(c *config) error { c.system = p; return nil })
	var seq uint64
	published := func(what string, ok func([]euid.EUID) bool) {
		t.Helper()
		await(t, what, func() bool {
			n.mu.Lock()
			rec, err := gossipmembership.ParseRecord(n.hello)
			n.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			var list []euid.EUID
			for _, b := range rec.EUIDs {
				e, err := euid.Parse(b)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, e)
			}
			if !ok(list) || rec.Seq <= seq {
				return false
			}
			var known []core.NICInfo
			if !n.look(func(now protocol.Time, h *core.Host) { known = h.Explain(now).NICs }) || len(known) != len(rec.EUIDs) ||
				len(known) > 0 && string(known[0].EUID) != string(rec.EUIDs[0]) {
				return false
			}
			seq = rec.Seq
			return true
		})
	}
	var first euid.EUID
	published("the first EUID", func(l []euid.EUID) bool {
		if len(l) != 1 || l[0].Hops[0].Tag == 0 || l[0].Reach[euid.IPv4][euid.UDP] != euid.DirectionUnknown {
			return false
		}
		first = l[0]
		return true
	})
	e := n.Environment()
	if len(e.NICs) != 1 || e.NICs[0].Published != first || e.NICs[0].Interface.Name != "lan0" || len(e.NICs[0].Evidence) == 0 {
		t.Errorf("environment %+v", e)
	}
	p.change(func(p *place) {
		p.list[0].Addrs = []netip.Prefix{netip.MustParsePrefix("22.9.0.7/24")}
		p.router = netip.MustParseAddr("22.9.0.1")
	})
	published("another place", func(l []euid.EUID) bool { return len(l) == 1 && l[0].Hops[0].Tag != 0 && l[0].Hops[0] != first.Hops[0] })
	p.change(func(p *place) { p.list = nil })
	published("nowhere", func(l []euid.EUID) bool { return len(l) == 0 })
}

// TestNoEnvironment: whoever does not ask for it, or is on loopback only, publishes
// nothing, and the reason is given.
func TestNoEnvironment(t *testing.T) {
	for _, opts := range [][]Option{nil, {WithDetection(true)}, {WithListen("/ip4/0.0.0.0/udp/0/quic-v1")}} {
		n := start(t, t.TempDir(), opts...)
		if e := n.Environment(); len(e.NICs) != 0 || len(e.Notes) != 1 || e.Notes[0] == "" {
			t.Errorf("%+v", e)
		}
	}
}
