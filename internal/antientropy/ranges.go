package antientropy

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxSeq is the greatest sequence number of an owned feed's entry that repair
// deals with: at one entry a nanosecond, 146 years.
const MaxSeq = 1 << 62

// Range is the sequence numbers First to Last, both included.
type Range struct{ First, Last uint64 }

// Len is how many sequence numbers the range has.
func (r Range) Len() uint64 { return r.Last - r.First + 1 }

// Contains reports whether seq is in the range.
func (r Range) Contains(seq uint64) bool { return r.First <= seq && seq <= r.Last }

// Run is a range of which every entry is held.
type Run struct {
	Range
	// Head is the ID of the entry Last, zero where it is not known.
	Head protocol.ItemID
}

// The functions below work on range sets: ascending, disjoint and not adjacent.

// search returns the index of the first range of rs that ends at or after seq.
func search(rs []Range, seq uint64) int {
	i, _ := slices.BinarySearchFunc(rs, seq, func(r Range, seq uint64) int {
		if r.Last < seq {
			return -1
		}
		return 1
	})
	return i
}

// contains reports whether seq is in the set.
func contains(rs []Range, seq uint64) bool {
	i := search(rs, seq)
	return i < len(rs) && rs[i].First <= seq
}

// add returns the set with r added, merged with what it overlaps or touches.
func add(rs []Range, r Range) []Range {
	i := search(rs, max(r.First, 1)-1)
	j := i
	for j < len(rs) && rs[j].First <= r.Last+1 {
		r.First = min(r.First, rs[j].First)
		r.Last = max(r.Last, rs[j].Last)
		j++
	}
	return slices.Replace(rs, i, j, r)
}

// remove returns the set without r.
func remove(rs []Range, r Range) []Range {
	i := search(rs, r.First)
	j := i
	var keep []Range
	for j < len(rs) && rs[j].First <= r.Last {
		if rs[j].First < r.First {
			keep = append(keep, Range{rs[j].First, r.First - 1})
		}
		if rs[j].Last > r.Last {
			keep = append(keep, Range{r.Last + 1, rs[j].Last})
		}
		j++
	}
	return slices.Replace(rs, i, j, keep...)
}

// subtract returns a new set: a without b.
func subtract(a, b []Range) []Range {
	var out []Range
	j := 0
	for _, r := range a {
		for j < len(b) && b[j].Last < r.First {
			j++
		}
		rest := true
		for k := j; k < len(b) && b[k].First <= r.Last; k++ {
			if b[k].First > r.First {
				out = append(out, Range{r.First, b[k].First - 1})
			}
			if b[k].Last >= r.Last {
				rest = false
				break
			}
			r.First = b[k].Last + 1
		}
		if rest {
			out = append(out, r)
		}
	}
	return out
}

// clip returns a new set: what lies within w, which may be empty (First > Last).
func clip(rs []Range, w Range) []Range {
	if w.First > w.Last {
		return nil
	}
	var out []Range
	for _, r := range rs[search(rs, w.First):] {
		if r.First > w.Last {
			break
		}
		out = append(out, Range{max(r.First, w.First), min(r.Last, w.Last)})
	}
	return out
}

// count returns how many sequence numbers the set has.
func count(rs []Range) (n uint64) {
	for _, r := range rs {
		n += r.Len()
	}
	return n
}
