package scenario

// Result is what an experiment came to. All times are virtual unless their name
// says wall. A pointer is nil, null in JSON, where the figure does not apply: no
// kill, no patches, nothing delivered.
type Result struct {
	Topology   string   `json:"topology"`
	Hosts      int      `json:"hosts"`
	Protocol   string   `json:"protocol"`
	Seed       uint64   `json:"seed"`
	K          int      `json:"k"`
	Publishers []string `json:"publishers"`

	VirtualSeconds float64 `json:"virtual_s"`
	// WallSeconds, PeakRSS and BytesPerPeer depend on the machine: the caller of
	// Run fills them in.
	WallSeconds  float64 `json:"wall_s"`
	PeakRSS      float64 `json:"peak_rss_mb"`
	Events       uint64  `json:"events"`
	BytesPerPeer float64 `json:"bytes_per_peer"`
	Trace        string  `json:"trace_sha256"`

	// DeliveryRatio is delivered over expected (item, survivor) pairs; Lost is how
	// many pairs were never delivered. A survivor is an honest host that is alive at
	// the end; whoever joined late is expected to get everything.
	DeliveryRatio float64 `json:"delivery_ratio"`
	Lost          int     `json:"lost"`

	// Vanished is how many items died with their author: no survivor has them, and they
	// count nowhere else. Only Scenario.KillPublishers kills authors.
	Vanished int `json:"vanished,omitempty"`

	// Latency is publish to delivery over survivors that were there when the item was
	// published, its author excepted, the receiver's processing included. Hosts that
	// died later are left out, for of what they would have got late nothing is known.
	// Quantiles are by nearest rank.
	Latency *Spread `json:"latency_ms"`
	// Unicast is one direct send from the publisher over the same pairs: half the
	// round trip, one serialisation at its uplink, one processing.
	Unicast *Spread `json:"unicast_ms"`
	// Stretch is the mean latency over the mean of Unicast.
	Stretch *float64 `json:"stretch_mean"`

	// Copies is payload copies that reach honest hosts, wanted or not, over deliveries
	// to honest hosts; 1 is the limit. Both include hosts that died later.
	Copies float64 `json:"copies_received_per_host"`
	// Sends is payload transmissions by honest hosts over items, repair and what was
	// lost on the way included; one to a multicast group counts once.
	Sends float64 `json:"payload_sends_per_item"`
	// CrossLocation is payload copies of an item that arrive from another location
	// over (locations - 1); 1 is the limit. Null where there is one location.
	CrossLocation *float64 `json:"cross_location_copies"`

	// Control is bytes of encoded frames sent by honest hosts that are not items'
	// payload, per second of an honest host's life, while items flow: from the first
	// item until one interval after the last. IdleControl is the same in the last third
	// of the warm-up.
	Control     float64 `json:"control_bytes_per_host_s"`
	IdleControl float64 `json:"idle_control_bytes_per_host_s"`
	// Construction is all that an honest host sent in the warm-up.
	Construction float64 `json:"construction_bytes_per_host"`
	// TreeNodes is how many survivors received an item from another in the fast path's
	// tree, as it is at the end, for protocols with one: gossip's eager links.
	TreeNodes *int `json:"tree_nodes"`
	// State is the heap of one host after the warm-up, filled in by the caller.
	State float64 `json:"state_bytes_per_host"`

	Patches            *int     `json:"patches"`
	PatchConvergence   *float64 `json:"patch_convergence_s"`
	PatchPrecision     *float64 `json:"patch_precision"`
	PatchRecall        *float64 `json:"patch_recall"`
	PatchReachablePair *float64 `json:"patch_reachable_pairs"`

	// Recovery is the smallest R such that every item published after kill + R
	// reaches every survivor within twice the greatest latency before the kill: that of
	// what was delivered before it, to whomever. Null too where nothing was, where no
	// item came after the kill, and where the last one was late. This and what follows
	// is over survivors that were there when the kill came.
	Recovery *float64 `json:"recovery_s"`
	// FirstAfterKill is, over survivors, from the kill to the first delivery of an item
	// published after it; who never got any shows in Lost.
	FirstAfterKill *Tail `json:"first_item_after_kill_s"`
	// LatencyAfterKill is the latency of items published in the 10 s after the kill.
	LatencyAfterKill *Tail `json:"latency_after_kill_ms"`

	// Merge is from the end of a partition with Scenario.Split until every survivor that
	// was there had every item published before that end; nil where some never got one,
	// and no field where Split is not set.
	Merge *float64 `json:"merge_s,omitempty"`

	Membership Membership `json:"membership"`

	// Continuity is delivered in time over expected (item, survivor) pairs, of survivors
	// that were there when the item was published; no field without Scenario.Deadline.
	Continuity *float64 `json:"continuity,omitempty"`
	// Large is about items above MaxItem; no field where they are not.
	Large *Large `json:"large,omitempty"`

	// Tree is the tree at the end, of protocols that keep one ([TreeNode]); others have
	// no such field.
	Tree *Tree `json:"tree,omitempty"`
}

// Spread describes a distribution.
type Spread struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// Tail describes the upper end of a distribution.
type Tail struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Tree describes the tree among survivors at the end, by what each says of its parent
// and children.
type Tree struct {
	// Roots is how many say that they are the root.
	Roots int `json:"roots"`
	// Orphans is how many are not below a root.
	Orphans int `json:"orphans"`
	// DepthMean and DepthMax are hops below the root, of those that are.
	DepthMean float64 `json:"depth_mean"`
	DepthMax  int     `json:"depth_max"`
	// MovesMean and MovesMax are changes of parent by choice since a host joined.
	MovesMean float64 `json:"moves_mean"`
	MovesMax  int     `json:"moves_max"`
	// DegreeMax is the most children that one has; DegreeUse all children over all that
	// there might be.
	DegreeMax int     `json:"degree_max"`
	DegreeUse float64 `json:"degree_use"`

	below int // a root
}

// Large tells what became of items that travel as manifest and pieces. Result.Copies
// and Result.Sends then count bytes of pieces over the items' bytes.
type Large struct {
	// Pieces is how many one has.
	Pieces int `json:"pieces"`
	// OneCopy is how long the slowest of the links through which all of an item has to
	// pass, the publishers' uplinks and the survivors' downlinks, takes for one copy of
	// one. Slowest is the same of all uplinks too.
	OneCopy float64 `json:"one_copy_s"`
	Slowest float64 `json:"slowest_link_s"`
	// All is from the publication of an item until the last survivor that was there had
	// all of it, the greatest of all items; nil where one never had.
	All *float64 `json:"all_s"`
	// Ratio is All over OneCopy.
	Ratio *float64 `json:"ratio"`
	// UpMean and UpMax are what honest hosts have sent while items flowed, over the items'
	// bytes.
	UpMean float64 `json:"up_mean"`
	UpMax  float64 `json:"up_max"`
}

// Membership describes who knows whom at the end, by the active views of the topic
// of honest living hosts.
type Membership struct {
	// ByzantineShare is the mean share of adversaries in a view.
	ByzantineShare float64 `json:"byzantine_share"`
	// Isolated is how many have no honest living neighbour.
	Isolated int `json:"isolated"`
	// IndegreeMax is in how many views the most wanted host is.
	IndegreeMax int `json:"indegree_max"`
	// Components is into how many parts the views of honest hosts fall.
	Components int `json:"components"`
}
