package gossipmembership

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// linkMap holds what is known of the links that are up, ascending by the ends of the
// peers' IDs, where these differ most. There are dozens of links in each of a host's
// views; a map takes twice the memory.
type linkMap []linkEntry

type linkEntry struct {
	key  uint64
	peer PeerID
	link link
}

// place is where a peer's link is, or would be put.
func (m linkMap) place(p PeerID) (i int, ok bool) {
	key := protocol.KeyOf(p)
	lo, hi := 0, len(m)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); m[mid].key < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for ; lo < len(m) && m[lo].key == key; lo++ {
		if m[lo].peer == p {
			return lo, true
		}
	}
	return lo, false
}

// get returns what is known of the link to a peer, if it is up.
func (m linkMap) get(p PeerID) (l link, up bool) {
	if i, ok := m.place(p); ok {
		return m[i].link, true
	}
	return link{}, false
}

// put notes a link, in the place of an older one to the same peer.
func (m *linkMap) put(p PeerID, l link) {
	i, ok := m.place(p)
	if !ok {
		*m = slices.Insert(*m, i, linkEntry{key: protocol.KeyOf(p), peer: p})
	}
	(*m)[i].link = l
}

// remove forgets a link.
func (m *linkMap) remove(p PeerID) {
	if i, ok := m.place(p); ok {
		*m = slices.Delete(*m, i, i+1)
	}
}
