package scenario

// Details is what stands behind a Result, for pictures.
type Details struct {
	// Scenario is what was run, with defaults filled in.
	Scenario Scenario `json:"scenario"`
	// KillAt, CutAt and HealAt are when hosts were killed and the network was cut
	// and healed, in seconds of virtual time; 0 for never.
	KillAt float64 `json:"kill_at"`
	CutAt  float64 `json:"cut_at"`
	HealAt float64 `json:"heal_at"`
	// Items in order of publication.
	Items []ItemDetail `json:"items"`
	// Histogram counts deliveries by latency: bin i is below HistogramEdge(i).
	Histogram []int `json:"histogram"`
	// Hosts in order of the topology, newcomers at the end. At most MaxDetailHosts,
	// evenly drawn, of more.
	Hosts []HostDetail `json:"hosts"`
	// Edges is the overlay at the end among Hosts.
	Edges []Edge `json:"edges"`
}

// MaxDetailHosts bounds the hosts in Details: what a picture can show (our guess).
const MaxDetailHosts = 2000

// ItemDetail is what became of one item.
type ItemDetail struct {
	// At is when it was published, in seconds of virtual time; By is the index of
	// its publisher's place in the topology.
	At float64 `json:"at"`
	By int     `json:"by"`
	// Expected is how many survivors were to get it, Delivered how many did.
	Expected  int `json:"expected"`
	Delivered int `json:"delivered"`
	// P50 and Max are latencies in ms over survivors who were there.
	P50 float64 `json:"p50"`
	Max float64 `json:"max"`
}

// HostDetail is what one host did.
type HostDetail struct {
	Name    string `json:"name"`
	Cluster string `json:"cluster"`
	Place   int    `json:"place"`
	// State is "alive", "killed", "left" (churn), "adversary".
	State     string `json:"state"`
	Publisher bool   `json:"publisher"`
	// X and Y are where a picture may put the host: near means low latency, in no
	// unit.
	X float64 `json:"x"`
	Y float64 `json:"y"`
	// Sent is bytes sent, Payload those of items among them, Copies the items
	// received, wanted or not; from the first item on.
	Sent    uint64 `json:"sent"`
	Payload uint64 `json:"payload"`
	Copies  int    `json:"copies"`
	// Neighbours is how many the active view of the topic has.
	Neighbours int `json:"neighbours"`
	// Patch is the patch it is in, empty for none.
	Patch string `json:"patch,omitempty"`
	// Parent is the Name of its parent in a protocol's tree, empty for none; Degree is
	// how many children the host may have there at the end.
	Parent string `json:"parent,omitempty"`
	Degree int    `json:"degree,omitempty"`
}

// Edge is a link between two hosts, by their places in Details.Hosts.
type Edge struct {
	A int `json:"a"`
	B int `json:"b"`
	// Tree is set where the fast path sends items over it at once.
	Tree bool `json:"tree"`
}
