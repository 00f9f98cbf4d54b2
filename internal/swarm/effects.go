package swarm

import (
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// Open asks the driver for room for large content on disk. Opened follows.
type Open struct {
	protocol.HostEffect
	Topic protocol.TopicID
	Root  large.Hash
	// Item is its manifest.
	Item *protocol.Item
}

// StorePiece asks for a piece that was checked to be written to its place. PieceStored
// with the same token follows.
type StorePiece struct {
	protocol.HostEffect
	Topic protocol.TopicID
	Root  large.Hash
	Token uint64
	Index int
	Bytes []byte
	// From is the peer it came from.
	From protocol.PeerID
}

// FetchPieces asks the driver to stream stored pieces to a peer, each as a [Piece] of
// class Repair. Pieces no longer held are passed over.
type FetchPieces struct {
	protocol.HostEffect
	To      protocol.PeerID
	Topic   protocol.TopicID
	Object  protocol.ObjectID
	Root    large.Hash
	Pieces  []uint32
	Expires protocol.Time
}

// Done: all pieces are stored. Items are the manifests of it, at least one.
type Done struct {
	protocol.HostEffect
	Topic protocol.TopicID
	Root  large.Hash
	Items []protocol.ItemID
}

// Opened answers an Open.
type Opened struct {
	protocol.HostInput
	Topic protocol.TopicID
	Root  large.Hash
	// OK is set where there is room. Without it the driver is asked again later.
	OK bool
	// Have are the pieces that are there already, nil for none; their hashes were
	// checked. Tree is what checked them, with the index pieces among them learnt; nil
	// where Have is.
	Have large.Bits
	Tree *large.Tree
}

// PieceStored answers a StorePiece.
type PieceStored struct {
	protocol.HostInput
	Topic protocol.TopicID
	Token uint64
	OK    bool
}

// Kept tells of content that is on disk in full: from an earlier run, or because this
// host is about to publish it.
type Kept struct {
	protocol.HostInput
	Topic protocol.TopicID
	Root  large.Hash
	// Layout says which pieces there are.
	Layout large.Layout
}

// Gone tells that content was removed from the disk.
type Gone struct {
	protocol.HostInput
	Topic protocol.TopicID
	Root  large.Hash
}
