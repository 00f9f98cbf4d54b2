package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// outcome is how a dial ends.
type outcome struct {
	up     bool
	after  time.Duration
	reason string
}

// dialOnce has host 0, behind one NAT, dial host 1, behind another. With meet both
// are linked to host 2, which has none.
func dialOnce(t *testing.T, seed uint64, from, to topology.NAT, meet bool) (*Network, outcome) {
	t.Helper()
	topo := world(t, 3)
	topo.Hosts[0].NAT, topo.Hosts[1].NAT = from, to
	net := New(Config{Seed: seed, Topology: topo, DialTimeout: 2 * time.Second})
	a, b, r := net.Add(), net.Add(), net.Add()
	if meet {
		a.dial(r.id)
		b.dial(r.id)
		net.Run(300 * time.Millisecond)
	}
	start := net.Now()
	a.dial(b.id)
	a.perform()
	var got outcome
	for net.queue.len() > 0 && got.after == 0 && net.Now() < start.Add(3*time.Second) {
		e := *net.queue.next()
		failed, isFailed := e.input.(protocol.DialFailed)
		switch {
		case e.host == a.index && isFailed:
			got = outcome{false, e.at.Sub(start), failed.Reason}
		case e.host == a.index && e.kind == evLinkUp && e.from == b.index:
			got = outcome{true, e.at.Sub(start), ""}
		}
		net.step()
	}
	return net, got
}

// punchSeed is a seed by which a punch between hosts 0 and 1 works, or does not.
func punchSeed(works bool) uint64 {
	seed := uint64(1)
	for topology.PunchWorks(seed, 0, 1) != works {
		seed++
	}
	return seed
}

// TestNATTable: each kind of NAT dials each. A host without one is reached in a
// round trip. Cone and firewall reach each other by a punch, which takes two more,
// a rendezvous and luck. Nobody else is reached. A link once up carries both ways.
func TestNATTable(t *testing.T) {
	none, cone, symmetric, firewall := topology.NATNone, topology.NATCone, topology.NATSymmetric, topology.NATFirewall
	const direct, punch, never = "direct", "punch", "never"
	for _, c := range []struct {
		from topology.NAT
		want map[topology.NAT]string
	}{
		{none, map[topology.NAT]string{none: direct, cone: never, symmetric: never, firewall: never}},
		{cone, map[topology.NAT]string{none: direct, cone: punch, symmetric: never, firewall: punch}},
		{symmetric, map[topology.NAT]string{none: direct, cone: never, symmetric: never, firewall: never}},
		{firewall, map[topology.NAT]string{none: direct, cone: punch, symmetric: never, firewall: punch}},
	} {
		for to, want := range c.want { //tidy:orderless each is a test of its own
			for i := range 4 {
				meet, works := i&1 != 0, i&2 != 0
				t.Run(fmt.Sprintf("%v to %v, rendezvous %v, luck %v", c.from, to, meet, works), func(t *testing.T) {
					net, got := dialOnce(t, punchSeed(works), c.from, to, meet)
					rtt := net.cfg.Topology.RTT(0, 1)
					expect := outcome{after: 2 * time.Second, reason: "timeout: NAT"}
					switch {
					case want == direct:
						expect = outcome{up: true, after: rtt}
					case want == punch && meet && works:
						expect = outcome{up: true, after: 3 * rtt}
					}
					if got.up != expect.up || got.after != expect.after || !strings.HasPrefix(got.reason, expect.reason) {
						t.Fatalf("got %+v, want %+v", got, expect)
					}
					checkBothWays(t, net, got.up)
				})
			}
		}
	}
}

// checkBothWays checks that hosts 0 and 1 reach each other over their link, or not
// without one.
func checkBothWays(t *testing.T, net *Network, linked bool) {
	t.Helper()
	for from := range 2 {
		a, b := net.Hosts()[from], net.Hosts()[1-from]
		a.send(b.id, probeFrame(0, 10), protocol.Control, protocol.Never)
		if got := len(net.probes(time.Duration(net.Now())+time.Second, b)); (got == 1) != linked {
			t.Errorf("linked %v: %d messages from host %d arrive", linked, got, from)
		}
	}
}

// TestRendezvousMustLive: a killed host, or one that is cut off, is no rendezvous.
func TestRendezvousMustLive(t *testing.T) {
	topo := world(t, 3)
	topo.Hosts[0].NAT, topo.Hosts[1].NAT = topology.NATCone, topology.NATCone
	net := New(Config{Seed: punchSeed(true), Topology: topo})
	a, b, r := net.Add(), net.Add(), net.Add()
	a.dial(r.id)
	b.dial(r.id)
	net.Run(300 * time.Millisecond)
	check := func(want bool, when string) {
		if a.CanDial(b) != want {
			t.Errorf("%s: the punch works: %v", when, !want)
		}
	}
	check(true, "alive")
	net.Partition(func(x, y int) bool { return x+y == 3 })
	check(false, "cut off")
	net.Partition(nil)
	r.Kill()
	check(false, "killed")
}

// TestNothingUnasked: a host behind a NAT that dials nobody hears nothing, however
// many others know of it.
func TestNothingUnasked(t *testing.T) {
	for _, nat := range []topology.NAT{topology.NATCone, topology.NATSymmetric, topology.NATFirewall} {
		topo := world(t, 10)
		topo.Hosts[3].NAT = nat
		net := New(Config{Seed: 1, Topology: topo})
		for range 10 {
			net.Add().Join("news", "")
		}
		hidden := net.Hosts()[3]
		for i, h := range net.Hosts() {
			if i != 3 {
				h.Contact(hidden)
				h.Contact(net.Hosts()[0])
				h.dial(hidden.id) // its core, which knows better, would not
			}
		}
		refused, heard := 0, 0
		net.watch(time.Minute, func(e event) {
			if f, ok := e.input.(protocol.DialFailed); ok && f.Peer == hidden.id {
				refused++
			}
			if e.host == hidden.index && e.kind != evWake && e.kind != evInput {
				heard++
			}
		})
		if refused < 9 || heard != 0 || len(hidden.links) != 0 {
			t.Errorf("%v: %d dials refused, %d events at the host, %d links", nat, refused, heard, len(hidden.links))
		}
	}
}

// TestCrossingDials: two that dial each other at once end up with one link that
// carries both ways.
func TestCrossingDials(t *testing.T) {
	net := New(Config{Seed: 1})
	a, b := net.Add(), net.Add()
	a.dial(b.id)
	b.dial(a.id)
	net.Run(100 * time.Millisecond)
	if a.links.get(1).gen != b.links.get(0).gen || a.links.get(1).gen == 0 {
		t.Fatalf("the ends have links %d and %d", a.links.get(1).gen, b.links.get(0).gen)
	}
	checkBothWays(t, net, true)
}

// TestCrowdBehindNATs: with the NATs and bandwidths of the built-in population
// everybody gets everything, and no dial arrives that the NATs do not let through.
func TestCrowdBehindNATs(t *testing.T) {
	const hosts = 40
	seeds(t, 1, 20, func(t *testing.T, seed uint64) {
		topo, err := topology.Named(fmt.Sprint("lognormal:", hosts), rand.New(rand.NewPCG(seed, 1)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			topo.Hosts[i].NAT = topology.NATNone
		}
		c := &crowd{Network: New(Config{Seed: seed, Topology: topo, Jitter: 0.1, Processing: time.Millisecond}), t: t}
		for i := range hosts {
			h := c.Add()
			h.Join(feedTopic, c.Hosts()[0].ID())
			h.Join(openTopic, "")
			if i > 0 {
				h.Contact(c.Hosts()[rand.New(rand.NewPCG(seed, uint64(i))).IntN(min(i, 4))])
			}
		}
		direct, punched := 0, 0
		c.watch(40*time.Second, func(e event) {
			if e.kind != evDialled {
				return
			}
			from, to := topo.Hosts[e.from].NAT, topo.Hosts[e.host].NAT
			switch {
			case topology.Reaches(from, to):
				direct++
			case topology.Punches(from, to) && topology.PunchWorks(seed, int(e.from), int(e.host)):
				punched++
			default:
				t.Fatalf("host %d, %v, is dialled by %d, %v", e.host, to, e.from, from)
			}
		})
		if direct == 0 || punched == 0 {
			t.Errorf("%d direct dials, %d punches: too few to tell", direct, punched)
		}
		c.publish(5, 1, 2, 3)
		t.Logf("%d direct dials, %d punches; everything everywhere %v after the last item", direct, punched, c.untilComplete(2*time.Minute))
	})
}

// CanDial says what a dial would come to.
func TestCanDial(t *testing.T) {
	topo := world(t, 3)
	net, h := linkedHosts(t, Config{Topology: topo}, 3) // 0 - 1 - 2
	can := func() bool { return h[0].CanDial(h[2]) }
	if !can() {
		t.Error("no NAT, and no way")
	}
	topo.Hosts[0].NAT, topo.Hosts[2].NAT = topology.NATCone, topology.NATSymmetric
	if can() {
		t.Error("a way through a symmetric NAT")
	}
	topo.Hosts[2].NAT = topology.NATCone
	for seed := range uint64(50) {
		if net.cfg.Seed = seed; can() != topology.PunchWorks(seed, 0, 2) {
			t.Errorf("seed %d: a way is there: %v", seed, can())
		}
	}
	topo.Hosts[2].NAT = topology.NATNone
	net.Partition(func(a, b int) bool { return a+b == 2 })
	if can() {
		t.Error("a way across a cut")
	}
	net.Partition(nil)
	h[2].Kill()
	if can() {
		t.Error("a way to the dead")
	}
}
