package donet

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of messages. An item travels as protocol.Carry, which all objects share.
const (
	KindMap uint8 = 1 + iota
	KindAsk
	KindMeet
	KindStand
	KindJoin
	KindRefuse
	KindLeave
	KindReport
	KindLate
	KindMembers
	KindYield
	KindSlots
)

// Tag names a stream, all that one author publishes in the topic: the first 8 bytes of
// the SHA-256 of its ID, so that a map needs no names. Who finds an author with
// another's tag hides its items from the mesh, not from repair. 0 is a feed's owner.
type Tag uint64

func tagOf(author protocol.PeerID) Tag {
	sum := sha256.Sum256([]byte(author))
	return Tag(max(binary.BigEndian.Uint64(sum[:8]), 1))
}

// maxLag bounds a lag on the wire (our guess).
const maxLag = 100 * time.Second

// Run is Count sequence numbers from First on.
type Run struct {
	First uint64
	Count int
}

// Map says what the sender has got: changes, or with Full all that matters.
//
//	flags:1 tag size:uvarint runs
//
// A tag is 0:1, or 1:1 and 8 bytes; runs are a count, then gap and count-1 of each, the
// first gap from 0. Flags: 1 full.
type Map struct {
	Full bool
	Tag  Tag
	// Size is the mean length of the items in bytes.
	Size int
	Runs []Run
}

// Ask asks for items. tag runs
type Ask struct {
	Tag  Tag
	Runs []Run
}

// Meet is about partnership. mode:1 coordinate:9
type Meet struct {
	Mode MeetMode
	At   vivaldi.Coordinate
}

// MeetMode is what a Meet says.
type MeetMode uint8

// The modes.
const (
	// MeetAsk: the sender seeks a partner. MeetYes and MeetNo answer it, MeetEnd ends it.
	MeetAsk MeetMode = iota
	MeetYes
	MeetNo
	MeetEnd
	// MeetOnce asks for a full map: nothing has come for some time.
	MeetOnce
	numModes
)

// Stand says where the sender stands in the spanning part of a stream.
//
//	tag flags:1 beat:uvarint base:uvarint lag:uvarint cost:uvarint spare:uvarint
//	coordinate:9 path:count,4…
//
// Flags: 1 attached, 2 child, 4 and 8 the reach, 16 joined.
type Stand struct {
	Tag Tag
	// Attached is set where the sender is the author's host or has a parent.
	Attached bool
	// Child is set where the sender takes the receiver for its child; Joined where that
	// answers a Join.
	Child, Joined bool
	Reach         Reach
	// Beat is the latest beat of the author's host that got there.
	Beat uint64
	// Lag is how long an item takes to the sender, Base the same until it leaves for the
	// receiver, its turn awaited. µs on the wire.
	Lag, Base time.Duration
	// Cost is what others wait because the receiver is served before them, over all that
	// depend on the receiver: what it is worth to them that it goes. 0 but for a child.
	Cost time.Duration
	// Spare is how many more children there is room for.
	Spare int
	At    vivaldi.Coordinate
	// Path has the keys of the sender's ancestors, the author's host first, without its
	// own.
	Path []uint32
}

// Reach says who can open a link to a peer.
type Reach uint8

// The values of Reach.
const (
	// ReachUnknown: nobody knows.
	ReachUnknown Reach = iota
	// ReachPublic: anybody.
	ReachPublic
	// ReachNone: who is behind a NAT; it opens links itself.
	ReachNone
	numReaches
)

// Join asks to be pushed a stream.
//
//	tag flags:1 lag:uvarint rtt:uvarint weight:uvarint value:uvarint turn:uvarint spare:uvarint coordinate:9
//
// Flags: 1 orphan.
type Join struct {
	Tag Tag
	// Orphan is set where the sender has no parent: Lag means nothing then.
	Orphan bool
	Lag    time.Duration
	// RTT is the round trip as the sender has measured it; the receiver may not have.
	RTT time.Duration
	// Weight is the number of hosts in the sender's subtree, itself included; Value the
	// same and what it could do for others.
	Weight, Value int
	// Turn is what a child of the sender would wait for its turn there.
	Turn  time.Duration
	Spare int
	At    vivaldi.Coordinate
}

// Refuse answers a Join: no place, or no gain. Stand says what there is.
type Refuse struct{ Stand }

// Leave ends what is between parent and child, by either. tag
type Leave struct{ Tag Tag }

// Report tells the parent of the subtree. tag weight:uvarint value:uvarint other:uvarint
type Report struct {
	Tag           Tag
	Weight, Value int
	// Other is the least lag that the sender knows to have elsewhere.
	Other time.Duration
}

// Late tells children that items are late for the sender too, who has asked for them.
type Late struct{ Tag Tag }

// Yield asks a child to look for another place, perhaps at To, because somebody needs
// its own more. tag to:peer base:uvarint limit:uvarint
type Yield struct {
	Tag Tag
	To  protocol.PeerID
	// Base is how long an item will take until it leaves To for the receiver, Limit the
	// greatest lag for which it is worth it.
	Base, Limit time.Duration
}

// Member says where a member stands in the spanning part of Members.Tag.
//
//	peer coordinate:9 lag:uvarint base:uvarint spare:1 reach:1 age:uvarint addr:bytes
type Member struct {
	Peer      protocol.PeerID
	At        vivaldi.Coordinate
	Lag, Base time.Duration
	Spare     int // at most maxSpare
	Reach     Reach
	// Age is for how long this has been known, whole seconds on the wire.
	Age time.Duration
	// Addr is where it says that it is, a binary multiaddr.
	Addr string
}

const maxSpare = 31

// Members passes on what is known of members. flags:1 tag count:uvarint member…
//
// Flags: 1 answer.
type Members struct {
	Answer bool
	Tag    Tag
	List   []Member
}

// Kind implements protocol.Message, for each of them.
func (Map) Kind() uint8     { return KindMap }
func (Ask) Kind() uint8     { return KindAsk }
func (Meet) Kind() uint8    { return KindMeet }
func (Stand) Kind() uint8   { return KindStand }
func (Join) Kind() uint8    { return KindJoin }
func (Refuse) Kind() uint8  { return KindRefuse }
func (Leave) Kind() uint8   { return KindLeave }
func (Report) Kind() uint8  { return KindReport }
func (Late) Kind() uint8    { return KindLate }
func (Members) Kind() uint8 { return KindMembers }
func (Yield) Kind() uint8   { return KindYield }
