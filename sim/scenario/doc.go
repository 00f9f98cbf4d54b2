// Package scenario runs one experiment in the simulator and measures it: hosts of a
// topology join a topic, somebody publishes, and meanwhile hosts die, come, lie or
// are cut off. [Run] takes a [Scenario] and returns a [Result], whose fields mean
// the same for every protocol, and the [Details] behind it for pictures.
//
//	res, details, err := scenario.Run(ctx, scenario.Scenario{
//		Topology: "grid5000", Protocol: "gossip", Seed: 1, Items: 100, Rate: 10,
//	}, scenario.Options{})
//
// Same scenario, same result, trace_sha256 included; what depends on the machine
// (wall time, memory) the caller fills in. A protocol of one's own is a
// [protocol.Plugin] among Options.Plugins: see the example.
//
// # What happens
//
//	0            hosts join, evenly spaced over the first quarter of the warm-up, each
//	             with one living host as its contact that anyone can dial
//	warm-up      the first item; then one an interval, by the publishers in turn
//	1/4 of them  half an interval later the network is cut, and heals after a while
//	1/2 of them  half an interval later the victims die, and late hosts begin to come
//	all of them  what is under way arrives; the run ends when no survivor lacks anything
//
// Churn goes on from the first item to the last. What is drawn comes from streams of
// its own ([Scenario.Seed] and a name): the topology, who publishes, dies, comes late,
// is an adversary or cut off, the order of joining, each host's contact. Hence
// adversaries change neither who publishes nor who dies.
//
// # Reading order
//
// scenario.go and result.go are the contract. Then run.go and timeline.go; world.go
// (what is drawn before), joining.go and events.go (what happens to hosts), meter.go
// (what is measured meanwhile), figures.go, recovery.go and membership.go (what comes
// of it), picture.go and layout.go (details), invariants.go, trees.go, tracing.go.
// treenode.go is what a protocol with a tree has to say of it.
package scenario
