package gossipmembership

// bookIndex finds a book's entries by peer: a table of entries' numbers with linear
// probing, at most half full. It takes six bytes an entry where a map takes forty, and
// the books of a hundred thousand simulated peers are most of what these hold.
//
// The hash is multiplied by a secret of the book's own, so that nobody can choose IDs
// that fall into one place.
type bookIndex struct {
	secret uint64   // odd
	slots  []uint16 // number of an entry plus one, 0 for none; a power of two of them
}

// minSlots is the least size of the table.
const minSlots = 16

// hash is a peer's, of this book.
func (x *bookIndex) hash(peer PeerID) uint64 {
	h := uint64(len(peer))
	for i := 0; i < len(peer); i++ {
		h = (h ^ uint64(peer[i])) * x.secret
		h ^= h >> 29
	}
	return h
}

// start is where to look for a peer first.
func (x *bookIndex) start(peer PeerID) int { return int(x.hash(peer) & uint64(len(x.slots)-1)) }

// slot is the place in the table of a peer's entry, or the free one where it would be.
func (x *bookIndex) slot(peer PeerID, entries []bookEntry) int {
	i := x.start(peer)
	for x.slots[i] != 0 && entries[x.slots[i]-1].peer != peer {
		i = (i + 1) & (len(x.slots) - 1)
	}
	return i
}

// find returns the number of a peer's entry.
func (x *bookIndex) find(peer PeerID, entries []bookEntry) (number int, ok bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	n := x.slots[x.slot(peer, entries)]
	return int(n) - 1, n != 0
}

// put notes the number of the entry of a peer that is among entries.
func (x *bookIndex) put(number int, entries []bookEntry) {
	if 2*len(entries) > len(x.slots) {
		x.slots = make([]uint16, max(minSlots, 2*len(x.slots)))
		for i := range entries {
			x.slots[x.slot(entries[i].peer, entries)] = uint16(i + 1)
		}
		return
	}
	x.slots[x.slot(entries[number].peer, entries)] = uint16(number + 1)
}

// remove forgets a peer whose entry is still among entries. Those that had to go on
// past its place move up.
func (x *bookIndex) remove(peer PeerID, entries []bookEntry) {
	mask := len(x.slots) - 1
	hole := x.slot(peer, entries)
	x.slots[hole] = 0
	for i := (hole + 1) & mask; x.slots[i] != 0; i = (i + 1) & mask {
		home := x.start(entries[x.slots[i]-1].peer)
		if (i-home)&mask >= (i-hole)&mask { // it may live in the hole
			x.slots[hole], x.slots[i] = x.slots[i], 0
			hole = i
		}
	}
}
