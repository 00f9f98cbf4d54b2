// Package omni is the wide-area protocol: one tree over all members of a topic, with
// bounded degrees and little latency, that mends itself. It is OMNI (Banerjee,
// Kommareddy, Kar, Bhattacharjee, Khuller: "Construction of an Efficient Overlay
// Multicast Infrastructure for Real-Time Applications", INFOCOM 2003), written as a
// pure [protocol.Machine].
//
// # The idea
//
// Each peer has one parent and some children, as many as its uplink can feed. An item
// runs along all links of the tree but the one it came by, so that several publishers
// share one tree; the root is a publisher. Each peer knows its root latency: its
// parent's, what an item waits there for its turn, half the round trip and the check.
// It moves to wherever that is less, and brings its subtree along.
//
//	root ──Carry──▶ A ──Carry──▶ B ──Carry──▶ C        Beat: where I stand (downwards); Same: still there
//	  ╎             ╎            ▲╌╌Digest╌╌╌ D         Report: how many are below (upwards)
//	  ╎             └──Carry──▶ E                       Join, Accept, Refuse, Leave
//	  └──Carry──▶ D                                    Watch, Digest, Pull: beside the tree
//
// # How a good parent is found
//
// Peers have coordinates that foretell round trips (internal/vivaldi), and ask each other
// for samples of members: where they are in that space, their root latency, their free
// places. A question says whom its sender knows, the answer has the best of the others
// for it (exchange.go). So a peer ranks a hundred candidates without a message, opens a
// link to the best, or to one that would be if its coordinate were wrong, which measures
// the round trip, and asks for a place (look.go, join.go). What it measured it
// remembers, and tells others with its answers, for whom that is near it is a hint.
// Members behind NATs are reached by a punch, with a public peer of theirs as
// rendezvous, or that peer has them dial (call.go); or they invite whom they would serve
// better. A host with a fast uplink that nobody is below yet counts for what it could
// do, so that it comes to be sent to first, near the root (prime.go). A child is told
// what its going would save those that are sent to after it, and counts that as its own
// gain. The paper's five
// transformations are of this kind: a child promote or a transfer is a Join at the
// grandparent or at an uncle. Where the better parent is full, a child whose loss is
// less than the newcomer's gain is asked to yield its place, to go where the newcomer
// came from, below it, or elsewhere: that makes the three swaps (swap.go). At first a
// swap that does harm is accepted now and then, with the paper's probability.
//
// # Never a cycle, never too many
//
// A parent must stand before the bar of its child, the best position that the child has
// ever told anybody: see bar.go, where it says why that excludes cycles at every moment
// without asking anybody. The root begins a beat every two seconds, which lifts the
// bars. A place that is asked back is locked until the child has gone or the lock has
// expired, so a degree is never above its bound.
//
// # How it mends
//
// Two standbys, neither below this peer nor below its parent, announce each item by a
// short ID, one at once and the other a few at a time. An item that is late by more than such items have been is pulled
// from the nearest announcer, and the children are told that it is late, so that they
// wait and do not blame their parent. A parent that keeps failing to bring what others
// have, or all of one author's items, is left and remembered (conduct.go). Who hears
// nothing at all for longer than usual asks every neighbour, and then dials members that
// it has heard of (silence.go); who can sends it the latest item unasked (gift.go). What
// its announcers do not send is asked of others. A peer without a parent asks first who
// has spoken lately and surely does not stand below it, the next soon, and takes a late
// yes too (mend.go). If nobody has heard of a beat since, the root is gone, and somebody
// takes its place (root.go). Beneath all that, internal/antientropy finds what is still
// missing.
//
// # What it leaves to others
//
// It judges no item and holds none, as gossip does. It never sees an address but as
// bytes in a sample that it hands back with Dial. Links are held by the core as long as
// it wants them, beside those of the active view.
//
// A claim to be the root is believed: a later term wins, and whoever lies about it can
// be the root of everybody until its conduct shows.
//
// # Reading order
//
// message.go (what is said), machine.go (what happens on each input), state.go, same.go,
// bar.go and join.go (the tree), look.go, sample.go, exchange.go, mate.go, sieve.go, call.go,
// degree.go, prime.go, swap.go and move.go (making it better), item.go,
// digest.go, want.go, recent.go (the way of an item), standby.go, silence.go,
// gift.go, conduct.go, mend.go, heard.go, root.go (mending), position.go
// and explain.go (what others see).
package omni
