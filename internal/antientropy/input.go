package antientropy

import "github.com/quilt-p2p/quilt/protocol"

// Held: an item is on disk and can be served from now on. It follows Accepted,
// for own items too.
type Held struct {
	protocol.HostInput
	Item *protocol.Item
}

// Lost: an item was accepted but could not be stored, so it is missing still.
type Lost struct {
	protocol.HostInput
	ID     protocol.ItemID
	Author protocol.PeerID
	Seq    uint64
}

// Dropped: retention has removed items below the sequence number Low from disk;
// they are neither served nor wanted any more. See Config.Floor.
type Dropped struct {
	protocol.HostInput
	Low uint64
}
