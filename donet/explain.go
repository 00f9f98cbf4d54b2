package donet

import (
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Explanation is what Explain returns: a copy, which encodes to JSON. Durations are in
// nanoseconds, rates in bytes a second.
type Explanation struct {
	Partners []PartnerInfo `json:"partners"`
	Streams  []StreamInfo  `json:"streams"`
	// Missing is the number of items known of and not here, Waiting that of requests of
	// others that wait for room on the uplink.
	Missing int `json:"missing"`
	Waiting int `json:"waiting"`
	// Known is the number of members of whom it is known where they stand.
	Known int                `json:"known"`
	At    vivaldi.Coordinate `json:"coordinate"`
	// Distrusted is how many peers are remembered for their conduct.
	Distrusted int `json:"distrusted"`
}

// PartnerInfo says how a partner is doing.
type PartnerInfo struct {
	Peer protocol.PeerID `json:"peer"`
	RTT  time.Duration   `json:"rtt_ns"`
	// Sought is set where this peer has sought it, else it has sought this one.
	Sought   bool    `json:"sought"`
	Received float64 `json:"received"`
	Sent     float64 `json:"sent"`
	// Bandwidth is at what it has answered requests; Unanswered is how many in a row it
	// has not.
	Bandwidth  float64 `json:"bandwidth"`
	Unanswered int     `json:"unanswered"`
}

// StreamInfo says where this peer stands in one author's spanning part.
type StreamInfo struct {
	Tag    Tag             `json:"tag"`
	Root   bool            `json:"root"`
	Parent protocol.PeerID `json:"parent"`
	// Lag is how long an item takes to this peer, Depth the number of ancestors.
	Lag         time.Duration     `json:"lag_ns"`
	Depth       int               `json:"depth"`
	Children    []protocol.PeerID `json:"children"`
	DegreeBound int               `json:"degree_bound"`
	Weight      int               `json:"weight"`
	Moves       uint64            `json:"moves"`
	Rate        float64           `json:"rate"`
}

// Explain implements protocol.Explainer with an Explanation.
func (m *Machine) Explain(now protocol.Time) any {
	e := Explanation{Partners: []PartnerInfo{}, Streams: []StreamInfo{}, Missing: len(m.wants.heap),
		Waiting: len(m.serving.queue), Known: len(m.members.list), At: m.place.Coordinate()}
	for _, g := range m.grudges.list {
		if g.until > now {
			e.Distrusted++
		}
	}
	for _, p := range m.peers.order {
		if p.partner() {
			e.Partners = append(e.Partners, PartnerInfo{p.id, p.rtt, p.mine, p.got.value(now), p.gave.value(now), p.bandwidth(), p.failed})
		}
	}
	for _, st := range m.streams.order {
		s := StreamInfo{Tag: st.tag, Root: st.root, Lag: st.lag, Depth: len(st.path), Children: []protocol.PeerID{},
			DegreeBound: m.bound(st), Weight: st.weight, Moves: st.moves, Rate: st.flow.rate}
		if st.parent != nil {
			s.Parent = st.parent.id
		}
		for _, c := range st.children {
			s.Children = append(s.Children, c.p.id)
		}
		e.Streams = append(e.Streams, s)
	}
	return e
}
