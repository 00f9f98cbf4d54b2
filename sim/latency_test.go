package sim

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestPing: a ping is answered after the round trip of the topology, and the time
// its four passages of 1 Gbit/s take, two of them cut through.
func TestPing(t *testing.T) {
	topo := world(t, 3)
	net, h := linkedHosts(t, Config{Seed: 1, Topology: topo}, 3)
	msg, err := core.Decode(protocol.Frame{Object: protocol.ObjectHost, Kind: 1, Body: []byte{7}})
	if err != nil || fmt.Sprintf("%T", msg) != "core.ping" {
		t.Fatalf("a ping decodes as %T, %v", msg, err)
	}
	for i, peer := range []int{1, 0, 2} {
		from := h[[]int{0, 1, 1}[i]]
		start := time.Duration(net.Now())
		from.send(h[peer].id, frame{msg: msg}, protocol.Control, protocol.Never)
		answered := time.Duration(-1)
		net.watch(start+500*time.Millisecond, func(e event) {
			if e.kind == evMessage && e.host == from.index && e.from == int32(peer) && fmt.Sprint(e.frame.msg) == "{7}" {
				answered = time.Duration(e.at) - start
			}
		})
		if want := topo.RTT(from.Index(), peer) + 2*airtime(4, 1000); answered != want {
			t.Errorf("host %d's ping to %d was answered after %v, want %v", from.Index(), peer, answered, want)
		}
	}
}

// TestUniformLatency: without a topology any length takes Config.Latency.
func TestUniformLatency(t *testing.T) {
	net, h := linkedHosts(t, Config{Seed: 1, Latency: 30 * time.Millisecond}, 2)
	start := time.Duration(net.Now())
	h[0].send(h[1].id, probeFrame(0, 1_000_000), protocol.Control, protocol.Never)
	h[0].send(h[1].id, probeFrame(1, 0), protocol.Control, protocol.Never)
	got := net.probes(start+time.Second, h[1])
	if len(got) != 2 || got[0].at-start != 30*time.Millisecond || got[1].at-start != 30*time.Millisecond {
		t.Errorf("sent at %v, arrived %v", start, got)
	}
}

// TestJitter: messages take the latency and up to the share of it more, with the
// mean in the middle, and those of one instant stay in order.
func TestJitter(t *testing.T) {
	const n, share, latency = 2000, 0.5, 10 * time.Millisecond
	net, h := linkedHosts(t, Config{Seed: 1, Latency: latency, Jitter: share}, 2)
	var sum float64
	for range n {
		d := net.trip(0, 1)
		if d < latency || d > latency+time.Duration(share*float64(latency)) {
			t.Fatalf("a trip takes %v", d)
		}
		sum += float64(d-latency) / float64(latency)
	}
	if mean, err := sum/n, share/math.Sqrt(12*n); math.Abs(mean-share/2) > 3*err {
		t.Errorf("mean jitter %.4f, want %.4f within %.4f", mean, share/2, 3*err)
	}
	for i := range n {
		h[0].send(h[1].id, probeFrame(i, 10), protocol.Control, protocol.Never)
	}
	got := net.probes(time.Duration(net.Now())+time.Second, h[1])
	if len(got) != n {
		t.Fatalf("%d of %d arrived", len(got), n)
	}
	for i, a := range got {
		if a.number != i {
			t.Fatalf("number %d arrived as number %d", a.number, i)
		}
	}
}

// TestNoMessageBeforeTheLink: what the dialled side sends at once does not overtake
// the news of the link, whatever the jitter.
func TestNoMessageBeforeTheLink(t *testing.T) {
	for seed := range uint64(50) {
		net := New(Config{Seed: seed, Jitter: 1})
		a, b := net.Add(), net.Add()
		a.dial(b.id)
		came := false
		for net.Now() < protocol.Time(time.Second) && net.queue.len() > 0 {
			e := *net.queue.next()
			net.step()
			if e.kind == evDialled {
				b.send(a.id, probeFrame(0, 10), protocol.Control, protocol.Never)
			}
			if _, ok := e.frame.msg.(probe); ok {
				came = true
				if a.links.get(b.index).gen != e.gen {
					t.Fatalf("seed %d: the message comes before the link", seed)
				}
			}
		}
		if !came {
			t.Fatalf("seed %d: nothing came", seed)
		}
	}
}

// TestLoss: the share lost is within three standard errors of Config.Loss.
func TestLoss(t *testing.T) {
	const n = 10_000
	for _, loss := range []float64{0, 0.01, 0.05, 0.5, 1} {
		net, h := linkedHosts(t, Config{Seed: 1, Loss: loss, Topology: world(t, 2)}, 2)
		got := 0
		for i := range n {
			h[0].send(h[1].id, probeFrame(i, 10), protocol.Control, protocol.Never)
			if (i+1)%(n/20) == 0 { // what the queue has room for
				got += len(net.probes(time.Duration(net.Now())+200*time.Millisecond, h[1]))
			}
		}
		want, err := n*(1-loss), math.Sqrt(n*loss*(1-loss))
		if math.Abs(float64(got)-want) > 3*err {
			t.Errorf("loss %v: %d of %d arrived, want %.0f within %.1f", loss, got, n, want, 3*err)
		}
	}
}

// TestTopologyTrace: on a topology with everything on, the same seed gives the same
// trace, and another seed, or no jitter, another; everybody gets everything.
func TestTopologyTrace(t *testing.T) {
	run := func(seed uint64, jitter float64) string {
		c := newCrowd(t, Config{Seed: seed, Loss: 0.02, Topology: world(t, 40), Jitter: jitter,
			Processing: time.Millisecond}, 40, 20*time.Second)
		c.publish(5, 1, 2, 3)
		c.untilComplete(time.Minute)
		return c.Trace()
	}
	first := run(1, 0.2)
	if again := run(1, 0.2); again != first {
		t.Errorf("seed 1 gave %s and then %s", first, again)
	}
	if other := run(2, 0.2); other == first {
		t.Error("seeds 1 and 2 gave the same trace")
	}
	if still := run(1, 0); still == first {
		t.Error("jitter of 0 and 0.2 gave the same trace")
	}
}

// TestRefusals: what is out of bounds panics and says what.
func TestRefusals(t *testing.T) {
	bad := world(t, 2)
	bad.Hosts[1].Up = 0
	for want, f := range map[string]func(){ //tidy:orderless each is a test of its own
		"Jitter":        func() { New(Config{Jitter: 1.5}) },
		"Jitter is NaN": func() { New(Config{Jitter: math.NaN()}) },
		"Processing":    func() { New(Config{Processing: -1}) },
		"Topology":      func() { New(Config{Topology: bad}) },
		"has 2 hosts":   func() { n := New(Config{Topology: world(t, 2)}); n.Add(); n.Add(); n.Add() },
		"host 2 added":  func() { n := New(Config{Topology: world(t, 2)}); n.Add(); n.Add(); n.Add() },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want one with %q", got, want)
				}
			}()
			f()
		}()
	}
}
