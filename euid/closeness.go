package euid

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/quilt-p2p/quilt/protocol"
)

// Closeness says how near two interfaces appear to be: more is nearer. From the
// nearest to the farthest:
//
//	SharedSegment      both hear each other's multicast
//	SharedRouter(1)    the first router of both is the same
//	...
//	SharedRouter(5)    a router that is within five hops of both
//	SharedResolver     the same ordinary or private resolver
//	SharedPrefix       public addresses of one provider's network
//	SharedNothing
//
// Where they share several things the nearest counts.
type Closeness uint8

// The degrees of closeness but for routers, which are between the resolver and the
// segment: see [SharedRouter].
const (
	SharedNothing Closeness = iota
	SharedPrefix
	SharedResolver
	SharedSegment = SharedResolver + MaxHops + 1
)

// SharedRouter is the closeness of two that share a router which is depth hops from
// the farther of them, 1 to MaxHops.
func SharedRouter(depth int) Closeness { return SharedSegment - Closeness(depth) }

func (c Closeness) String() string {
	switch {
	case c == SharedNothing:
		return "nothing shared"
	case c == SharedPrefix:
		return "provider's network shared"
	case c == SharedResolver:
		return "resolver shared"
	case c < SharedSegment:
		return fmt.Sprintf("router at depth %d shared", SharedSegment-c)
	}
	return "multicast segment shared"
}

// ClosenessOf is how near two interfaces appear to be. It is symmetric.
func ClosenessOf(a, b EUID) Closeness {
	best := SharedNothing
	if a.Segment != 0 && a.Segment == b.Segment {
		return SharedSegment
	}
	for i, p := range a.Hops {
		for j, q := range b.Hops {
			if p.Tag != 0 && p.Tag == q.Tag {
				best = max(best, SharedRouter(max(i, j)+1))
			}
		}
	}
	switch {
	case best > SharedNothing:
	case sharesResolver(a, b) || sharesResolver(b, a):
		best = SharedResolver
	case a.Prefix[IPv4] != 0 && a.Prefix[IPv4] == b.Prefix[IPv4],
		a.Prefix[IPv6] != 0 && a.Prefix[IPv6] == b.Prefix[IPv6]:
		best = SharedPrefix
	}
	return best
}

// sharesResolver reports whether a's resolver is b's, or a router of b's: then it is
// one that answered b's trace and not a's.
func sharesResolver(a, b EUID) bool {
	t := a.Resolver.Tag
	if t == 0 {
		return false
	}
	if t == b.Resolver.Tag {
		return true
	}
	for _, p := range b.Hops {
		if t == p.Tag {
			return true
		}
	}
	return false
}

// Closest is the greatest closeness of any two of the interfaces of two peers.
func Closest(a, b []EUID) Closeness {
	best := SharedNothing
	for _, x := range a {
		for _, y := range b {
			best = max(best, ClosenessOf(x, y))
		}
	}
	return best
}

// Nearer orders two candidates from the place of self, for sorting: negative where a
// is nearer than b, 0 only where they are the same peer. Of equally close ones that
// with more in common is nearer (it is the less likely by chance), then the one that
// a hash of both IDs says, which is another for each self: so nobody is everybody's
// nearest.
func Nearer(self, a, b Record) int {
	return cmp.Or(
		cmp.Compare(Closest(self.EUIDs, b.EUIDs), Closest(self.EUIDs, a.EUIDs)),
		cmp.Compare(common(self.EUIDs, b.EUIDs), common(self.EUIDs, a.EUIDs)),
		cmp.Compare(pairHash(self.Peer, a.Peer), pairHash(self.Peer, b.Peer)),
		cmp.Compare(a.Peer, b.Peer),
	)
}

// common is how many anchors of any of a's interfaces are also of any of b's.
func common(a, b []EUID) (n int) {
	ids := anchorIDs(b)
	for id := range anchorIDs(a) { //tidy:orderless counts
		if _, both := ids[id]; both {
			n++
		}
	}
	return n
}

func anchorIDs(list []EUID) map[AnchorID]struct{} {
	ids := make(map[AnchorID]struct{})
	for _, e := range list {
		for _, a := range Anchors(e) {
			ids[a.ID()] = struct{}{}
		}
	}
	return ids
}

func pairHash(self, other protocol.PeerID) uint64 {
	h := sha256.Sum256(protocol.AppendPeer(protocol.AppendPeer(nil, self), other))
	return binary.BigEndian.Uint64(h[:])
}
