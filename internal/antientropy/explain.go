package antientropy

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// OwnedState is what Owned.Explain returns.
type OwnedState struct {
	Floor uint64  `json:"floor"`
	Runs  []Range `json:"runs"` // at most MaxDigestRuns
	Top   uint64  `json:"top"`
	// Missing is how many entries between the runs are missing.
	Missing uint64 `json:"missing"`
	Forks   int    `json:"forks"`
	State
}

// OpenState is what Open.Explain returns.
type OpenState struct {
	Items int `json:"items"`
	State
}

// State is what the machines of both kinds of topic tell of themselves.
type State struct {
	Pending    int              `json:"pending"`
	Paused     bool             `json:"paused"` // the store takes nothing
	NextRound  time.Duration    `json:"next_exchange_ns"`
	Stats      Stats            `json:"stats"`
	Neighbours []NeighbourState `json:"neighbours"`
}

// NeighbourState is what repair knows of one neighbour.
type NeighbourState struct {
	Peer      protocol.PeerID `json:"peer"`
	RTT       time.Duration   `json:"rtt_ns"`
	Suspected bool            `json:"suspected"`
	Pulling   bool            `json:"pulling"`
	// Lacking is how many items it is believed to have and we lack.
	Lacking  uint64        `json:"lacking"`
	Failures int           `json:"failures"`
	Backoff  time.Duration `json:"backoff_ns"`
	// Rate is in bytes a second.
	Rate float64 `json:"rate"`
}

// Explain implements protocol.Explainer; it returns an OwnedState.
func (m *Owned) Explain(now protocol.Time) any {
	return OwnedState{
		Floor:   m.floor,
		Runs:    m.digest(m.floor).Runs,
		Top:     m.held.top(),
		Missing: count(m.held.gaps()),
		Forks:   len(m.evidence),
		State:   m.state(now, func(n *neighbour) uint64 { return count(m.missing(n)) }),
	}
}

// Explain implements protocol.Explainer; it returns an OpenState.
func (m *Open) Explain(now protocol.Time) any {
	return OpenState{
		Items: m.keys.len(),
		State: m.state(now, func(n *neighbour) uint64 { return uint64(len(n.topic.wants)) }),
	}
}

func (e *engine) state(now protocol.Time, lacking func(*neighbour) uint64) State {
	s := State{Pending: e.pending.len(), Paused: now < e.pausedUntil, Stats: e.stats}
	if e.pace.next != protocol.Never {
		s.NextRound = max(e.pace.next.Sub(now), 0)
	}
	for _, n := range e.nbrs {
		s.Neighbours = append(s.Neighbours, NeighbourState{
			Peer:      n.peer,
			RTT:       n.rtt,
			Suspected: n.suspected,
			Pulling:   n.pull != nil,
			Lacking:   lacking(n),
			Failures:  n.failures,
			Backoff:   max(n.backoff.Sub(now), 0),
			Rate:      n.rate,
		})
	}
	return s
}

var (
	_ protocol.Machine   = (*Owned)(nil)
	_ protocol.Explainer = (*Owned)(nil)
	_ protocol.Machine   = (*Open)(nil)
	_ protocol.Explainer = (*Open)(nil)
	_ protocol.Decoder   = Decode
)
