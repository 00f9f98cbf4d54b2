package core

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Dial asks the driver for a link to a peer at any of the given addresses (binary
// multiaddrs). LinkUp or DialFailed follows.
type Dial struct {
	protocol.HostEffect
	Peer  protocol.PeerID
	Addrs []string
	// Relayed is set where a link through a relay is better than none. It may lead to
	// a direct one then as well.
	Relayed bool
}

// Ban asks the driver to close and refuse links with a peer for a while: it has
// sent what its own check would have refused.
type Ban struct {
	protocol.HostEffect
	Peer   protocol.PeerID
	For    time.Duration
	Reason string
}

// Receipts: these further peers say that they have stored an item.
type Receipts struct {
	protocol.HostEffect
	Topic protocol.TopicID
	ID    protocol.ItemID
	Peers []protocol.PeerID
}
