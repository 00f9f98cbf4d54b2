// Package lantest shows what IP multicast comes to among real processes on a LAN of
// the lab: peers that have the core and multicast sockets, and no disk, so that what is
// measured is multicast. Where a test is about what becomes of the rest they have links
// too, plain connections without encryption, with gossip that stands by and digests.
// Beside them, in the same runs, a bare loop of system calls and signatures, and
// go-libp2p-pubsub. It contains tests and benchmarks only; those that keep the machine
// busy need QUILT_LONG=1, and QUILT_LANTEST_PEERS and QUILT_LANTEST_ITEMS say how many
// peers and items.
package lantest
