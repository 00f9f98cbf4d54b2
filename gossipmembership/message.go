package gossipmembership

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of the messages of a view.
const (
	kindNeighbor uint8 = iota + 1
	kindNeighborReply
	kindDisconnect
	kindPresent
	kindShuffle
	kindShuffleReply
)

// MaxRecords bounds the records of one message.
const MaxRecords = 8

// maxDegree bounds an advertised degree; more is malformed.
const maxDegree = 127

// Neighbor asks to be taken into the receiver's active view.
//
//	nonce:8 degree:uvarint want:uvarint
type Neighbor struct {
	// Nonce comes back in the reply.
	Nonce uint64
	// Degree is how many neighbours the sender has in this group. 0 says that
	// it has none at all and may take one of the places kept for newcomers.
	Degree int
	// Want is how many other members to name if the answer is no, at most MaxRecords.
	Want int
}

// NeighborReply answers a Neighbor.
//
//	nonce:8 accept:1 degree:uvarint records
type NeighborReply struct {
	Nonce  uint64
	Accept bool
	// Degree is how many neighbours the answering peer has.
	Degree int
	// Records are other members to try, where the answer is no; at most MaxRecords.
	Records []Record
}

// Reason says why a peer took another out of its active view.
type Reason uint8

// The reasons that travel.
const (
	// ReasonLeft: the sender leaves the group.
	ReasonLeft Reason = iota
	// ReasonRotated: the sender tries another neighbour instead.
	ReasonRotated
	// ReasonRelieved: the receiver had a newcomer's place and needs it no more.
	ReasonRelieved
	// ReasonNotNeighbor: the receiver is not in the sender's active view, though
	// it seems to think so; or a request went unanswered and is withdrawn.
	ReasonNotNeighbor
	numReasons
)

// String returns a word for Down.Reason.
func (r Reason) String() string {
	switch r {
	case ReasonLeft:
		return "left"
	case ReasonRotated:
		return "rotated"
	case ReasonRelieved:
		return "relieved"
	case ReasonNotNeighbor:
		return "not-neighbor"
	}
	return "unknown"
}

// Disconnect takes the receiver out of the sender's active view, or says that it
// is not in it.
//
//	reason:1
type Disconnect struct{ Reason Reason }

// Present says, about once a minute, "you are in my active view". Whoever is not
// of that opinion answers with Disconnect.
//
//	degree:uvarint
type Present struct{ Degree int }

// Shuffle offers a neighbour some members, and asks for as many.
//
//	nonce:8 degree:uvarint records
type Shuffle struct {
	Nonce  uint64
	Degree int
	// Records begin with the sender's own; at most MaxRecords.
	Records []Record
}

// ShuffleReply answers a Shuffle.
//
//	nonce:8 degree:uvarint records
type ShuffleReply struct {
	Nonce   uint64
	Degree  int
	Records []Record
}

// Kind implements protocol.Message.
func (Neighbor) Kind() uint8 { return kindNeighbor }

// Kind implements protocol.Message.
func (NeighborReply) Kind() uint8 { return kindNeighborReply }

// Kind implements protocol.Message.
func (Disconnect) Kind() uint8 { return kindDisconnect }

// Kind implements protocol.Message.
func (Present) Kind() uint8 { return kindPresent }

// Kind implements protocol.Message.
func (Shuffle) Kind() uint8 { return kindShuffle }

// Kind implements protocol.Message.
func (ShuffleReply) Kind() uint8 { return kindShuffleReply }

// AppendTo implements protocol.Message.
func (m Neighbor) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Nonce)
	b = binary.AppendUvarint(b, uint64(m.Degree))
	return binary.AppendUvarint(b, uint64(m.Want))
}

// AppendTo implements protocol.Message.
func (m NeighborReply) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Nonce)
	if m.Accept {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(m.Degree))
	return appendRecords(b, m.Records)
}

// AppendTo implements protocol.Message.
func (m Disconnect) AppendTo(b []byte) []byte { return append(b, byte(m.Reason)) }

// AppendTo implements protocol.Message.
func (m Present) AppendTo(b []byte) []byte {
	return binary.AppendUvarint(b, uint64(m.Degree))
}

// AppendTo implements protocol.Message.
func (m Shuffle) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Nonce)
	b = binary.AppendUvarint(b, uint64(m.Degree))
	return appendRecords(b, m.Records)
}

// AppendTo implements protocol.Message.
func (m ShuffleReply) AppendTo(b []byte) []byte { return Shuffle(m).AppendTo(b) }

func appendRecords(b []byte, recs []Record) []byte {
	b = binary.AppendUvarint(b, uint64(len(recs)))
	for i := range recs {
		b = recs[i].AppendTo(b)
	}
	return b
}

// The messages are the machine's own; the compiler checks that they are complete.
var _ = []protocol.Message{
	Neighbor{}, NeighborReply{}, Disconnect{}, Present{}, Shuffle{}, ShuffleReply{},
}
