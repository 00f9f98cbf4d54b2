package protocol

import "math/rand/v2"

// Plugin is a multicast protocol that somebody brings: one machine per peer and
// topic. The host around the machine keeps links alive, finds members, checks,
// stores and delivers items, and repairs what the protocol lost; the machine decides
// who sends what to whom. What it is told:
//
//   - MembersChanged, LinkRTT, LinkSuspected, LinkRestored, Congested and Drained of
//     the topic's neighbours (5 to 8 hosts of its active view), SendDropped of its
//     own messages;
//   - MembersHeard: further members, as they are heard of by walks, of themselves or in
//     answer to its [Seek];
//   - Received: its own messages, and [Carry], which every protocol uses for whole
//     items; it hands a Carry's item up with Arrive and never judges it;
//   - LinkUp, or DialFailed, in answer to its own Dial of any peer it has heard of, and
//     of a link that it holds by that, until Close, LinkDown and all that it is told
//     of neighbours' links;
//   - EUIDChanged of the host's own interfaces, AddrsChanged, BudgetChanged;
//   - Accepted, once for each new item, its own host's publications too: the time
//     to pass it on. Duplicate and Rejected for what it handed up in vain.
//
// Machine says what else it must obey; package sim runs it.
type Plugin struct {
	// Name is how flags and reports call the protocol.
	Name string
	// New makes the machine of one peer for one topic.
	New func(Env) Machine
	// Standby has gossip stand by in each topic, for a protocol that may stop working: it
	// runs towards those neighbours of which either side's protocol has not said, by
	// [Health], that it is fit, and who do not run the protocol at all. What has come
	// by gossip is Accepted with Via ObjectGossip.
	Standby bool
	// Relies is set where the machines say by [Rely] on which links they depend. Only those
	// are watched closely then, and all others at leisure: a link that fell silent is
	// suspected within 1.5 s, or 2.2 s.
	Relies bool
	// Decode reads one of the protocol's own messages; the kind Carry never comes
	// here. Errors mean bytes that no honest peer sends. Nil if it has none.
	Decode func(kind uint8, body []byte) (Message, error)
}

// Env is what a machine of a Plugin is made with.
type Env struct {
	// Self is the host's peer ID.
	Self PeerID
	// Topic is the topic's name, Owner its only author, empty for an open topic.
	Topic string
	Owner PeerID
	// Rand is the machine's only source of randomness, its own.
	Rand *rand.Rand
}
