package antientropy

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxRuns bounds the runs that are kept of an owned feed. Beyond it the highest
// are forgotten: they are on disk, but neither offered nor, while the list is
// full, pulled. Filling a gap below makes room.
const MaxRuns = 1024

// holdings is what is on disk of an owned feed.
type holdings struct {
	ranges []Range           // a range set
	heads  []protocol.ItemID // the ID of each range's last entry, zero if unknown
}

func newHoldings(runs []Run) holdings {
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b Run) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	var h holdings
	for _, r := range runs {
		if r.First == 0 || r.Last > MaxSeq || r.First > r.Last {
			panic("antientropy: not a run of sequence numbers")
		}
		h.add(r)
	}
	return h
}

// add notes that a run is held.
func (h *holdings) add(r Run) {
	i := search(h.ranges, r.First-1)
	j := i
	for j < len(h.ranges) && h.ranges[j].First <= r.Last+1 {
		j++
	}
	merged, head := r.Range, r.Head
	if i < j {
		merged.First = min(merged.First, h.ranges[i].First)
		last, known := h.ranges[j-1].Last, h.heads[j-1]
		if last > merged.Last || last == merged.Last && known != (protocol.ItemID{}) {
			merged.Last, head = last, known
		}
	}
	h.ranges = slices.Replace(h.ranges, i, j, merged)
	h.heads = slices.Replace(h.heads, i, j, head)
	if len(h.ranges) > MaxRuns {
		h.ranges = h.ranges[:MaxRuns]
		h.heads = h.heads[:MaxRuns]
	}
}

// dropBelow forgets all entries below seq.
func (h *holdings) dropBelow(seq uint64) {
	i := search(h.ranges, seq)
	h.ranges = slices.Delete(h.ranges, 0, i)
	h.heads = slices.Delete(h.heads, 0, i)
	if len(h.ranges) > 0 {
		h.ranges[0].First = max(h.ranges[0].First, seq)
	}
}

// has reports whether an entry is held.
func (h *holdings) has(seq uint64) bool { return contains(h.ranges, seq) }

// top is the highest entry held, 0 for none.
func (h *holdings) top() uint64 {
	if len(h.ranges) == 0 {
		return 0
	}
	return h.ranges[len(h.ranges)-1].Last
}

// horizon is the highest sequence number worth pulling.
func (h *holdings) horizon() uint64 {
	if len(h.ranges) == MaxRuns {
		return h.top()
	}
	return MaxSeq
}

// gaps are the ranges missing between runs.
func (h *holdings) gaps() []Range {
	if len(h.ranges) < 2 {
		return nil
	}
	return subtract([]Range{{h.ranges[0].First, h.top()}}, h.ranges)
}
