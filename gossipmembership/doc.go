// Package gossipmembership keeps a group of peers together without a server: who
// is out there, to whom this peer holds a gossip link, and how a stranger finds
// the first of them. It is pure: no socket, clock or goroutine.
//
// # What there is
//
// A [Record] is what a peer says of itself, signed. A [Ticket] is a first contact,
// handed from person to person. A [Book] holds records, once per host;
// [SimpleBook] is one. A [View] is this peer's active view of one group, a
// protocol.Machine: of a topic, or of all hosts.
//
// # The view
//
// It follows HyParView (Leitão, Pereira, Rodrigues, DSN 2007): a small *active*
// view of peers to which a link is held, symmetric, so that all views of a group
// make a connected graph; and a larger *passive* view of members to try when a
// neighbour goes. Its messages:
//
//	Neighbor       →  may I be your neighbour? I have so many
//	NeighborReply  ←  yes; or no, but here are others
//	Disconnect     →  you are my neighbour no longer, or never were
//	Present        →  you are my neighbour (once a minute)
//	Shuffle        →  here are some members     ShuffleReply  ←  and here some others
//
// A peer joins by asking any member, learns others from the answers and from
// shuffles, and asks on, at most three at once, until it has three neighbours of
// its own choice and five in all.
//
// # What differs from HyParView, and why
//
// Nobody is evicted for a stranger. HyParView takes a newcomer in at the cost of a
// random neighbour, so a handful of messages replaces a view. Here a stranger gets
// a free place or a refusal with others to try. Some places are the peer's own to
// give: it fills TargetOutbound by its own choice. Two places beyond the bounds
// are for newcomers without any neighbour, and only such a newcomer is sent away
// again, once it says that it has found others.
//
// Nothing is forwarded. HyParView walks joins and shuffles over up to six hops, and
// has them answered by dialling whatever address they carry. Here every message
// is between two peers with a link, so there is no hop count to clamp and no
// address to reflect a flood to; members mix as they are passed from view to view.
//
// Nothing unsolicited is believed: replies carry the request's nonce and are
// taken from the peer asked, while it is waited for.
//
// Nobody is forgotten for a mere failure. Members that do not answer are tried
// again with a doubling back-off, then count as lost and are tried now and then.
// So two halves of a partition find each other when it ends. One link is rotated
// now and then, which lets islands merge that never knew they were islands.
//
// Both sides agree. Requests that cross make one link; a request that times out is
// withdrawn; whoever is taken for a neighbour and disagrees says Disconnect; a
// neighbour silent for three and a half minutes is none.
//
// In groups of up to five peers the views end as a full mesh and stay.
//
// # Cost
//
// Our measurement (TestIdleTraffic, TestSmallGroupsEndAsFullMesh), in one group at
// rest with records of 165 bytes: a peer of 100 sends 27 bytes/s and dials 1.3
// times a minute, to rotate; a peer of 5 sends 7 bytes/s and dials never.
//
// # Reading order
//
// record.go, message.go, api.go, config.go, view.go; then active.go and ask.go (how
// neighbours are made), passive.go and fill.go (whom to ask), shuffle.go, present.go,
// rotate.go; book.go and evict.go; ticket.go and tickettext.go.
package gossipmembership
