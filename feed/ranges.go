package feed

import "sort"

// Range is a run of sequence numbers, both ends included.
type Range struct{ First, Last uint64 }

// Len is how many numbers the range has.
func (r Range) Len() uint64 { return r.Last - r.First + 1 }

// addRange adds r to sorted, disjoint, non-adjacent ranges and keeps them so.
// Numbers are at most MaxSeq.
func addRange(rs []Range, r Range) []Range {
	i := sort.Search(len(rs), func(i int) bool { return rs[i].Last+1 >= r.First })
	j := i
	for j < len(rs) && rs[j].First <= r.Last+1 {
		r.First = min(r.First, rs[j].First)
		r.Last = max(r.Last, rs[j].Last)
		j++
	}
	return splice(rs, i, j, r)
}

// cutRange removes r from sorted, disjoint ranges and returns what was removed of
// each.
func cutRange(rs []Range, r Range) (left, removed []Range) {
	i := sort.Search(len(rs), func(i int) bool { return rs[i].Last >= r.First })
	var keep []Range
	j := i
	for ; j < len(rs) && rs[j].First <= r.Last; j++ {
		cut := Range{max(r.First, rs[j].First), min(r.Last, rs[j].Last)}
		removed = append(removed, cut)
		if rs[j].First < cut.First {
			keep = append(keep, Range{rs[j].First, cut.First - 1})
		}
		if cut.Last < rs[j].Last {
			keep = append(keep, Range{cut.Last + 1, rs[j].Last})
		}
	}
	return splice(rs, i, j, keep...), removed
}

// splice replaces rs[i:j].
func splice(rs []Range, i, j int, with ...Range) []Range {
	tail := append([]Range(nil), rs[j:]...)
	return append(append(rs[:i], with...), tail...)
}
