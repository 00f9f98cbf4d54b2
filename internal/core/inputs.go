package core

import (
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// Contacts: peers learnt outside gossip, by a ticket, mDNS, a greeting or an
// earlier run. Records with sequence number 0 are mere hints of an address: used
// for dialling, never passed on.
type Contacts struct {
	protocol.HostInput
	Records []gossipmembership.Record
	// Remembered is set where they worked in an earlier run.
	Remembered bool
	// From is the peer that told of them, empty where nobody did.
	From protocol.PeerID
	// Topic names a topic whose members they are; zero where only hosts are known.
	Topic protocol.TopicID
}

// SelfRecord: this host's own record has changed.
type SelfRecord struct {
	protocol.HostInput
	Record gossipmembership.Record
}

// Join: this host takes part in a topic from now on.
type Join struct {
	protocol.HostInput
	Name string
	// Owner is the only author of an owned feed, empty for an open topic.
	Owner protocol.PeerID
	// Held says what the store holds: of an owned feed.
	Held []antientropy.Run
	// Keys says what the store holds: of an open topic.
	Keys []antientropy.Key
	// Kept is what the disk holds in full of what is larger than an item, Partly are the
	// manifests of what it does not.
	Kept   []swarm.Kept
	Partly []*protocol.Item
}

// Leave: this host takes no further part in a topic.
type Leave struct {
	protocol.HostInput
	Topic protocol.TopicID
}

// Published: this host's own item, signed and already on disk.
type Published struct {
	protocol.HostInput
	Item *protocol.Item
}

// AwaitReceipts asks who else has stored an item, until a time. Receipts follow
// as answers come.
type AwaitReceipts struct {
	protocol.HostInput
	Topic protocol.TopicID
	ID    protocol.ItemID
	Until protocol.Time
}

// Pruned: retention has removed an owned feed's entries below Low.
type Pruned struct {
	protocol.HostInput
	Topic protocol.TopicID
	Low   uint64
}

// Misconduct: the peer has sent what no honest peer sends; its link is charged as
// for an invalid item.
type Misconduct struct {
	protocol.HostInput
	Peer protocol.PeerID
}
