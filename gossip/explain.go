package gossip

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Explanation is what Explain returns: a copy, which encodes to JSON. Durations
// are in nanoseconds.
type Explanation struct {
	Neighbours []NeighbourInfo `json:"neighbours"`
	// Missing is the number of items announced, or handed up, and not yet accepted.
	Missing int `json:"missing"`
	// Recent is the number of items remembered as held.
	Recent int `json:"recent"`
	// Wait is for how long an announced item of no size is waited for.
	Wait time.Duration `json:"wait_ns"`
}

// NeighbourInfo says how one neighbour is doing.
type NeighbourInfo struct {
	Peer protocol.PeerID `json:"peer"`
	// Eager is set where items are pushed over the link, in both directions as far
	// as this side knows.
	Eager     bool `json:"eager"`
	Suspected bool `json:"suspected"`
	Congested bool `json:"congested"`
	// RTT is the measured round trip, 0 for unknown.
	RTT time.Duration `json:"rtt_ns"`
	// Deliveries counts items of which the first copy came from here, and
	// SinceDelivery is how long ago the latest did, -1 for never.
	Deliveries    int64         `json:"deliveries"`
	SinceDelivery time.Duration `json:"since_delivery_ns"`
	// Duplicates counts the further copies that came from here.
	Duplicates int64 `json:"duplicates"`
	// Pushes counts items pushed there.
	Pushes int64 `json:"pushes"`
	// Grafts and Prunes count those sent there, Grafts that ask once included;
	// Unanswered the items that a Graft asked for in vain.
	Grafts     int64 `json:"grafts"`
	Prunes     int64 `json:"prunes"`
	Unanswered int64 `json:"unanswered"`
	// Announcing is the number of announcements waiting for it.
	Announcing int `json:"announcing"`
}

// Explain implements protocol.Explainer with an Explanation.
func (m *Machine) Explain(now protocol.Time) any {
	e := Explanation{
		Neighbours: make([]NeighbourInfo, 0, len(m.neighbours)),
		Missing:    m.wants.len(),
		Recent:     m.recent.len(),
		Wait:       m.wait(),
	}
	for _, n := range m.neighbours {
		e.Neighbours = append(e.Neighbours, n.explain(now))
	}
	return e
}

func (n *neighbour) explain(now protocol.Time) NeighbourInfo {
	since := time.Duration(-1)
	if n.stats.deliveries > 0 {
		since = now.Sub(n.stats.delivered)
	}
	return NeighbourInfo{
		Peer: n.peer, Eager: n.eager, Suspected: n.suspected, Congested: n.congested,
		RTT: n.rtt, Deliveries: n.stats.deliveries, SinceDelivery: since,
		Duplicates: n.stats.duplicates, Pushes: n.stats.pushes, Grafts: n.stats.grafts,
		Prunes: n.stats.prunes, Unanswered: n.stats.unanswered, Announcing: len(n.queue),
	}
}
