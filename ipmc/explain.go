package ipmc

import "github.com/quilt-p2p/quilt/protocol"

// Stats counts what happened since the start.
type Stats struct {
	Sent     uint64 `json:"sent"`     // items of this peer's own, whole
	Received uint64 `json:"received"` // items of others that were whole and valid
	NotSent  uint64 `json:"not_sent"` // for want of room in the queue
	Brought  uint64 `json:"brought"`  // items that came by gossip, of those sent
	Beacons  uint64 `json:"beacons"`
	Nacks    uint64 `json:"nacks"` // questions to the group
	AskedOne uint64 `json:"asked_one"`
	// NacksHeard are the questions of others, Repairs the positions sent again.
	NacksHeard  uint64 `json:"nacks_heard"`
	Repairs     uint64 `json:"repairs"`
	AnsweredOne uint64 `json:"answered_one"`
	// GivenUp and Skipped are positions left to the slow path.
	GivenUp uint64 `json:"given_up"`
	Skipped uint64 `json:"skipped"`
	// Checks are signatures checked of first fragments and beacons, Forged those that
	// were wrong, and items; Unchecked is what was dropped because its source had had
	// its share of checks.
	Checks    uint64 `json:"checks"`
	Forged    uint64 `json:"forged"`
	Unchecked uint64 `json:"unchecked"`
	// False are fragments that were not what was listed, Contradicted positions of
	// which two things were said, Twice what came again, Stale what came too late or
	// too early, Full what there was no room for.
	False        uint64 `json:"false"`
	Contradicted uint64 `json:"contradicted"`
	Twice        uint64 `json:"twice"`
	Stale        uint64 `json:"stale"`
	Full         uint64 `json:"full"`
}

// Explanation is what a machine says of itself.
type Explanation struct {
	Fit     bool    `json:"fit"`
	Loss    float64 `json:"loss"`
	Peers   int     `json:"peers"`
	Streams int     `json:"streams"`
	Holes   int     `json:"holes"`
	Queue   int     `json:"queue"`
	Rate    float64 `json:"rate"` // bytes a second
	Window  float64 `json:"window_ms"`
	Stats   Stats   `json:"stats"`
}

// Explain implements protocol.Explainer.
func (m *Machine) Explain(protocol.Time) any {
	return Explanation{
		Fit: m.health.told, Loss: m.health.loss, Peers: len(m.beacons.peers), Streams: len(m.order), Holes: m.holes,
		Queue: len(m.sending.fresh), Rate: m.sending.bucket.rate, Window: 1e3 * m.asking.window.Seconds(), Stats: m.stats,
	}
}
