// Package antientropy is the slow path: beside whatever carries items quickly,
// every peer compares with its gossip neighbours what they hold, and pulls what it
// lacks. Alone it delivers everything eventually, whatever fails above it, and it
// is how withholding is noticed.
//
// There is one machine for a topic, of the kind that fits it. Both are fed the same
// inputs: the neighbours (protocol.MembersChanged and what happens to their
// links), what the container says of items (protocol.Accepted, Duplicate,
// Rejected) and what the store says ([Held], [Lost], [Dropped]). They only ever
// speak of what is on disk, since that is what they can serve.
//
// # Owned feeds
//
// An author numbers its entries 1, 2, 3, …, so what a peer holds is a few runs of
// numbers, and a [Digest] of some 60 bytes says it. Who sees from a digest that it
// lacks something pulls it ([Pull]); who sees that the sender lacks something
// replies with its own. See [Owned].
//
//	A                                   B
//	  Digest 1–7          ─────────────▶    lacks nothing, has more
//	                      ◀─────────────    Digest 1–12
//	  Pull 8–12           ─────────────▶
//	                      ◀─────────────    Answer 8–12
//	                      ◀═════════════    Carry 8, 9, … from the store
//
// A pull asks for ranges that nobody else has been asked for, the lowest first.
// Each neighbour has one pull at a time, of at most 256 KiB; the next follows as
// soon as it ends. What does not come in time is free to be pulled elsewhere, and
// who did not send it is asked more and more rarely.
//
// Two peers whose runs end with the same number but another ID have found a fork:
// each fetches the other's entry, once, for the store to keep as evidence.
//
// # Open topics
//
// Here items have no numbers, and peers reconcile sets ([Reconcile]): each says
// the fingerprints of ranges of its ordered [Key]s; where they differ the range is
// split, until few keys are left, which are listed. The side that is asked keeps
// no state. What is lacking is asked for by key ([Want]), of all who have it, in
// shares that shrink: the slowest line does not decide. See [Open].
//
// # When
//
// At once with a new neighbour. Then every 10 to 60 seconds with a random one, less
// and less often while nothing changes: an idle topic costs each peer 1 to 2 bytes a
// second. When items have been repaired, the other neighbours are told 100 ms
// later, so that repair runs through the network without waiting for rounds. When
// an owned feed has a gap that the fast path leaves open, two neighbours are asked.
// A few new items are first left to the fast path for a while.
//
// # Events
//
//	repair.behind    a neighbour's digest has so many entries (Value) that we lack
//	repair.gap       so many entries (Value) within the runs are missing still
//	repair.pull      so many items (Value) were asked for
//	repair.failed    a pull brought too little, for the Value-th time in a row
//	repair.silent    a reconciliation got no reply, for the Value-th time in a row
//	repair.rejected  the item that a neighbour sent is invalid
//	repair.fork      a neighbour holds another entry Value, named by Item
//
// # Files
//
// Read message.go and reconcile_message.go (what is said), owned.go with
// owned_digest.go and owned_pull.go, then open.go with open_session.go,
// open_pull.go and source.go; beneath them are engine.go and pull.go (what both
// kinds share), holdings.go and ranges.go, keyset.go and reconcile.go.
package antientropy
