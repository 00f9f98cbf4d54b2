// Package sim runs many peers in virtual time: exactly the core that ships
// (internal/core), driven by a queue of events instead of sockets. Same seed and
// same calls give the same trace ([Network.Trace]).
//
// On a topology (package topology, [Config.Topology]) hosts have its latencies,
// bandwidths, NATs and IP multicast, and see of their place what detection would see
// (detect.go); without one all pairs have the same latency, and there is nothing of
// all that. Not modelled: the transport's headers, its flow control (a slow downlink
// does not slow its senders), what two hosts behind one NAT could do by their private
// addresses, a NAT's mappings outliving a link.
//
// A [Network] is a set of [Host]s; a test adds hosts, tells them of each other,
// publishes, kills, and runs the clock:
//
//	net := sim.New(sim.Config{Seed: 1, Latency: 20 * time.Millisecond, Loss: 0.05})
//	a, b := net.Add(), net.Add()
//	b.Contact(a)
//	a.Join("news", "")
//	b.Join("news", "")
//	net.Run(10 * time.Second)
//	a.Publish("news", []byte("hello"))
//	net.Run(11 * time.Second)
//	fmt.Println(len(b.Delivered("news")))
//
// A host may be played by something else than its honest core ([Wrap]): package
// adversary has attackers.
//
// A protocol of one's own ([Config.Plugin]) takes the place of gossip. Package scenario
// makes whole experiments of all this.
//
// Several processors may work on one run ([Config.Beside]); it comes to the same.
//
// Read network.go first, then host.go, perform.go, link.go and multicast.go; latency.go,
// uplink.go, bandwidth.go, nat.go and processing.go say how long things take and what
// gets through, lane.go and window.go what may happen side by side.
package sim
