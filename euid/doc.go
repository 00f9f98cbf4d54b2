// Package euid is the environment identifier of a network interface: what a peer
// says of the place where it is in the network, so that peers that are near each
// other find that out. It is a value: detection, with its sockets, is elsewhere.
//
// What detection saw is an [Observation]: the resolver, the first routers towards
// it, addresses, directions, measurements. What is published is an [EUID], which
// [Observation.EUID] makes of it. The two are apart because router addresses locate
// a person: an observation stays at home.
//
// # Tags
//
// In an EUID a router, a resolver, a multicast segment and the provider's network
// are each a [Tag] of 12 bits, keyed by a [Key]. All who compare must have the same
// key, so in the open network it is known to everybody ([NetworkKey] of ""), and what
// protects is that a tag is short, not that the key is secret:
//
//   - A tag by itself leaves about a million of the IPv4 addresses. Five hops
//     together leave few paths, and whoever has a map of routers, or only suspects
//     where somebody is, can confirm it. Tags stop enumeration without a map; they
//     do not hide a place from who knows it already.
//   - Two private addresses behind one public address are 24 bits about that
//     address. Records mostly name it openly beside the EUID.
//   - The key is not changed with time: each new one would tell 12 bits more of
//     every address.
//   - A group with a secret of its own derives its key from that: then outsiders see
//     no more than that two tags are equal.
//
// The price is chance: two routers that have nothing to do with each other share a
// tag once in 4,095, so two peers with three each appear to share one about once in
// 450 pairs. Of the pairs of a simulated network of 10,000 hosts (lognormal:10000) that
// have one tag in common 86% are of one region, of those that have two 99.9% (our
// measurement). An [Anchor] is a reason to try, and the peers' own measurements decide.
//
// # Traps
//
// 192.168.1.1 is the first hop of half the world: a private address has no tag but
// together with the public address behind which it was seen, and none at all where a
// carrier's NAT (a hop in 100.64.0.0/10) puts many homes behind one. A public anycast
// resolver (8.8.8.8) and a stub (127.0.0.53) say nothing about who is near, and
// neither does one of these as a hop. Hops go missing and stay gaps.
//
// Reading order: observation.go, euid.go, address.go, tag.go, then what is made of
// EUIDs: anchor.go, closeness.go, record.go. codec.go has the encoding.
package euid
