package euid

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/quilt-p2p/quilt/protocol"
)

var testKey = NetworkKey("test")

// at is an observation of a host with an IPv4 address, a resolver and hops.
func at(publicAddr, resolver string, hops ...string) EUID {
	o := Observation{Resolver: resolver, Hops: hops}
	if publicAddr != "" {
		o.Public[IPv4] = netip.MustParseAddr(publicAddr)
	}
	return o.EUID(testKey, EUID{})
}

// randomEUID draws a valid EUID with tags from a small range, so that two have
// something in common often.
func randomEUID(rng *rand.Rand, tags int) EUID {
	tag := func() Tag { return Tag(rng.IntN(tags + 1)) }
	place := func(gap, ordinary, private Class) Place {
		switch t := tag(); rng.IntN(3) {
		case 0:
			return Place{Class: gap}
		case 1:
			return Place{private, t}
		default:
			return Place{ordinary, t%MaxTag + 1}
		}
	}
	e := EUID{
		Mapping: Mapping(rng.IntN(int(numMappings))), Filtering: Filtering(rng.IntN(int(numFilterings))),
		Resolver: place([]Class{ClassNone, ClassStub, ClassAnycast}[rng.IntN(3)], ClassOrdinary, ClassPrivate),
		Segment:  tag(), Prefix: [NumFamilies]Tag{tag(), tag()},
		RTT: Range(rng.IntN(16)), Up: Range(rng.IntN(16)), Down: Range(rng.IntN(16)), Loss: Range(rng.IntN(16)),
	}
	if rng.IntN(2) == 0 {
		e.Segment = 0
	}
	for f := range NumFamilies {
		for t := range NumTransports {
			e.Reach[f][t] = Direction(rng.IntN(int(numDirections)))
		}
	}
	for i := range rng.IntN(MaxHops + 1) {
		e.Hops[i] = place(ClassNone, ClassOrdinary, ClassPrivate)
	}
	return e
}

func randomRecord(rng *rand.Rand, peers, seqs int) Record {
	r := Record{Peer: protocol.PeerID(fmt.Sprint("peer", rng.IntN(peers))), Seq: uint64(1 + rng.IntN(seqs))}
	for range rng.IntN(3) {
		r.EUIDs = append(r.EUIDs, randomEUID(rng, 4))
	}
	return r
}

func randomSet(rng *rand.Rand) (s Set) {
	for range rng.IntN(10) {
		s.Learn(randomRecord(rng, 6, 3))
	}
	return s
}
