package detect

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// running is a Detector on a fake machine, in virtual time.
type running struct {
	*Detector
	t    *testing.T
	bus  event.Bus
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, sys *fake, change func(*Config)) *running {
	r := &running{t: t, bus: eventbus.NewBus(), done: make(chan error, 1)}
	cfg := Config{System: sys, Bus: r.bus, Listening: func() []ma.Multiaddr {
		return multiaddrs("/ip4/0.0.0.0/udp/4001/quic-v1 /ip4/0.0.0.0/tcp/4001 /ip6/::/udp/4001/quic-v1")
	}}
	if change != nil {
		change(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Detector = d
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.done <- d.Run(ctx) }()
	return r
}

// end stops it: everything it started must end.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	synctest.Wait()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
	default:
		r.t.Error("Run goes on")
	}
}

// change waits for the next change, in virtual time.
func (r *running) change(within time.Duration) (Change, bool) {
	select {
	case c := <-r.Changes():
		return c, true
	case <-time.After(within):
		return Change{}, false
	}
}

// want waits until what was told last of any interface is so.
func (r *running) want(what string, within time.Duration, ok func(Change) bool) Change {
	r.t.Helper()
	for end := time.Now().Add(within); ; {
		c, news := r.change(time.Until(end))
		if !news {
			r.t.Fatalf("not within %v: %s", within, what)
		}
		if ok(c) {
			return c
		}
	}
}

func (r *running) emit(e any) {
	r.t.Helper()
	var kind any
	switch e.(type) {
	case event.EvtHostReachableAddrsChanged:
		kind = new(event.EvtHostReachableAddrsChanged)
	case event.EvtNATDeviceTypeChanged:
		kind = new(event.EvtNATDeviceTypeChanged)
	case event.EvtPeerConnectednessChanged:
		kind = new(event.EvtPeerConnectednessChanged)
	}
	em, err := r.bus.Emitter(kind)
	if err != nil {
		r.t.Fatal(err)
	}
	defer em.Close()
	if err := em.Emit(e); err != nil {
		r.t.Fatal(err)
	}
}

func multiaddrs(text string) (list []ma.Multiaddr) {
	for _, s := range strings.Fields(text) {
		list = append(list, ma.StringCast(s))
	}
	return list
}

// homePath answers as a home router and a provider's do.
func homePath(p Probe) (Answer, error) {
	switch p.TTL {
	case 1:
		return Answer{Exceeded, netip.MustParseAddr("192.168.1.1"), time.Millisecond}, nil
	case 2:
		return Answer{Exceeded, netip.MustParseAddr("22.1.0.1"), 2 * time.Millisecond}, nil
	}
	return Answer{Reached, p.Target.Addr(), 9 * time.Millisecond}, nil
}

// TestFirstReport: the first thing told has the path in it; nothing that does not come
// is waited for.
func TestFirstReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.setPath(homePath)
		r := start(t, sys, nil)
		c, ok := r.change(time.Second)
		o := c.Observation
		if !ok || c.Gone || strings.Join(o.Hops, " ") != "192.168.1.1 22.1.0.1" || o.Resolver != "22.0.0.53" || o.Measured.RTT != 9*time.Millisecond || o.NIC == 0 {
			t.Errorf("first %+v", c)
		}
		if o.Reach[euid.IPv4][euid.UDP] != euid.DirectionUnknown || o.Heard {
			t.Errorf("out of nothing: %+v", o)
		}
		for _, e := range c.Evidence {
			if e.Of == "" || e.Found == "" && e.Why == "" {
				t.Errorf("empty evidence %+v", e)
			}
		}
		if c, ok := r.change(time.Hour); ok {
			t.Errorf("nothing has changed, and yet %+v", c)
		}
		r.end()
	})
}

// TestSilence: where nothing answers at all there is a report soon.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.files = nil
		r := start(t, sys, func(c *Config) { c.NoMulticast = true })
		begun := time.Now()
		if c, ok := r.change(time.Minute); !ok || c.Observation.Resolver != "" || time.Since(begun) > firstReport {
			t.Errorf("%+v after %v", c, time.Since(begun))
		}
		r.end()
	})
}

// TestReadLate: a reader that comes late gets the newest of each interface, once.
func TestReadLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.setPath(homePath)
		r := start(t, sys, nil)
		for k := range 20 {
			time.Sleep(time.Second)
			r.emit(event.EvtHostReachableAddrsChanged{Unreachable: multiaddrs("/ip4/22.0.0.1/udp/4001/quic-v1")})
			time.Sleep(time.Second)
			if k < 19 {
				r.emit(event.EvtHostReachableAddrsChanged{})
			}
		}
		c, _ := r.change(time.Second)
		if d := c.Observation.Reach[euid.IPv4][euid.UDP]; d != euid.DirectionPunchable {
			t.Errorf("direction %v", d)
		}
		if c, ok := r.change(time.Minute); ok {
			t.Errorf("a second change: %+v", c)
		}
		r.end()
	})
}

// TestMoves: a network changes under a running peer: renumbered, down and up again,
// one more interface, one gone.
func TestMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.setPath(homePath)
		r := start(t, sys, nil)
		first := r.want("the first report", time.Second, func(Change) bool { return true })

		sys.setPath(func(Probe) (Answer, error) { return Answer{}, context.DeadlineExceeded })
		public := lan
		public.Addrs = []netip.Prefix{netip.MustParsePrefix("22.0.0.7/24")}
		sys.set(public)
		c := r.want("renumbered", 5*time.Second, func(c Change) bool { return !c.Gone })
		if c.NIC != first.NIC || c.Observation.Public[euid.IPv4] != public.Addrs[0].Addr() || len(c.Observation.Hops) != 0 {
			t.Errorf("renumbered: %+v", c.Observation)
		}
		sys.set(public, ifc("10.5.0.1/24"))
		down := public
		down.Running = false
		sys.set(down)
		r.want("down", 5*time.Second, func(c Change) bool { return c.Gone && c.NIC == first.NIC })
		sys.setPath(homePath)
		sys.set(lan)
		c = r.want("up again", 5*time.Second, func(c Change) bool { return !c.Gone })
		if len(c.Observation.Hops) != 2 || len(r.Snapshot().NICs) != 1 {
			t.Errorf("up again: %+v", c)
		}
		sys.set()
		r.want("gone", 5*time.Second, func(c Change) bool { return c.Gone })
		if s := r.Snapshot(); len(s.NICs) != 0 {
			t.Errorf("still there: %+v", s)
		}
		r.end()
	})
}

// TestNobodyTells: where the kernel does not tell of changes they are found all the
// same, and the reason is given.
func TestNobodyTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.changed = nil
		r := start(t, sys, nil)
		r.want("a report", time.Minute, func(Change) bool { return true })
		if s := r.Snapshot(); len(s.Notes) == 0 || !strings.Contains(s.Notes[0], "does not tell") {
			t.Errorf("notes %v", s.Notes)
		}
		sys.set()
		r.want("gone", r.cfg.Poll+time.Second, func(c Change) bool { return c.Gone })
		r.end()
	})
}

// TestAnotherResolver: a new resolver is traced to; and now and then the old one is.
func TestAnotherResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.setPath(homePath)
		r := start(t, sys, nil)
		r.want("a report", time.Second, func(Change) bool { return true })
		sys.mu.Lock()
		sys.files[resolvConf] = "nameserver 22.0.0.54\n"
		sys.mu.Unlock()
		r.want("another resolver", r.cfg.Poll+time.Second, func(c Change) bool { return c.Observation.Resolver == "22.0.0.54" && len(c.Observation.Hops) == 2 })
		before := sys.probed()
		time.Sleep(time.Hour)
		rounds := (sys.probed() - before) / (2 * (euid.MaxHops + 1))
		if rounds < 4 || rounds > 8 {
			t.Errorf("traced %d times in an hour", rounds)
		}
		r.end()
	})
}

// TestVerdicts: what AutoNAT and others say arrives, and a change behind the NAT has
// the path traced anew.
func TestVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		sys.setPath(homePath)
		r := start(t, sys, nil)
		r.want("a report", time.Second, func(Change) bool { return true })
		before := sys.probed()
		r.emit(event.EvtHostReachableAddrsChanged{Unreachable: multiaddrs("/ip4/22.0.0.1/udp/4001/quic-v1 /ip4/22.0.0.9/tcp/1/p2p-circuit")})
		c := r.want("a verdict", time.Second, func(c Change) bool { return c.Observation.Public[euid.IPv4].IsValid() })
		if c.Observation.Reach != [2][2]euid.Direction{{euid.DirectionPunchable, euid.DirectionUnknown}} || c.Observation.Public[euid.IPv4].String() != "22.0.0.1" {
			t.Errorf("%+v", c.Observation)
		}
		time.Sleep(time.Second)
		if sys.probed() == before {
			t.Error("another public address, and the path was not traced anew")
		}
		r.emit(event.EvtNATDeviceTypeChanged{TransportProtocol: network.NATTransportUDP, NatDeviceType: network.NATDeviceTypeEndpointDependent})
		r.want("symmetric", time.Second, func(c Change) bool {
			return c.Observation.Mapping == euid.MappingDependent && c.Observation.Reach[euid.IPv4][euid.UDP] == euid.DirectionUnreachable
		})
		r.end()
	})
}

// TestSightingsArrive: what peers saw becomes a public address and a mapping.
func TestSightingsArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o outside
		now := time.Now()
		for _, by := range []string{"22.9.0.1", "22.9.0.2"} {
			if !o.saw(now, peer.ID(by), ma.StringCast("/ip4/192.168.1.7/udp/4001/quic-v1"), ma.StringCast("/ip4/"+by+"/udp/9/quic-v1"), ma.StringCast("/ip4/22.0.0.1/udp/4001/quic-v1")) {
				t.Error("does not count")
			}
		}
		if o.saw(now, "x", ma.StringCast("/ip4/192.168.1.7/udp/4001/quic-v1"), ma.StringCast("/ip4/22.9.0.3/tcp/9"), ma.StringCast("/ip4/22.0.0.1/udp/4001/quic-v1")) {
			t.Error("of two transports")
		}
		l := &loop{d: &Detector{}, outside: o}
		n := &nic{id: 1, ifc: lan}
		l.nics = []*nic{n}
		s := l.standing(now, n, l.exits(), 0)
		if f := s.judge(); f.mapping != euid.MappingIndependent || f.public[euid.IPv4].String() != "22.0.0.1" {
			t.Errorf("%+v", f)
		}
		if !o.take(now, event.EvtPeerConnectednessChanged{Peer: "22.9.0.1", Connectedness: network.NotConnected}) || !o.sightings.list[0].closed {
			t.Error("a closed connection still counts as open")
		}
	})
}

// TestMulticastArrives: a neighbour on the segment is reported, and that it has gone.
func TestMulticastArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFake(lan), newFake(lan)
		b.net = a.net
		x, y := start(t, a, nil), start(t, b, nil)
		heard := func(c Change) bool { return c.Observation.Heard }
		p := x.want("heard", 10*time.Second, heard).Observation.Segment
		if q := y.want("heard", 10*time.Second, heard).Observation.Segment; p != q || p == "" {
			t.Errorf("segments %q and %q", p, q)
		}
		y.end()
		x.want("nobody", 10*time.Minute, func(c Change) bool { return !c.Observation.Heard })
		x.end()
	})
}

// TestSamples: what flows anyway is measured, and told when a range changes.
func TestSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newFake(lan), nil)
		r.want("a report", time.Minute, func(Change) bool { return true })
		for range 2 * maxBacklog { // more than wait are dropped
			r.Feed(Sample{Kind: SampleSent, Bytes: 1e6, Took: time.Second})
		}
		r.Feed(Sample{Kind: SampleReceived, Local: netip.MustParseAddr("10.9.9.9"), Bytes: 1e6, Took: time.Second})
		c := r.want("measured", time.Minute, func(c Change) bool { return c.Observation.Measured.Up > 0 })
		if m := c.Observation.Measured; m.Up != 8e6 || m.Down != 0 {
			t.Errorf("%+v", m)
		}
		r.end()
	})
}

// TestConfig: what makes no sense is refused; a machine whose interfaces cannot be
// listed at all ends it with the reason.
func TestConfig(t *testing.T) {
	for _, c := range []Config{{Bus: eventbus.NewBus()}, {Every: time.Second}, {Poll: 1}, {Settle: -1}, {MulticastTTL: 256}} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	sys := newFake()
	sys.lost = errors.New("not today")
	d, err := New(Config{System: sys})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context()); !errors.Is(err, sys.lost) {
		t.Errorf("Run: %v", err)
	}
	if _, open := <-d.Changes(); open {
		t.Error("Changes is open")
	}
}
