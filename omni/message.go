package omni

import (
	"encoding/binary"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of messages. An item travels as protocol.Carry, which all objects share.
const (
	KindBeat uint8 = 1 + iota
	KindOffer
	KindJoin
	KindAccept
	KindRefuse
	KindLeave
	KindReport
	KindSamples
	KindWatch
	KindDigest
	KindPull
	KindRenew
	KindYield
	KindCall
	KindSame
	KindAgain
)

// maxLatency bounds a root latency on the wire (our guess).
const maxLatency = 100 * time.Second

// Reach says who can open a link to a peer.
type Reach uint8

// The values of Reach.
const (
	// ReachUnknown: nobody knows.
	ReachUnknown Reach = iota
	// ReachPublic: anybody.
	ReachPublic
	// ReachPunch: by a hole punch, who can punch too.
	ReachPunch
	// ReachNone: nobody; it opens links itself.
	ReachNone
	numReaches
)

// behind reports whether a peer has to be reached through a door.
func (r Reach) behind() bool { return r == ReachPunch || r == ReachNone }

// State is where the sender stands.
//
//	flags:1 root:peer epoch:uvarint latency:uvarint wait:uvarint relief:uvarint
//	offer:uvarint prime:uvarint spare:uvarint price:uvarint path:count,8… coordinate:9
//
// Flags: 1 attached, 2 the root publishes, 4 and 8 the reach.
type State struct {
	// Attached is set where the sender is the root or has a parent; of others only
	// the coordinate and the reach mean something.
	Attached bool
	// Publishes is set where the root publishes.
	Publishes bool
	Reach     Reach
	Root      protocol.PeerID
	// Epoch is the latest beat: term in the upper 32 bits, number in the lower.
	Epoch uint64
	// Latency is that from the root to the sender, in µs on the wire; Wait is what an
	// item waits there for its turn to the receiver, and Offer the latency with what it
	// would wait for a turn after all present ones.
	Latency, Wait, Offer time.Duration
	// Prime is Offer for a newcomer of a value of primeValue: it does not wait for those
	// that count less, and pays for what they wait.
	Prime time.Duration
	// Relief is by how much the receiver's going would serve those sent to after it:
	// the sum of what they would gain over the hosts below the receiver.
	Relief time.Duration
	// Spare is how many more children there is room for; without any, Price is what
	// the child loses least that would have to go: its latency there less that here,
	// times its value.
	Spare int
	Price time.Duration
	// Path has the keys of the sender's ancestors, the root first; at most MaxPath.
	Path []uint64
	At   vivaldi.Coordinate
}

// Beat tells a child, or a watcher, where the sender stands.
type Beat struct{ State }

// Same is a Beat of the term of the last position told to the receiver whole, which it
// names: see same.go. check:2 number:uvarint
type Same struct {
	// Number is the beat's in its term, the lower half of the epoch.
	Number uint32
	Check  uint16
}

// Again asks for a whole Beat. It has no body.
type Again struct{}

// Offer tells a peer that it might want to be a child, or that there is a new root.
type Offer struct{ State }

// Accept answers a Join: the sender is the receiver's parent from now on.
type Accept struct{ State }

// Refuse answers a Join. reason:1 state
type Refuse struct {
	Reason Reason
	State
}

// Reason says why a Join is refused or an end is made.
type Reason uint8

// The reasons.
const (
	// Full: no place left, and none worth giving up.
	Full Reason = iota
	// NoGain: the latency would be no less, or others would lose more.
	NoGain
	// Loop: the sender is below the receiver, or may be.
	Loop
	// Detached: the sender has no place in the tree itself.
	Detached
	// Moved: the receiver has a better parent.
	Moved
	// Stranger: the receiver is not taken for a parent or a child.
	Stranger
	// Withholds: items did not come.
	Withholds
	// Left: the sender leaves the topic.
	Left
	// Lost: the sender cannot reach the receiver.
	Lost
	numReasons
)

var reasonNames = [numReasons]string{"full", "no gain", "loop", "detached", "moved", "stranger", "withholds", "left", "lost"}

// String is a word or two for people.
func (r Reason) String() string {
	if r < numReasons {
		return reasonNames[r]
	}
	return "?"
}

// Join asks to be taken in as a child.
//
//	flags:1 epoch:uvarint feasible:uvarint latency:uvarint weight:uvarint value:uvarint rtt:uvarint
//	coordinate:9 old:peer oldOffer:uvarint oldAt:9
//
// Flags: 1 orphan.
type Join struct {
	// Orphan is set where the sender has no parent: Latency means nothing then.
	Orphan bool
	// Epoch and Feasible are the sender's bound: only who stands before it may become
	// its parent, so that there is never a cycle.
	Epoch    uint64
	Feasible time.Duration
	Latency  time.Duration
	// Weight is the number of hosts in the sender's subtree, itself included.
	Weight int
	// Value is Weight and what the sender could do for others in a better place.
	Value int
	RTT   time.Duration
	At    vivaldi.Coordinate
	// Old is its parent, OldOffer what that could offer to others in its place.
	Old      protocol.PeerID
	OldOffer time.Duration
	OldAt    vivaldi.Coordinate
}

// Leave ends what is between a parent and a child, by either. reason:1
type Leave struct{ Reason Reason }

// Report tells the parent of the subtree.
//
//	weight:uvarint value:uvarint other:uvarint coordinate:9
type Report struct {
	Weight, Value int
	// Other is the least latency that the sender knows to have elsewhere.
	Other time.Duration
	At    vivaldi.Coordinate
}

// Sample says where a member stands.
//
//	peer coordinate:9 latency:uvarint offer:uvarint prime:uvarint bits:1 [price:uvarint] weight:uvarint way:uvarint age:uvarint addr:bytes
//	[door:peer doorAddr:bytes]
//
// The price is there where no place is spare, the door where the reach is by a punch or
// none.
type Sample struct {
	Peer protocol.PeerID
	At   vivaldi.Coordinate
	// Latency, Offer and Prime are those of its State.
	Latency, Offer, Prime time.Duration
	// Spare is how many places it has, at most maxSpare; Price that of its State.
	Spare  int
	Price  time.Duration
	Reach  Reach
	Weight int
	// Way is the round trip from the sender to it, where the sender has measured it; 0
	// for never.
	Way time.Duration
	// Age is for how long this has been known, in quarters of a second on the wire.
	Age time.Duration
	// Addr is where it says that it is, a binary multiaddr of at most MaxAddr bytes.
	Addr string
	// Door is a peer that anybody can dial and that is linked to it, where it cannot be
	// dialled itself: the rendezvous of a punch, or who passes on a Call. Empty for none.
	Door     protocol.PeerID
	DoorAddr string
}

// maxSpare is the most that Sample.Spare says.
const maxSpare = 31

// Samples passes on what is known of members, up to MaxBatch of them, and asks for more.
//
//	flags:1 root:8 epoch:uvarint count:uvarint sample… [salt:1 known:bytes]
//
// Flags: 1 answer, which has neither salt nor known.
type Samples struct {
	// Answer is set where it answers a question: it is not answered again.
	Answer bool
	// Root is the key of the root under which they stand, Epoch the sender's.
	Root  uint64
	Epoch uint64
	List  []Sample
	// Known are those of which the sender need not be told; see sieve.
	Salt  byte
	Known sieve
}

// Call asks a peer to dial another that may want to be its child, by way of a door.
// to:peer who:sample
type Call struct {
	To  protocol.PeerID
	Who Sample
}

// Watch asks for each new item to be announced, for good at once or some at a time, for
// a while, or no longer.
//
//	mode:1 [last:6]
type Watch struct {
	Mode WatchMode
	// Last is, with WatchAWhile, the last item that the sender has; 0 for none.
	Last Short
}

// WatchMode is what a Watch asks for.
type WatchMode uint8

// The modes.
const (
	WatchOff WatchMode = iota
	WatchOn
	// WatchAWhile also asks for what came lately: the sender hears nothing any more. The
	// latest item is sent whole, if it is small: see gift.go.
	WatchAWhile
	// WatchLater is WatchOn, but announcements wait for others to share a message with.
	WatchLater
	numModes
)

// Announcement names an item that the sender holds, or with Digest.Late expects.
type Announcement struct {
	ID Short
	// Size is that of the encoded item in bytes, rounded up to a multiple of sizeUnit.
	Size int
}

// announcement announces an item, its size as it travels.
func announcement(id protocol.ItemID, size int) Announcement {
	return Announcement{short(id), (size + sizeUnit - 1) / sizeUnit * sizeUnit}
}

// sizeUnit is the unit of Announcement.Size: it says how long an item may be under way,
// for which that will do.
const sizeUnit = 256

// Short is the beginning of an item's ID, 48 bits: enough to tell the items of some
// seconds apart. Two that share it, which takes their author 2^24 attempts, and who wants
// to hide another's item 2^48 within seconds, are found by repair.
type Short uint64

// shortSize is a Short's on the wire in bytes.
const shortSize = 6

func short(id protocol.ItemID) Short { return Short(binary.BigEndian.Uint64(id[:8]) >> 16) }

// Digest announces 1 to MaxIDs items.
//
//	count-1|late<<6:1 count×(id:6 size:uvarint)
type Digest struct {
	// Late says that the sender has not got the items itself, and has asked for them.
	Late  bool
	Items []Announcement
}

// Pull asks for 1 to MaxIDs announced items. count:uvarint count×id:6
type Pull struct{ Items []Short }

// Renew asks for a beat later than an epoch, upwards. epoch:uvarint
type Renew struct{ Epoch uint64 }

// Yield asks a child to look for another place, because somebody needs its own more.
//
//	count:uvarint sample…
type Yield struct{ Near []Sample }

// Kind implements protocol.Message, for each of them.
func (Beat) Kind() uint8    { return KindBeat }
func (Offer) Kind() uint8   { return KindOffer }
func (Join) Kind() uint8    { return KindJoin }
func (Accept) Kind() uint8  { return KindAccept }
func (Refuse) Kind() uint8  { return KindRefuse }
func (Leave) Kind() uint8   { return KindLeave }
func (Report) Kind() uint8  { return KindReport }
func (Samples) Kind() uint8 { return KindSamples }
func (Watch) Kind() uint8   { return KindWatch }
func (Digest) Kind() uint8  { return KindDigest }
func (Pull) Kind() uint8    { return KindPull }
func (Renew) Kind() uint8   { return KindRenew }
func (Yield) Kind() uint8   { return KindYield }
func (Call) Kind() uint8    { return KindCall }
func (Same) Kind() uint8    { return KindSame }
func (Again) Kind() uint8   { return KindAgain }
