package gossipmembership

// evictionSample is how many random entries are compared to find one to displace:
// enough to meet, nearly always, one of the tenth that never counts as proven
// (our guess: all of 48 miss it once in 150 times, and then the newcomer waits).
const evictionSample = 48

// entry returns the entry of a peer, a new one if need be; nil where the book has
// no place for it.
func (b *SimpleBook) entry(peer, from PeerID) *bookEntry {
	if i, ok := b.index.find(peer, b.entries); ok {
		return &b.entries[i]
	}
	if len(b.entries) >= b.capacity && !b.evict(from) {
		return nil
	}
	if n := len(b.entries); n == cap(b.entries) { // append would double it
		b.entries = append(make([]bookEntry, 0, n+n/4+8), b.entries...)
	}
	b.entries = append(b.entries, bookEntry{peer: peer, from: uint32(b.index.hash(from))})
	b.index.put(len(b.entries)-1, b.entries)
	return &b.entries[len(b.entries)-1]
}

// evict removes an entry in favour of one that from passes on.
func (b *SimpleBook) evict(from PeerID) bool {
	victim, rank, by := -1, 0, uint32(b.index.hash(from))
	for range evictionSample {
		i := b.rng.IntN(len(b.entries))
		if r := b.entries[i].evictionRank(by); r > rank {
			victim, rank = i, r
		}
	}
	if victim < 0 {
		return false
	}
	b.drop(victim)
	return true
}

// evictionRank is 0 for what is kept, and greater for what goes sooner when by passes on
// another.
func (e *bookEntry) evictionRank(by uint32) int {
	switch {
	case e.proven && e.failures == 0:
		return 0
	case e.proven:
		return 1
	case e.from != by:
		return 2
	}
	return 3
}

// drop removes entry i; the last takes its place.
func (b *SimpleBook) drop(i int) {
	if b.entries[i].proven {
		b.proven--
	}
	delete(b.hints, b.entries[i].peer)
	b.index.remove(b.entries[i].peer, b.entries)
	last := len(b.entries) - 1
	if i != last {
		at := b.index.slot(b.entries[last].peer, b.entries)
		b.entries[i] = b.entries[last]
		b.index.slots[at] = uint16(i + 1)
	}
	b.entries[last] = bookEntry{}
	b.entries = b.entries[:last]
}

// limitProven keeps a tenth of the book open: beyond, the entry that worked
// longest ago counts as never tested.
func (b *SimpleBook) limitProven() {
	if b.proven <= b.capacity-(b.capacity+9)/10 {
		return
	}
	oldest := -1
	for i := range b.entries {
		e := &b.entries[i]
		if e.proven && (oldest < 0 || e.workedAt < b.entries[oldest].workedAt ||
			e.workedAt == b.entries[oldest].workedAt && e.peer < b.entries[oldest].peer) {
			oldest = i
		}
	}
	b.entries[oldest].proven = false
	b.proven--
}
