// Package ipmc sends the items of one topic to a LAN by IP multicast: an item crosses
// the wire once, however many listen. It is a pure [protocol.Machine]; package driver,
// below it, has the sockets.
//
// # The idea
//
// A peer that publishes numbers its items from 1: that is its stream. An item that
// fits goes as one packet, a longer one in fragments:
//
//	First{origin, epoch, seq, size, hashes…, beginning of the item, signature}
//	List{stream, seq, i, hashes…}        only of items with hundreds of fragments
//	Fragment{stream, seq, i, bytes}
//
// Whoever notices that a position is missing, by a later one or by its sender's
// beacon, waits for a random moment and asks the group (Nack); who lacks the same and
// hears that waits for the answer instead (nack.go, as NORM does, RFC 5740). The
// sender answers by sending the packets that are missing to the group once more, and
// any other member does if the sender does not (repair.go). Whoever mostly asks for
// what nobody else lacks asks one neighbour over a link, and gets the items that way:
// one bad receiver is nobody else's burden.
//
//	S ──First 7──▶ A B C D        B, C: lost
//	S ──First 8──▶ A B C D        B, C: 7 is missing; each draws a moment
//	        B ──Nack{7}──▶ all    C waits
//	S ──First 7──▶ all
//
// Beacons say who is there, what each has sent so far, and whom it hears: so the loss
// of the last item shows, and whether multicast works here in both directions
// (beacon.go, health.go).
//
// # Who is believed
//
// The container checks each item's own signature, as always. Everything else on a
// group may be forged:
//
//   - a datagram's tag keeps out who does not know topic and secret, for the price of
//     one hash (datagram.go);
//   - a fragment is taken only if its hash is listed, and until it is listed no more
//     than MaxUnlisted are kept of a source (assemble.go, source.go);
//   - a first fragment is signed by its stream's origin. To check all would double
//     the work of every receiver, so they are checked where it matters: the first of
//     a stream, one in MaxJump, whatever contradicts something heard before, and all
//     of a stream or source for a while after something false (receive.go);
//   - what was repeated is recognised: a position is filled once.
//
// Checks are shared out by source address, and an invalid item is charged to its
// source, never to the peer that it claims to come from.
//
// # What it leaves to others
//
// It sends what this host publishes, not what came another way: who carries items
// between the group and the rest of the world is decided above. What it cannot
// deliver in maxTries or has not heard of at all comes by digests over gossip links;
// so does the past of whoever comes late.
//
// # Reading order
//
// message.go and decode.go (what is said), machine.go, send.go and cut.go (the way
// out), receive.go, assemble.go and verdict.go (the way in), nack.go and repair.go,
// beacon.go and health.go; group.go and datagram.go are for drivers.
package ipmc
