package protocol

import (
	"net/netip"
	"time"
)

// Input is something that happened to a machine. The types of this file, and those
// a composite adds for its own parts by embedding [HostInput], are the only ones; a
// machine ignores those it has no use for.
type Input interface{ input() }

// HostInput is embedded by the inputs that a composite (internal/core) adds for
// itself and its parts. Machines of protocols never see them.
type HostInput struct{}

// Origin says how a message came and what is known of its sender.
type Origin struct {
	// Peer is the claimed sender.
	Peer PeerID
	// NIC is the interface it came in by.
	NIC NIC
	// Addr is the address from which a multicast packet claims to come; the zero Addr
	// where that is not known.
	Addr netip.Addr
	// Multicast is set for what was heard on a multicast group.
	Multicast bool
	// Authenticated is set where the transport has proved Peer (a libp2p
	// connection does, a multicast packet does not).
	Authenticated bool
}

// Source is where something heard on a multicast group came from, as far as that can
// be told: nothing proves it. The zero Source is that of what came over a link.
type Source struct {
	NIC  NIC
	Addr netip.Addr
}

// Source returns where a multicast packet came from.
func (o Origin) Source() Source { return Source{NIC: o.NIC, Addr: o.Addr} }

// Received is a message for one object of one topic.
type Received struct {
	From   Origin
	Topic  TopicID
	Object ObjectID
	Msg    Message
	// At is the time of arrival, earlier than now where the message waited.
	At Time
}

// Link describes a direct or relayed connection to a peer.
type Link struct {
	Peer PeerID
	NIC  NIC
	// Outbound is set where this side dialled.
	Outbound bool
	// Relayed is set where a third peer passes the bytes on.
	Relayed bool
	// RTT is the measured round trip, 0 while unknown.
	RTT time.Duration
}

// LinkUp: messages can be sent to the peer from now on. At most one link a peer
// is up at a time.
type LinkUp struct{ Link Link }

// LinkDown: the link is gone, and what was queued on it is lost.
type LinkDown struct {
	Peer   PeerID
	Reason string
}

// LinkRTT: a new estimate of the round trip over a link that is up.
type LinkRTT struct {
	Peer PeerID
	RTT  time.Duration
}

// DialFailed: a Dial came to nothing.
type DialFailed struct {
	Peer   PeerID
	Reason string
}

// LinkSuspected: nothing has been heard over the link for longer than the peer
// promised. Route around it; it may come back.
type LinkSuspected struct{ Peer PeerID }

// LinkRestored: a suspected link speaks again.
type LinkRestored struct{ Peer PeerID }

// Congested: the queue towards a peer is past its high mark.
type Congested struct{ Peer PeerID }

// Drained: the queue of a peer that was congested is below its low mark.
type Drained struct{ Peer PeerID }

// SendDropped: a message was not sent, because the queue was full or the message
// had expired. Item is its item, nil for a message without one.
type SendDropped struct {
	Peer   PeerID
	Topic  TopicID
	Object ObjectID
	Class  Class
	Item   *Item
}

// Verdict is the outcome of a check.
type Verdict uint8

// The verdicts.
const (
	// Valid: signature and rules of the topic hold.
	Valid Verdict = iota
	// Invalid: forged or against the topic's rules. The link it came by is charged.
	Invalid
	// Known: the item is held already. Nobody is charged.
	Known
	// Undecided: the check could not be made (no room, shutting down). Nobody is charged.
	Undecided
)

// Verified answers a Verify. Only the container sees it.
type Verified struct {
	Token   uint64
	Verdict Verdict
}

// Stored answers a Store: the item is on disk (OK), or could not be written.
// Only the container sees it.
type Stored struct {
	Token uint64
	OK    bool
}

// Accepted: an item is verified and new. Every object of the topic gets it once,
// the one it came by too.
type Accepted struct {
	Item *Item
	// From is the peer it came from, empty for what this peer published.
	From PeerID
	// Via is the object it came by; 0 for what this peer published.
	Via ObjectID
	// Hops is how many links it has crossed, where the object counts them.
	Hops uint8
	// Repaired is set where it came as an answer to a request for what was missed.
	Repaired bool
}

// Duplicate: an item that an object handed up was already known.
type Duplicate struct {
	ID   ItemID
	From PeerID
}

// Rejected: an item that an object handed up was not accepted. With Retry it
// was not the sender's fault (no room, no disk) and may be asked for again.
type Rejected struct {
	ID    ItemID
	From  PeerID
	Retry bool
}

// MemberDelta is a change in what is known of one member of a group.
type MemberDelta struct {
	Peer PeerID
	// Gone is set where the peer has left the group's neighbours; the other
	// fields then mean nothing.
	Gone bool
	// Rep is set for representatives.
	Rep bool
	// Weight is the number of hosts behind the member, at least 1.
	Weight int
	// Degree is the number of children the member's budget allows, 0 for unknown.
	Degree int
	// RTT is this peer's own measurement, 0 for unknown.
	RTT time.Duration
	// Relayed is set where the link to the member is: it may be cut at any time, after a
	// few bytes, and what it carries costs a stranger. No object is to send items over
	// it that can come another way.
	Relayed bool
}

// MembersChanged: the object's set of neighbours has changed.
type MembersChanged struct{ Deltas []MemberDelta }

// MembersHeard: peers that are said to take part in the topic and are no neighbours, those
// with a link first. They may be dialled; nothing proves what is said of them, and who has
// neighbours enough has no use for it.
type MembersHeard struct{ Peers []PeerID }

// EUIDChanged: the environment identifier of one NIC, encoded; nil when the NIC
// is gone.
type EUIDChanged struct {
	NIC  NIC
	EUID []byte
}

// AddrsChanged: where this host says that it can be reached, binary multiaddrs, the
// best first. They are shared.
type AddrsChanged struct{ Addrs []string }

// BudgetChanged: what this host may send, in bytes a second, 0 for no limit.
type BudgetChanged struct{ UploadRate int64 }

// Start is a machine's first input.
type Start struct{}

// Drain asks a machine to hand over what depends on it, because Stop follows.
type Drain struct{}

// Stop is a machine's last input.
type Stop struct{}

func (HostInput) input()      {}
func (Received) input()       {}
func (LinkUp) input()         {}
func (LinkDown) input()       {}
func (LinkRTT) input()        {}
func (DialFailed) input()     {}
func (LinkSuspected) input()  {}
func (LinkRestored) input()   {}
func (Congested) input()      {}
func (Drained) input()        {}
func (SendDropped) input()    {}
func (Verified) input()       {}
func (Stored) input()         {}
func (Accepted) input()       {}
func (Duplicate) input()      {}
func (Rejected) input()       {}
func (MembersChanged) input() {}
func (MembersHeard) input()   {}
func (EUIDChanged) input()    {}
func (BudgetChanged) input()  {}
func (AddrsChanged) input()   {}
func (Start) input()          {}
func (Drain) input()          {}
func (Stop) input()           {}
