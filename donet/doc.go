// Package donet is the protocol of a patch without multicast: hosts of one provider or
// region in a mesh that is driven by who has what. It is DONet (Zhang, Liu, Li, Yum:
// "CoolStreaming/DONet: A Data-Driven Overlay Network for Peer-to-Peer Live Media
// Streaming", INFOCOM 2005), written as a pure [protocol.Machine], without the seconds
// that it lost to rounds of maps and requests.
//
// # The idea
//
// A peer has about four partners that it has sought, and those that have sought it. They
// tell each other what they have by buffer maps, of which only changes are sent, and ask
// for what they lack: what few have first, of who will have sent it first. A partner that
// is of little use to either is exchanged for another now and then. Nothing of that needs a
// structure, so nothing breaks when half of the hosts die.
//
// Beside it a part forms itself along which items do not wait to be asked for. Each peer
// asks the one from which a stream (all that one author publishes) would come soonest to
// push it: that one is its parent. Who is asked by more than its uplink carries keeps those
// for whom it is worth most. An item goes at once to the children, who surely lack it, and
// is told of to the other partners; what does not come by the parent in time is asked for
// from them.
//
//	author ──Carry──▶ A ──Carry──▶ B         Stand: how soon items are here, who is above
//	   ╎              ╎            ▲         Join, Refuse, Leave, Yield, Report, Late
//	   ╎              └╌╌Map──▶ C ─┘Ask      Map: what is here;  Ask: send that
//	   └──Carry──▶ D ╌╌Meet╌╌ C              Meet: partners;  Members: who else there is
//
// # A parent
//
// Peers know their lag, how long an item takes to them: the parent's, what it waits there
// for its turn, half the round trip, the check. They have coordinates that foretell round
// trips, and tell each other of members: so a peer looks at the best few of a hundred
// without a message (look.go). A parent must be feasible, which excludes cycles (feasible.go). A
// full one takes in who gains more than a child loses that has to look elsewhere, each
// counted with all that depend on it (join.go). Links of its own go only to who can be
// dialled; a host behind a NAT dials others, or uses the links of the active view. Whoever
// moves is pushed to by both until the new parent has taken over (handover.go).
//
// # When something is late
//
// How long a named item is waited for follows from how late pushed copies have been; a
// number that the parent passes over is asked for at once. Who asks because of its parent tells
// its children that it is late, or all below would leave theirs. A parent that brings
// nothing, or too little, of what others have is left and remembered; so is whoever names
// what it does not send, or brings what is not the author's (conduct.go). Whoever hears of
// nothing at all for longer than usual asks everybody (silence.go). Requests are served
// beside what is pushed, as the uplink allows: those first who have sent most.
//
// # What it leaves to others
//
// It judges no item and holds none: what arrives goes up as Arrive, is pushed once it comes
// back as Accepted, and is served from the store. Large things come to it as manifests,
// which are items like others; their segments have an object of their own. What slides out
// of the maps is found by anti-entropy (internal/antientropy).
//
// # The mesh of 2005
//
// [Config].Paper leaves the pushing out and does what the paper does, for comparison: see
// paper.go.
//
// # Reading order
//
// message.go (what is said), machine.go (what happens on each input), stream.go and
// window.go (what is where), partner.go, members.go and buffermap.go (the mesh), want.go,
// schedule.go and serve.go (asking and answering), push.go, tree.go, feasible.go, join.go,
// handover.go, look.go and capacity.go (the part that pushes), conduct.go and silence.go
// (when it goes wrong), explain.go (what others see).
package donet
