package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// ViewState is what Explain returns.
type ViewState struct {
	Neighbors []NeighborState `json:"neighbors"`
	// Asking are the members that are being asked to become neighbours.
	Asking []AskState `json:"asking,omitempty"`
	// Missing is how many neighbours the view looks for.
	Missing int `json:"missing"`
	// Passive and Lost are how many other members are known, and how many of
	// those that once were no longer answer.
	Passive int `json:"passive"`
	Lost    int `json:"lost"`
}

// NeighborState describes a member of the active view.
type NeighborState struct {
	Peer string `json:"peer"`
	// Chosen is set where this peer asked for the link, whoever dialled.
	Chosen bool `json:"chosen"`
	// Newcomer is set where it has a place beyond the bounds.
	Newcomer  bool `json:"newcomer,omitempty"`
	Suspected bool `json:"suspected,omitempty"`
	// Degree is how many neighbours it says that it has.
	Degree int           `json:"degree"`
	RTT    time.Duration `json:"rtt_ns"`
	// For is how long it has been a neighbour.
	For time.Duration `json:"for_ns"`
}

// AskState describes a request under way.
type AskState struct {
	Peer string `json:"peer"`
	// Why is "fill", "rotate" or "recontact".
	Why     string `json:"why"`
	Dialing bool   `json:"dialing"`
}

// Explain implements protocol.Explainer; the value is a ViewState.
func (v *View) Explain(now protocol.Time) any {
	s := ViewState{
		Neighbors: make([]NeighborState, 0, len(v.active)),
		Missing:   v.missing(),
		Passive:   len(v.passive),
		Lost:      len(v.lost),
	}
	for _, n := range v.active {
		l, _ := v.links.get(n.peer)
		s.Neighbors = append(s.Neighbors, NeighborState{
			Peer: n.peer.String(), Chosen: n.outbound, Newcomer: n.guest, Suspected: l.suspected,
			Degree: n.degree, RTT: l.rtt, For: now.Sub(n.since),
		})
	}
	for _, a := range v.asks {
		s.Asking = append(s.Asking, AskState{Peer: a.peer.String(), Why: a.why.String(), Dialing: a.dialing})
	}
	return s
}

// Neighbors returns the active view, those that have been in it longest first.
func (v *View) Neighbors() []PeerID {
	peers := make([]PeerID, len(v.active))
	for i := range v.active {
		peers[i] = v.active[i].peer
	}
	return peers
}
