package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Candidates is an input of a View: members of its group that were learnt
// elsewhere (ticket, search, mDNS, an earlier run). How to reach them is the
// Book's business.
type Candidates struct {
	protocol.HostInput
	Peers []PeerID
	// Sought is set where the host looks for members because this view may be in an
	// island: one of them is tried soon.
	Sought bool
}

// Up is an effect of a View: the active view has gained a peer. The link to it
// is up, and needed until Close.
type Up struct {
	protocol.HostEffect
	Peer PeerID
	// RTT is what was last measured, 0 while unknown.
	RTT time.Duration
}

// Down is an effect of a View: the active view has lost a peer. Up and Down
// alternate for each peer.
type Down struct {
	protocol.HostEffect
	Peer PeerID
	// Reason is a word for people: a Reason's, "silent", or why the link went.
	Reason string
}

// Book is the host's address book as a View sees it: shared by all groups.
// [SimpleBook] is one; a test's may be a map.
type Book interface {
	// Record returns the newest verified record of a peer, this host's own
	// among them. What it returns may be passed on.
	Record(PeerID) (Record, bool)
	// Learn takes in a verified record that from has passed on.
	Learn(now protocol.Time, rec Record, from PeerID)
	// Dialable reports whether a dial of a peer may get through, as far as is known.
	Dialable(PeerID) bool
}

// Decode is a decoder, a View a machine that can explain itself.
var (
	_ protocol.Decoder   = Decode
	_ protocol.Machine   = (*View)(nil)
	_ protocol.Explainer = (*View)(nil)
)
