package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// Most hosts cannot be called: they are leaves, say so in their records, and dial
// others. What is here is what that means for the others, and for links through relays,
// which carry membership and digests, and items only where nothing else brings them.

// reaches reports whether a dial from one interface to another can lead to a direct
// link. A leaf has to be met at a relay first: then it calls back who is public, or a
// hole is punched.
func reaches(from, to euid.EUID, caps uint64) bool {
	switch {
	case caps&gossipmembership.CapLeaf == 0:
		return euid.Dialable(from, to)
	case caps&gossipmembership.CapRelayed == 0:
		return false
	}
	return euid.Linkable(from, to)
}

// calls reports whether a dial can lead to a direct link without anybody's help.
func calls(from, to euid.EUID, caps uint64) bool {
	return caps&gossipmembership.CapLeaf == 0 && euid.Callable(from, to)
}

// relayed reports whether a peer says that relays lead to it.
func (h *Host) relayed(p protocol.PeerID) bool {
	rec, known := h.book.Record(p)
	return known && rec.Caps&gossipmembership.CapRelayed != 0
}

// relayAfter is how long a group goes without a neighbour on a direct link before one
// through a relay will do (our guess: to find a member and dial it takes a few seconds).
const relayAfter = 10 * time.Second

// relayWillDo reports whether a link to a peer is wanted so badly that one through a
// relay will do: some group that wants it, or that of all hosts, has long had no
// neighbour with a direct link.
func (h *Host) relayWillDo(now protocol.Time, p protocol.PeerID) bool {
	return h.lonely(now, hostGroup) || slices.ContainsFunc(h.claims[p], func(group protocol.TopicID) bool {
		return h.lonely(now, group)
	})
}

// lonely reports whether a group has no neighbour with a direct link, and had none when
// it was asked first, relayAfter ago.
func (h *Host) lonely(now protocol.Time, group protocol.TopicID) bool {
	since := &h.lonelySince
	if t := h.topics.get(group); t != nil {
		since = &t.lonelySince
	} else if group != hostGroup {
		return false
	}
	switch {
	case slices.ContainsFunc(h.Neighbours(group), h.direct):
		*since = protocol.Never
	case *since == protocol.Never:
		*since = now
	}
	return *since != protocol.Never && now >= since.Add(relayAfter)
}

// direct reports whether there is a link to a peer that speaks and that no relay passes
// on.
func (h *Host) direct(p protocol.PeerID) bool {
	l := h.links.get(p)
	return l != nil && !l.Relayed && !l.live.suspected
}

// Relays returns at most n records of peers that relay for others and to which there is
// no link, those first whose dials have failed least.
func (h *Host) Relays(n int) (list []gossipmembership.Record) {
	for _, p := range h.book.Some(n, func(p protocol.PeerID) bool {
		rec, ok := h.book.Record(p)
		return ok && rec.Caps&gossipmembership.CapRelays != 0 && h.links.get(p) == nil
	}) {
		rec, _ := h.book.Record(p)
		list = append(list, rec)
	}
	return list
}
