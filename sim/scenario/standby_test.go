package scenario

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// TestMulticastStops: a switch stops passing multicast in the middle of a stream of
// items, and passes it again. Gossip takes over and gives way, everything arrives, and
// when multicast works again an item is sent once.
func TestMulticastStops(t *testing.T) {
	const hosts, topic = 20, "the square"
	topo, err := topology.Named("lan:20", rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	var plugin protocol.Plugin
	for _, p := range builtin() {
		if p.Name == "ipmc" {
			plugin = p
		}
	}
	net := sim.New(sim.Config{Seed: 1, Topology: topo, Codec: true, Plugin: &plugin})
	for i := range hosts {
		h := net.Add()
		h.Join(topic, "")
		if i > 0 {
			h.Contact(net.Hosts()[i/2])
		}
	}
	pass := func(d time.Duration) { net.Run(time.Duration(net.Now()) + d) }
	published := 0
	// stream publishes for a while, and says how many copies each item took and how many
	// (item, host) pairs were late by more than a second.
	stream := func(d time.Duration) (copies float64, late int) {
		var before uint64
		for _, h := range net.Hosts() {
			before += h.Sent.Copies
		}
		items := int(d / (100 * time.Millisecond))
		for range items {
			net.Hosts()[published%hosts].Publish(topic, make([]byte, 500))
			published++
			pass(100 * time.Millisecond)
		}
		pass(time.Second)
		var after uint64
		for _, h := range net.Hosts() {
			after += h.Sent.Copies
			late += published - len(h.Delivered(topic))
		}
		return float64(after-before) / float64(items), late
	}
	fit := func() (n int) {
		for _, h := range net.Hosts() {
			if s := h.Core().Explain(net.Now()).Topics[0].Standby; s.Fit {
				n++
			}
		}
		return n
	}
	pass(time.Minute)
	if copies, late := stream(20 * time.Second); copies != 1 || late > 0 || fit() != hosts {
		t.Errorf("at first: %.2f copies, %d late, %d fit", copies, late, fit())
	}
	domain := topo.Hosts[0].Multicast
	net.MulticastWorks(domain, false)
	stream(20 * time.Second) // it takes a while to notice
	if fit() > 0 {
		t.Errorf("20 s after multicast has stopped %d say that it works", fit())
	}
	if copies, late := stream(20 * time.Second); late > 0 || copies < hosts-1 || copies > 1.5*hosts {
		t.Errorf("without multicast: %.2f copies, %d late", copies, late)
	}
	net.MulticastWorks(domain, true)
	stream(30 * time.Second)
	if copies, late := stream(20 * time.Second); copies != 1 || late > 0 || fit() != hosts {
		t.Errorf("in the end: %.2f copies, %d late, %d fit", copies, late, fit())
	}
}
