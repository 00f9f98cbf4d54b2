package protocol

import "net/netip"

// Effect is something a machine wants done. The types of this file, and those a
// composite adds for its own driver by embedding [HostEffect], are the only ones.
type Effect interface{ effect() }

// HostEffect is embedded by the effects that a composite (internal/core) adds
// for its driver. Machines of protocols have no use for it.
type HostEffect struct{}

// Class is what a message is worth when a queue fills: lower goes first and is
// dropped last.
type Class uint8

// The classes.
const (
	// Control: membership, tree upkeep, announcements.
	Control Class = iota
	// Fresh: an item on the fast path.
	Fresh
	// Repair: an item that somebody missed.
	Repair
	// NumClasses is their number.
	NumClasses
)

// Send asks for a message to be sent over the link to a peer. Without a link, or
// past Expires, it is dropped and reported by SendDropped.
type Send struct {
	To      PeerID
	Topic   TopicID
	Object  ObjectID
	Msg     Message
	Class   Class
	Expires Time
}

// Multicast asks for a message to be sent to an IP multicast group by one NIC. Who
// sends need not have joined the group, and does not hear itself.
type Multicast struct {
	NIC    NIC
	Group  netip.AddrPort
	Topic  TopicID
	Object ObjectID
	Msg    Message
}

// JoinGroup asks for what is sent to an IP multicast group to be received by one
// NIC, from now until LeaveGroup: it comes as Received with Origin.Multicast. Joining
// again changes nothing.
type JoinGroup struct {
	NIC   NIC
	Group netip.AddrPort
}

// LeaveGroup ends JoinGroup. What is on its way may still come.
type LeaveGroup struct {
	NIC   NIC
	Group netip.AddrPort
}

// FetchAndSend asks the driver to stream items from its store to a peer, in the
// given order, as repair. Items no longer held are passed over.
type FetchAndSend struct {
	To      PeerID
	Topic   TopicID
	Object  ObjectID
	Items   []ItemID
	Expires Time
}

// FetchRange asks the driver to stream one author's stored items with sequence
// numbers First to Last, ascending, as repair, and to stop after the item with
// which MaxBytes is passed. Items not held are passed over.
type FetchRange struct {
	To          PeerID
	Topic       TopicID
	Object      ObjectID
	Author      PeerID
	First, Last uint64
	MaxBytes    int
	Expires     Time
}

// Dial asks for a link to a peer, and for it to be held until Close, whatever others
// do with it. LinkUp or DialFailed follows; LinkUp at once where there is a link.
type Dial struct {
	Peer   PeerID
	Reason string
	// Addr is where others say that the peer is, a binary multiaddr: for a host that
	// knows no better. Empty for nothing said.
	Addr string
}

// Rely says that the machine depends on a link, or no longer: it wants to hear soon when
// the peer falls silent. It ends with the link. Only for [Plugin] machines with Relies.
type Rely struct {
	Peer PeerID
	On   bool
}

// Seek asks for members of the topic beyond those that this host's neighbours know of:
// all that the machine knows leads nowhere. They come as MembersHeard, if any are found,
// and the view tries one of them. It is for what is rare: the host dials some of its address
// book, and heeds no other Seek of the topic for 10 s.
type Seek struct{}

// Close says that the machine has no more use for a link.
type Close struct {
	Peer   PeerID
	Reason string
}

// Arrive hands an item, unjudged, to the container.
type Arrive struct {
	Item     *Item
	From     PeerID
	Hops     uint8
	Repaired bool
	// Source is set for what was heard on a multicast group. From is then only a claim:
	// what is wrong with the item is charged to the source.
	Source Source
}

// Verify asks for an item's signature and its topic's rules to be checked.
// Verified with the same token follows; Known where the store holds the very item,
// for the container remembers only recent ones. Only the container uses it.
type Verify struct {
	Token uint64
	Item  *Item
}

// Store asks for a verified item to be written to disk. Stored with the same
// token follows. Only the container uses it.
type Store struct {
	Token uint64
	Item  *Item
	// From is the peer it came from.
	From PeerID
}

// Deliver hands a verified and stored item to this host's own readers.
type Deliver struct {
	Item *Item
	// From is the peer it came from, empty for what this peer published; Repaired
	// is set where it came as an answer to a request for what was missed.
	From     PeerID
	Repaired bool
}

// Charge says that a peer has sent what no honest peer sends, and that there is proof:
// its account is charged as for an invalid item, and too much of it ends the link. Never
// for what was only heard on a multicast group.
type Charge struct {
	Peer   PeerID
	Reason string
}

// Health tells whoever chose a protocol whether it works where it runs: Fit says that
// it does, otherwise Reason says what does not, and another way is to be used beside
// it or in its place. It is said when it changes. At the start a protocol counts as
// not fit.
type Health struct {
	Topic  TopicID
	Object ObjectID
	Fit    bool
	Reason string
}

// Event tells observers what a machine did and why: for counters, `status` and
// `why`. No one may base a decision on it.
type Event struct {
	// Name says what happened, as package-object.verb: "gossip.prune".
	Name  string
	Topic TopicID
	Peer  PeerID
	Item  ItemID
	// Value is a number that belongs to the event; its doc says which.
	Value int64
}

func (HostEffect) effect()   {}
func (Send) effect()         {}
func (Multicast) effect()    {}
func (JoinGroup) effect()    {}
func (LeaveGroup) effect()   {}
func (FetchAndSend) effect() {}
func (FetchRange) effect()   {}
func (Dial) effect()         {}
func (Rely) effect()         {}
func (Seek) effect()         {}
func (Close) effect()        {}
func (Arrive) effect()       {}
func (Verify) effect()       {}
func (Store) effect()        {}
func (Deliver) effect()      {}
func (Charge) effect()       {}
func (Health) effect()       {}
func (Event) effect()        {}
