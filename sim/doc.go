// Package sim runs many peers in virtual time: exactly the core that ships
// (internal/core), driven by a queue of events instead of sockets. Same seed and
// same calls give the same trace ([Network.Trace]).
//
// It is a seed so far: one latency and one loss rate for all pairs, no bandwidth,
// no NAT. A [Network] is a set of [Host]s; a test adds hosts, tells them of each
// other, publishes, kills, and runs the clock:
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
package sim
