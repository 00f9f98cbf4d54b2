// Package core is the pure composite that a driver runs: one [Host] a process,
// with one topic part for every topic joined. Nothing here does I/O; package
// node drives it over libp2p, package sim in virtual time.
//
// # Who does what
//
// The [Host] owns what exists once per peer: links and the judgement whether
// they live (liveness.go, suspicion.go), the address book, the group of all
// hosts, and the walks that find members of a topic (find.go). A topic owns what
// exists once per topic: its active view, its protocol objects, the container
// that joins them (container.go), and receipts.
//
// # Reading order
//
// host.go (what comes in and how it is routed), topic.go, container.go (the way
// of an item), then links.go and liveness.go.
//
// # Effects
//
// Parts write to an outbox of their own. The host looks through what they wrote:
// Send, FetchAndSend, FetchRange, Multicast, Verify, Store, Deliver and Event go
// on to the driver; Dial and Close become claims on links, which several groups
// share; Arrive goes to the container; a change of an active view goes to the
// objects that push along it.
package core
