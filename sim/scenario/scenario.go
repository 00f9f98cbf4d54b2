package scenario

import "time"

// Scenario is one experiment. The zero value of a field means its default where one
// is named; [Scenario.Validate] says what is wrong with the others.
type Scenario struct {
	// Topology is what the hosts live on: grid5000, lognormal:N, king:N, or the
	// directory of one (the caller opens it: Options.Dir). Required.
	Topology string
	// Protocol is what carries items: "gossip", "omni", "donet", "donet-2005", "ipmc", or the name of one of
	// Options.Plugins. Default gossip.
	Protocol string
	// Seed determines everything that is drawn. Default 1.
	Seed uint64
	// K is how many representatives a patch has, for protocols with patches.
	K int

	// Publishers are hosts of the topology by name. Default: drawn, Draw of them.
	Publishers []string
	// Draw is how many publishers are drawn where none is named, whatever NAT they
	// are behind. Default 1. One publisher owns a feed; several take turns in an open
	// topic.
	Draw int
	// Rate is items a second, of all publishers together. Default 10.
	Rate float64
	// Items is how many items are published. Default 100.
	Items int
	// Size is the length of an item's payload in bytes. Default 1024. Above MaxItem each
	// is published as a manifest and pieces, and delivered when all pieces are there.
	Size int
	// Deadline is how long after its publication an item is in time, for
	// Result.Continuity. Default: not measured.
	Deadline time.Duration

	// Warmup is the time between the first host's start and the first item; hosts
	// join in its first quarter. Default 60 s.
	Warmup time.Duration
	// Drain is how long after the last item, or the end of a partition if that comes
	// later, the run may go on until everybody has everything. Default 60 s.
	Drain time.Duration
	// Processing is how long a host takes to verify an item and pass it on. Default
	// 0.2 ms; negative for none.
	Processing time.Duration

	// Kill is the share of hosts that die, 0 to 1: at once, half an interval after
	// half of the items, publishers spared.
	Kill float64
	// KillPublishers is how many of the publishers, in the order of their turns, die with
	// them, also where Kill is 0: the first is the root of a tree that has one. Some must
	// remain, who take the turns of the dead.
	KillPublishers int
	// KillMode is how they die: "silent" (default) or "reset", where their systems
	// close their links.
	KillMode string
	// Loss is the share of messages that never arrive, 0 to 1.
	Loss float64
	// Jitter is how much longer than the latency a message may take, 0 to 1.
	Jitter float64
	// Churn is the mean lifetime of a host but the publishers, exponentially
	// distributed, from the first item to the last: whoever dies, silently, is replaced
	// at its place by a newcomer at once, who is to get all items. 0 for none.
	Churn time.Duration
	// Partition is the share of hosts that is cut off from the others for
	// PartitionFor, beginning at a quarter of the items; 0 for none. Those in the
	// smaller part are whole locations as far as it comes out even.
	Partition float64
	// Split has publishers in both parts of a partition: every second one, in the order
	// of their turns, is cut off.
	Split bool
	// PartitionFor is how long. Default 30 s.
	PartitionFor time.Duration
	// Late is the share of hosts, publishers excepted, that join only after half of
	// the items, evenly over the time of the rest; they are to get all items.
	Late float64
	// Adversaries is the share of hosts that Attack, 0 to 1; publishers are honest.
	Adversaries float64
	// Attack names what they do: see package adversary.
	Attack string
	// Codec has every message encoded and decoded on its way.
	Codec bool
}
