package control

import "time"

// Roles of TraversalInfo.
const (
	RoleUnknown = "unknown" // nobody has found out yet
	RolePublic  = "public"  // anybody can call the peer
	RoleLeaf    = "leaf"    // nobody can call it unasked
)

// TraversalInfo says how the peer stands to those that it cannot call, and to those
// that cannot call it.
type TraversalInfo struct {
	Role string `json:"role"`
	// Relays are those through which a leaf can be called.
	Relays  []RelayInfo `json:"relays,omitempty"`
	Punches PunchInfo   `json:"punches"`
	// RelayedBytes are those that this peer has sent over links through relays;
	// RelayedPayload is what of them were entries.
	RelayedBytes   uint64 `json:"relayed_bytes"`
	RelayedPayload uint64 `json:"relayed_payload_bytes"`
	// Service is what the peer relays for others, nil while it does not.
	Service *RelayService `json:"relay_service,omitempty"`
}

// RelayInfo is a relay at which the peer has a place.
type RelayInfo struct {
	ID        string    `json:"id"`
	Addresses []string  `json:"addresses"`
	Since     time.Time `json:"since,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
}

// PunchInfo counts hole punches since the daemon started.
type PunchInfo struct {
	Tried     uint64 `json:"tried"`
	Succeeded uint64 `json:"succeeded"`
	Failed    uint64 `json:"failed"`
	// Reversed counts where the side that was called through a relay got through with a
	// plain dial: the caller is public, or had just sent to it.
	Reversed uint64 `json:"reversed"`
	// Unready counts those not begun because a side knew no address of its own, or they
	// had failed lately.
	Unready uint64 `json:"unready"`
	// Spared counts dials for which no relay was asked because punches had failed
	// lately.
	Spared uint64 `json:"spared"`
}

// RelayService is what the peer relays for others.
type RelayService struct {
	Places   uint64 `json:"places"` // given since the daemon started
	Renewed  uint64 `json:"renewed"`
	Refused  uint64 `json:"refused"`
	Circuits uint64 `json:"circuits"`
	Bytes    uint64 `json:"bytes"`
}
