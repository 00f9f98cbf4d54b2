// Package feed says what an owned feed is: the names of topics, the signed
// entries an author publishes, the rules that anyone can check, and the order in
// which a reader sees them. It is pure: no I/O, no clock, no randomness.
//
// # Topics
//
// A topic whose name is "/quilt/feed/" and the author's peer ID ([TopicName]) is
// an owned feed: only its author's entries are accepted. Every other name is an
// open topic, whose items carry a raw payload; names that begin with "/quilt/"
// are reserved ([CheckTopicName]).
//
// # Entries
//
// An item of an owned feed is a pubsub Message signed by the author ([Sign]),
// whose sequence number is the entry's and whose data is an encoded [Entry]. Each
// entry names the one before it by the ID of its item, so a feed is a chain:
//
//	entry 1 <--prev-- entry 2 <--prev-- entry 3
//
// What can be judged of one item alone is judged by [Verify] (the signature) and
// [Check] (the rules). What takes two of them, a gap or a fork, is found by
// [Chain]; a [Sequencer] puts a reader's entries into the author's order.
//
// Encodings never change once they are published: testdata has golden vectors of
// every one, and a new entry type is how feeds grow. A peer stores and forwards
// the types it does not know.
//
// Reading order: name.go, entry.go, sign.go, check.go, chain.go, sequencer.go.
package feed
