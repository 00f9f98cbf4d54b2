package feed

import (
	"sort"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxChainWindow bounds how many entries a Chain remembers: forks are found among
// the newest of them (our guess; the store finds two items with one number at any
// distance).
const MaxChainWindow = 256

// Link is what the chain rule looks at in one entry.
type Link struct {
	Seq      uint64
	ID, Prev protocol.ItemID
}

// Fork is proof that an author's chain divides: two different items are entry
// Seq, by their own number or because a signed successor names another one.
type Fork struct {
	Seq uint64
	// IDs are the two, in ascending order.
	IDs [2]protocol.ItemID
}

// newFork returns the fork with its IDs in order.
func newFork(seq uint64, a, b protocol.ItemID) Fork {
	if string(b[:]) < string(a[:]) {
		a, b = b, a
	}
	return Fork{Seq: seq, IDs: [2]protocol.ItemID{a, b}}
}

// Audit is what adding one entry brought to light.
type Audit struct {
	// Known: this very entry was added before.
	Known bool
	// Gap is what the author published between the newest entry so far and this
	// one, zero if nothing is missing there.
	Gap Range
	// Forks has up to three proofs.
	Forks []Fork
}

// Chain audits an author's entries. They may come in any order, but it remembers
// only the MaxChainWindow newest, and neither judges nor remembers what is older.
// The zero value is ready.
type Chain struct {
	window []Link // ascending by Seq; one each
}

// Add takes in one verified entry. The first one added starts the chain, so that
// a reader who joins late sees no gap before it.
func (c *Chain) Add(l Link) Audit {
	var a Audit
	n := len(c.window)
	i := sort.Search(n, func(i int) bool { return c.window[i].Seq >= l.Seq })
	if i < n && c.window[i].Seq == l.Seq {
		if c.window[i].ID == l.ID {
			a.Known = true
		} else {
			a.Forks = append(a.Forks, newFork(l.Seq, c.window[i].ID, l.ID))
		}
		return a
	}
	if n == MaxChainWindow && i == 0 {
		return a
	}
	if i > 0 && c.window[i-1].Seq == l.Seq-1 && c.window[i-1].ID != l.Prev {
		a.Forks = append(a.Forks, newFork(l.Seq-1, c.window[i-1].ID, l.Prev))
	}
	if i < n && c.window[i].Seq == l.Seq+1 && c.window[i].Prev != l.ID {
		a.Forks = append(a.Forks, newFork(l.Seq, c.window[i].Prev, l.ID))
	}
	if i == n && n > 0 && l.Seq > c.window[n-1].Seq+1 {
		a.Gap = Range{c.window[n-1].Seq + 1, l.Seq - 1}
	}
	c.insert(i, l)
	return a
}

// insert puts l at index i and forgets the oldest beyond the bound.
func (c *Chain) insert(i int, l Link) {
	c.window = append(c.window, Link{})
	copy(c.window[i+1:], c.window[i:])
	c.window[i] = l
	if len(c.window) > MaxChainWindow {
		copy(c.window, c.window[1:])
		c.window = c.window[:MaxChainWindow]
	}
}
