package report

import "github.com/quilt-p2p/quilt/sim/scenario"

// Direction says which way a figure is better.
type Direction int8

const (
	// Neither: the figure says what happened, not how well.
	Neither Direction = 0
	// Lower is better.
	Lower Direction = -1
	// Higher is better.
	Higher Direction = 1
)

const (
	// Margin is by what share of A a figure of B must differ to be called better or
	// worse (our guess: below it two seeds differ as much).
	Margin = 0.05
	// MachineMargin is Margin for wall time and memory, which vary from run to run
	// (our measurement: by a third on a busy machine for short runs, less for long).
	MachineMargin = 0.25
)

// Field is one figure of a result.
type Field struct {
	// Key is its path in the JSON: "latency_ms.p50". Group is the key of the
	// object it is part of, or Key itself.
	Key, Group string
	// Name is for people: "latency, median".
	Name string
	// Unit follows the number: "ms", "" for a plain number.
	Unit string
	// Better says which way.
	Better Direction
	// Margin is by what share of A a B must differ to count; 0: any difference.
	Margin float64
	// Means is a sentence, the same for all of a group.
	Means string

	get func(*scenario.Result) (float64, bool)
}

// Value returns the figure of a result; false where it does not apply.
func (f Field) Value(r *scenario.Result) (float64, bool) { return f.get(r) }

// Fields are all figures of a result, the important ones first.
var Fields = fields()

// fields lists them.
func fields() []Field {
	list := []Field{
		number("delivery_ratio", "delivered", "", Higher, 0, "delivered over expected (item, survivor) pairs", func(r *scenario.Result) float64 { return r.DeliveryRatio }),
		number("lost", "lost", "", Lower, 0, "(item, survivor) pairs never delivered", func(r *scenario.Result) float64 { return float64(r.Lost) }),
	}
	list = append(list, optional("vanished", "died with their author", "", Neither, "items that no survivor has because their author died: they count nowhere else",
		func(r *scenario.Result) *float64 {
			if v := float64(r.Vanished); v > 0 {
				return &v
			}
			return nil
		}))
	list = append(list, spread("latency_ms", "latency", Lower, "publish to delivery: the receiver's processing included, over survivors that were there when the item was published",
		func(r *scenario.Result) *scenario.Spread { return r.Latency })...)
	list = append(list, spread("unicast_ms", "direct send", Neither, "one direct send from the publisher over the same pairs: half the round trip, one serialisation at its uplink, one processing",
		func(r *scenario.Result) *scenario.Spread { return r.Unicast })...)
	list = append(list,
		optional("stretch_mean", "stretch", "", Lower, "mean latency over the mean of a direct send", func(r *scenario.Result) *float64 { return r.Stretch }),
		number("copies_received_per_host", "copies received", "", Lower, Margin, "payload copies that reach honest hosts over deliveries to them: 1 is the limit", func(r *scenario.Result) float64 { return r.Copies }),
		number("payload_sends_per_item", "sends of an item", "", Lower, Margin, "payload transmissions over items: repair and what was lost on the way included; one to a multicast group counts once", func(r *scenario.Result) float64 { return r.Sends }),
		optional("cross_location_copies", "copies across locations", "", Lower, "payload copies of an item that arrive from another location over (locations - 1): 1 is the limit", func(r *scenario.Result) *float64 { return r.CrossLocation }),
		number("control_bytes_per_host_s", "control traffic", "B/s", Lower, Margin, "bytes sent that are no item's payload, per host and second: encoded frames, while items flow", func(r *scenario.Result) float64 { return r.Control }),
		number("idle_control_bytes_per_host_s", "control traffic, idle", "B/s", Lower, Margin, "the same before any item: in the last third of the warm-up", func(r *scenario.Result) float64 { return r.IdleControl }),
		number("construction_bytes_per_host", "construction", "B", Lower, Margin, "all that a host sent in the warm-up", func(r *scenario.Result) float64 { return r.Construction }),
		whole("tree_nodes", "survivors in the tree", Neither, "survivors that received an item from another in the fast path's tree", func(r *scenario.Result) *int { return r.TreeNodes }),
		number("state_bytes_per_host", "state of a host", "B", Lower, Margin, "memory of one host after the warm-up", func(r *scenario.Result) float64 { return r.State }),
	)
	list = append(list, inTime()...)
	list = append(list, treeFields()...)
	list = append(list, afterKill()...)
	list = append(list, patchFields()...)
	return append(list, machineFields()...)
}

// treeFields are the figures of a tree, for protocols that keep one.
func treeFields() []Field {
	part := func(key, name, means string, better Direction, get func(*scenario.Tree) float64) Field {
		return optional("tree."+key, name, "", better, means, func(r *scenario.Result) *float64 {
			if r.Tree == nil {
				return nil
			}
			v := get(r.Tree)
			return &v
		})
	}
	return []Field{
		part("roots", "roots", "survivors that say that they are the root at the end", Neither, func(t *scenario.Tree) float64 { return float64(t.Roots) }),
		part("orphans", "orphans", "survivors that are not below a root at the end", Lower, func(t *scenario.Tree) float64 { return float64(t.Orphans) }),
		part("depth_mean", "depth, mean", "hops below the root, of those that are", Lower, func(t *scenario.Tree) float64 { return t.DepthMean }),
		part("depth_max", "depth, greatest", "the most hops below the root", Lower, func(t *scenario.Tree) float64 { return float64(t.DepthMax) }),
		part("moves_mean", "moves of a host", "changes of parent by choice, since the host joined", Neither, func(t *scenario.Tree) float64 { return t.MovesMean }),
		part("moves_max", "most moves of one host", "the most that one host made", Neither, func(t *scenario.Tree) float64 { return float64(t.MovesMax) }),
		part("degree_max", "most children", "the most children that one host has", Neither, func(t *scenario.Tree) float64 { return float64(t.DegreeMax) }),
		part("degree_use", "degree in use", "children over what the bounds of degree allow, of all survivors", Neither, func(t *scenario.Tree) float64 { return t.DegreeUse }),
	}
}

// afterKill are the figures of a kill.
func afterKill() []Field {
	list := []Field{optional("merge_s", "parts merged", "s", Lower,
		"with --split: from the end of the partition until every survivor had all that was published before",
		func(r *scenario.Result) *float64 { return r.Merge }), optional("recovery_s", "recovery", "s", Lower,
		"from the kill until items come in time again: smallest R such that every item published after kill + R reaches every survivor within twice the greatest latency before the kill; null too where none did",
		func(r *scenario.Result) *float64 { return r.Recovery })}
	list = append(list, tail("first_item_after_kill_s", "first item after the kill", "s", "from the kill to the first item published after it: per survivor",
		func(r *scenario.Result) *scenario.Tail { return r.FirstAfterKill })...)
	return append(list, tail("latency_after_kill_ms", "latency after the kill", "ms", "latency of items published in the 10 s after the kill",
		func(r *scenario.Result) *scenario.Tail { return r.LatencyAfterKill })...)
}

// patchFields are the figures of patches and membership.
func patchFields() []Field {
	member := func(key, name, means string, better Direction, get func(scenario.Membership) float64) Field {
		f := number("membership."+key, name, "", better, 0, means, func(r *scenario.Result) float64 { return get(r.Membership) })
		return f
	}
	share := member("byzantine_share", "adversaries in a view", "mean share of adversaries in the active views of honest hosts at the end", Lower,
		func(m scenario.Membership) float64 { return m.ByzantineShare })
	share.Margin = Margin
	indegree := member("indegree_max", "greatest in-degree", "in how many views the most wanted host is", Lower,
		func(m scenario.Membership) float64 { return float64(m.IndegreeMax) })
	indegree.Margin = MachineMargin
	return []Field{
		whole("patches", "patches", Neither, "patches at the end", func(r *scenario.Result) *int { return r.Patches }),
		optional("patch_convergence_s", "patches settled", "s", Lower, "how long after the start the patches last changed", func(r *scenario.Result) *float64 { return r.PatchConvergence }),
		optional("patch_precision", "patch precision", "", Higher, "of pairs in one patch, how many are in one true region", func(r *scenario.Result) *float64 { return r.PatchPrecision }),
		optional("patch_recall", "patch recall", "", Higher, "of pairs in one true region, how many are in one patch", func(r *scenario.Result) *float64 { return r.PatchRecall }),
		optional("patch_reachable_pairs", "pairs that can link", "", Neither, "pairs of one true region that can reach each other, which the two before are over", func(r *scenario.Result) *float64 { return r.PatchReachablePair }),
		share,
		member("isolated", "isolated hosts", "honest hosts without an honest living neighbour", Lower, func(m scenario.Membership) float64 { return float64(m.Isolated) }),
		indegree,
		member("components", "components", "into how many parts the views of honest hosts fall", Lower, func(m scenario.Membership) float64 { return float64(m.Components) }),
	}
}

// machineFields are what the run itself took.
func machineFields() []Field {
	return []Field{
		number("virtual_s", "virtual time", "s", Neither, Margin, "when the run ended, in virtual time", func(r *scenario.Result) float64 { return r.VirtualSeconds }),
		number("events", "events", "", Neither, Margin, "events simulated", func(r *scenario.Result) float64 { return float64(r.Events) }),
		number("wall_s", "wall time", "s", Lower, MachineMargin, "how long the run took", func(r *scenario.Result) float64 { return r.WallSeconds }),
		number("peak_rss_mb", "peak memory", "MB", Lower, MachineMargin, "the most memory that the process had: in 10^6 bytes", func(r *scenario.Result) float64 { return r.PeakRSS }),
		number("bytes_per_peer", "memory a peer", "B", Lower, MachineMargin, "peak memory over hosts", func(r *scenario.Result) float64 { return r.BytesPerPeer }),
	}
}

func number(key, name, unit string, better Direction, margin float64, means string, get func(*scenario.Result) float64) Field {
	return Field{key, group(key), name, unit, better, margin, means, func(r *scenario.Result) (float64, bool) { return get(r), true }}
}

func optional(key, name, unit string, better Direction, means string, get func(*scenario.Result) *float64) Field {
	return Field{key, group(key), name, unit, better, Margin, means, func(r *scenario.Result) (float64, bool) {
		if v := get(r); v != nil {
			return *v, true
		}
		return 0, false
	}}
}

func whole(key, name string, better Direction, means string, get func(*scenario.Result) *int) Field {
	return optional(key, name, "", better, means, func(r *scenario.Result) *float64 {
		n := get(r)
		if n == nil {
			return nil
		}
		v := float64(*n)
		return &v
	})
}
