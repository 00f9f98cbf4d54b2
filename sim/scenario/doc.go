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
// (wall time, memory) the caller fills in.
package scenario
