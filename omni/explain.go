package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Explanation is what Explain returns: a copy, which encodes to JSON. Durations are in
// nanoseconds.
type Explanation struct {
	Root     protocol.PeerID `json:"root"`
	IsRoot   bool            `json:"is_root"`
	Attached bool            `json:"attached"`
	// Parent is empty for the root and for who looks for one.
	Parent    protocol.PeerID `json:"parent"`
	ParentRTT time.Duration   `json:"parent_rtt_ns"`
	// RootLatency is how long an item takes from the root until it is accepted here.
	RootLatency time.Duration `json:"root_latency_ns"`
	Depth       int           `json:"depth"`
	// Degree is the number of children, DegreeBound how many there may be.
	Degree      int         `json:"degree"`
	DegreeBound int         `json:"degree_bound"`
	Children    []ChildInfo `json:"children"`
	// Standbys announce to this peer, Watchers are announced to.
	Standbys []StandbyInfo `json:"standbys"`
	Watchers int           `json:"watchers"`
	// Weight is the number of hosts in the subtree.
	Weight int `json:"weight"`
	// Known is the number of members of which it is known where they stand.
	Known int `json:"known"`
	// Moves counts changes of the parent; Last are the latest, the oldest first.
	Moves uint64     `json:"moves"`
	Last  []MoveInfo `json:"last_moves"`
	// At is the peer's coordinate, Offer the root latency of one more child of it but
	// for the way there, Spare how many there is room for.
	At    vivaldi.Coordinate `json:"coordinate"`
	Offer time.Duration      `json:"offer_ns"`
	Spare int                `json:"spare"`
	// Missing is the number of items announced and not here.
	Missing int `json:"missing"`
}

// ChildInfo says how a child is doing.
type ChildInfo struct {
	Peer      protocol.PeerID `json:"peer"`
	RTT       time.Duration   `json:"rtt_ns"`
	Weight    int             `json:"weight"`
	Congested bool            `json:"congested"`
}

// StandbyInfo describes a standby.
type StandbyInfo struct {
	Peer protocol.PeerID `json:"peer"`
	RTT  time.Duration   `json:"rtt_ns"`
}

// MoveInfo is one change of the parent.
type MoveInfo struct {
	From protocol.PeerID `json:"from"`
	To   protocol.PeerID `json:"to"`
	// Kind is the name of the move in the paper, "join", "mend" or "reparent".
	Kind string `json:"kind"`
	// Gain is by how much the root latency fell, Ago how long ago that was.
	Gain time.Duration `json:"gain_ns"`
	Ago  time.Duration `json:"ago_ns"`
}

// Explain implements protocol.Explainer with an Explanation.
func (m *Machine) Explain(now protocol.Time) any {
	e := Explanation{
		Root: m.root, IsRoot: m.isRoot(), Attached: m.whole(), RootLatency: m.lat, Depth: len(m.path),
		Degree: len(m.children), DegreeBound: max(m.bound(), len(m.children)), Weight: m.weight,
		Known: len(m.samples.list), Moves: m.moves, Missing: len(m.wants.heap),
		At: m.place.Coordinate(), Offer: m.lat + time.Duration(len(m.children)+1)*m.serial(), Spare: m.spare(false),
		Children: []ChildInfo{}, Standbys: []StandbyInfo{}, Last: []MoveInfo{},
	}
	if m.parent != nil {
		e.Parent, e.ParentRTT = m.parent.id, m.parent.rtt
	}
	for _, c := range m.children {
		e.Children = append(e.Children, ChildInfo{c.id, c.rtt, c.weight, c.congested})
	}
	for _, p := range m.peers.order {
		if p.source {
			e.Standbys = append(e.Standbys, StandbyInfo{p.id, p.rtt})
		}
		if p.watcher {
			e.Watchers++
		}
	}
	for _, mv := range m.last {
		e.Last = append(e.Last, MoveInfo{mv.from, mv.to, mv.why, mv.by, now.Sub(mv.at)})
	}
	return e
}
