package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestTenItems: ten items of 100 KB take 8 s over 1 Mbit/s, and the latency and what
// their framing takes, whether the uplink is the narrow one or the downlink or both.
func TestTenItems(t *testing.T) {
	for _, c := range []struct{ up, down float64 }{{1, 1000}, {1000, 1}, {1, 1}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			topo := world(t, 2)
			topo.Hosts[0].Up, topo.Hosts[1].Down = c.up, c.down
			net, h := linkedHosts(t, Config{Seed: 1, Topology: topo}, 2)
			net.Run(time.Second)
			start := net.Now()
			for seq := range uint64(10) {
				it := protocol.NewItem("big", h[0].id, seq+1, make([]byte, 100_000))
				h[0].carry(h[1].id, frame{it.Topic, protocol.ObjectGossip, protocol.Carry{Item: it}}, protocol.Never)
			}
			var last time.Duration
			items, bytes, on := 0, 0, 0
			net.watch(20*time.Second, func(e event) {
				if e.kind != evMessage || e.host != 1 {
					return
				}
				on += int(e.bytes) // heartbeats go before repair
				if _, ok := e.frame.msg.(protocol.Carry); ok {
					items, bytes, last = items+1, on, e.at.Sub(start)
				}
			})
			over := time.Duration(bytes-1_000_000) * 8 * time.Microsecond
			want := 8*time.Second + over + topo.RTT(0, 1)/2
			if items != 10 || last != want {
				t.Errorf("%d items took %v, want 10 in %v", items, last, want)
			}
			if over > 20*time.Millisecond {
				t.Errorf("framing takes %v of the 8 s", over)
			}
		})
	}
}

// TestSharedDownlink: hosts 0 and 2 send to host 1, whose downlink has 1 Mbit/s. A
// frame from a slow uplink does not hold up another that is there before its last
// bit, and together they take no less than the downlink needs.
func TestSharedDownlink(t *testing.T) {
	const kilobyte = 1000 - probeHeader
	ms := time.Millisecond
	for _, c := range []struct {
		name         string
		up0, up2     float64
		first, other time.Duration // arrivals after the latency: of 0's frame, of 2's
	}{
		{"slow sender", 0.1, 1, 80 * ms, 8 * ms},
		{"both at once", 1, 1, 8 * ms, 16 * ms},
		{"both fast", 1000, 1000, 8 * ms, 16 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			topo := world(t, 3)
			topo.Hosts[0].Up, topo.Hosts[1].Down, topo.Hosts[2].Up = c.up0, 1, c.up2
			net, h := linkedHosts(t, Config{Seed: 1, Topology: topo}, 3)
			start := time.Duration(net.Now()) + topo.RTT(0, 1)/2
			h[0].send(h[1].id, probeFrame(0, kilobyte), protocol.Control, protocol.Never)
			if topo.RTT(2, 1) > topo.RTT(0, 1) {
				t.Fatal("host 2 is farther than host 0")
			}
			net.Run(start - topo.RTT(2, 1)/2) // both first bits arrive at start
			h[2].send(h[1].id, probeFrame(2, kilobyte), protocol.Control, protocol.Never)
			at := map[int]time.Duration{}
			for _, a := range net.probes(start+500*ms, h[1]) {
				at[a.number] = a.at - start
			}
			if len(at) != 2 || at[0] != c.first || at[2] != c.other {
				t.Errorf("arrived after %v, want 0 after %v and 2 after %v", at, c.first, c.other)
			}
		})
	}
}

// TestCloseTakesItsTurn: what was sent before a link is closed still arrives.
func TestCloseTakesItsTurn(t *testing.T) {
	topo := world(t, 2)
	topo.Hosts[0].Up = 1
	net, h := linkedHosts(t, Config{Seed: 1, Topology: topo}, 2)
	start := time.Duration(net.Now())
	h[0].send(h[1].id, probeFrame(0, 12_500-probeHeader), protocol.Control, protocol.Never)
	h[0].close(h[1].id)
	var gone, came time.Duration
	net.watch(start+time.Second, func(e event) {
		switch _, isProbe := e.frame.msg.(probe); {
		case e.kind == evLinkGone && e.host == 1:
			gone = time.Duration(e.at) - start
		case e.kind == evMessage && isProbe:
			came = time.Duration(e.at) - start
			if h[1].links.get(0).gen != e.gen {
				t.Error("the message comes on a link that is gone")
			}
		}
	})
	if want := 100*time.Millisecond + topo.RTT(0, 1)/2; came != want || gone != want {
		t.Errorf("the message came after %v, the end of the link after %v, want %v", came, gone, want)
	}
}

// TestUplinkIsShared: what goes to one host, even if it is lost on the way, holds up
// what goes to another, the end of a link too.
func TestUplinkIsShared(t *testing.T) {
	topo := world(t, 3)
	topo.Hosts[1].Up = 1
	net, h := linkedHosts(t, Config{Seed: 1, Topology: topo}, 3)
	net.Partition(func(a, b int) bool { return a+b == 3 })
	start := time.Duration(net.Now())
	h[1].send(h[2].id, probeFrame(0, 12_500-probeHeader), protocol.Control, protocol.Never)
	h[1].close(h[0].id)
	var gone time.Duration
	net.watch(start+time.Second, func(e event) {
		if e.kind == evLinkGone && e.host == 0 {
			gone = time.Duration(e.at) - start
		}
	})
	if want := 100*time.Millisecond + topo.RTT(0, 1)/2; gone != want {
		t.Errorf("the end of the link came after %v, want %v", gone, want)
	}
}

// TestProcessing: three items at once are verified one after another.
func TestProcessing(t *testing.T) {
	net := New(Config{Seed: 1, Processing: 40 * time.Millisecond})
	h := net.Add()
	for i := range uint64(3) {
		h.verify(protocol.Verify{Token: 100 + i, Item: protocol.NewItem("x", h.id, i+1, nil)})
	}
	var got []time.Duration
	net.watch(time.Second, func(e event) {
		if v, ok := e.input.(protocol.Verified); ok && v.Token == 100+uint64(len(got)) {
			got = append(got, time.Duration(e.at))
		}
	})
	if want := "[40ms 80ms 120ms]"; fmt.Sprint(got) != want {
		t.Errorf("verified at %v, want %v", got, want)
	}
}
