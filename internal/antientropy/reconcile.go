package antientropy

import (
	"math/rand/v2"
	"slices"
)

// Range-based set reconciliation (Meyer, "Range-Based Set Reconciliation", SRDS
// 2023; message structure after negentropy's): "compare fingerprints of ranges;
// where they differ, split the range and recurse; where few items are left, send
// them". What two peers say about a range depends on the message before only, so
// the side that answers keeps no state.
const (
	// listBelow: a differing range with at most so many keys is listed rather
	// than split (our guess: 1 KiB).
	listBelow = 32
	// splitInto is how many parts a longer one is split into (negentropy's).
	splitInto = 16
	// reconcileHeader bounds what precedes the ranges of a message, in bytes, and
	// reconcileTail the range that sums up what did not fit.
	reconcileHeader = 16
	reconcileTail   = 64
)

// opening returns the first message's ranges. No key is below floor. They are cut at a random key: an
// author that grinds IDs until two sets have the same sum cannot know where.
func (s *keySet) opening(floor Key, rng *rand.Rand) []KeyRange {
	w := newRangeWriter()
	w.skip(floor)
	if s.len() > 1 {
		cut := 1 + rng.IntN(s.len()-1)
		upper := between(s.key(cut-1), s.key(cut))
		w.put(KeyRange{Upper: upper, Mode: ModeFingerprint, Fingerprint: s.fingerprint(0, cut)})
	}
	w.sumUp(s)
	return w.ranges
}

// answer returns what is to be said in return to in, and the keys in it that are
// not in the set. Nothing is wanted, and nothing offered, below floor. The answer
// is empty where both sides are found to agree or to know what they lack. Where
// few keys are left the other side is asked for its own, unless offerOnly is set:
// then unasked says that it might have some.
func (s *keySet) answer(floor Key, in []KeyRange, offerOnly bool) (reply []KeyRange, lacking []Key, unasked bool) {
	w := newRangeWriter()
	w.offerOnly = offerOnly
	lower := Key{}
	for _, r := range in {
		if r.Mode == ModeKeys || r.Mode == ModeHave {
			for _, k := range r.Keys {
				if k.Compare(floor) >= 0 && !s.has(k) {
					lacking = append(lacking, k)
				}
			}
		}
		if !w.full {
			s.answerRange(w, floor, lower, r)
		}
		lower = r.Upper
	}
	if w.full {
		w.sumUp(s)
	}
	return w.ranges, lacking, w.unasked
}

// answerRange answers the range of keys from lower to r.Upper.
func (s *keySet) answerRange(w *rangeWriter, floor, lower Key, r KeyRange) {
	from := lower
	if from.Compare(floor) < 0 {
		from = floor
	}
	if r.Mode == ModeSkip || r.Mode == ModeHave || from.Compare(r.Upper) >= 0 {
		w.skip(r.Upper)
		return
	}
	i, j := s.rank(from), s.rank(r.Upper)
	if r.Mode == ModeKeys {
		s.offer(w, i, j, r)
		return
	}
	fp := s.fingerprint(i, j)
	switch {
	case from != lower:
		// Theirs covers what is not ours to compare: send ours of the rest.
		w.skip(floor)
		w.put(KeyRange{Upper: r.Upper, Mode: ModeFingerprint, Fingerprint: fp})
	case fp == r.Fingerprint:
		w.skip(r.Upper)
	case j-i <= listBelow && w.offerOnly:
		w.unasked = true
		s.offer(w, i, j, KeyRange{Upper: r.Upper})
	case j-i <= listBelow:
		w.put(KeyRange{Upper: r.Upper, Mode: ModeKeys, Keys: s.slice(i, j)})
	default:
		s.split(w, i, j, r.Upper)
	}
}

// split puts fingerprints of the keys with ranks i to j in equal parts.
func (s *keySet) split(w *rangeWriter, i, j int, upper Key) {
	for part := range splitInto {
		from, to := i+(j-i)*part/splitInto, i+(j-i)*(part+1)/splitInto
		bound := upper
		if part < splitInto-1 {
			bound = between(s.key(to-1), s.key(to))
		}
		if !w.put(KeyRange{Upper: bound, Mode: ModeFingerprint, Fingerprint: s.fingerprint(from, to)}) {
			return
		}
	}
}

// offer puts those keys with ranks i to j that a list does not have, as many as
// fit.
func (s *keySet) offer(w *rangeWriter, i, j int, r KeyRange) {
	fit := max(w.room()/maxKeySize, 0)
	extra := s.without(r.Keys, i, j, fit+1)
	switch {
	case len(extra) == 0:
		w.skip(r.Upper)
	case len(extra) <= fit:
		w.put(KeyRange{Upper: r.Upper, Mode: ModeHave, Keys: extra})
	default:
		if fit > 0 {
			upper := between(extra[fit-1], extra[fit])
			w.put(KeyRange{Upper: upper, Mode: ModeHave, Keys: extra[:fit]})
		}
		w.full = true
	}
}

// without returns the first keys, at most limit, with ranks i to j that a list
// does not have.
func (s *keySet) without(list []Key, i, j, limit int) (extra []Key) {
	for ; i < j; i += maxChunk {
		for _, k := range s.slice(i, min(i+maxChunk, j)) {
			if _, ok := slices.BinarySearchFunc(list, k, Key.Compare); ok {
				continue
			}
			if extra = append(extra, k); len(extra) == limit {
				return extra
			}
		}
	}
	return extra
}

// What a key of a list takes: its bucket's distance and its ID.
const (
	minKeySize = 1 + 32
	maxKeySize = 4 + 32
)

// rangeWriter gathers ranges for a message of at most MaxReconcile bytes.
type rangeWriter struct {
	ranges  []KeyRange
	size    int
	lower   Key // where the next range begins
	skipped Key // not before here, which is not written yet
	full    bool
	scratch []byte

	offerOnly, unasked bool // see answer
}

func newRangeWriter() *rangeWriter {
	return &rangeWriter{size: reconcileHeader + reconcileTail}
}

// room is how many bytes of keys fit into one more range.
func (w *rangeWriter) room() int {
	return MaxReconcile - w.size - 2*reconcileTail
}

// skip passes over the keys below upper. Skips are only written before something
// else.
func (w *rangeWriter) skip(upper Key) {
	if upper.Compare(w.skipped) > 0 {
		w.skipped = upper
	}
}

// put adds a range, unless it does not fit: then the writer is full.
func (w *rangeWriter) put(r KeyRange) bool {
	if w.full {
		return false
	}
	lower := w.lower
	w.scratch = w.scratch[:0]
	skip := KeyRange{Upper: w.skipped, Mode: ModeSkip}
	if w.skipped.Compare(lower) > 0 {
		w.scratch = appendKeyRange(w.scratch, lower, skip)
		lower = w.skipped
	}
	w.scratch = appendKeyRange(w.scratch, lower, r)
	if w.size+len(w.scratch) > MaxReconcile || len(w.ranges)+2 > MaxKeyRanges-2 && r.Upper != end {
		w.full = true
		return false
	}
	w.size += len(w.scratch)
	if lower != w.lower {
		w.ranges = append(w.ranges, skip)
	}
	w.ranges = append(w.ranges, r)
	w.lower, w.skipped = r.Upper, r.Upper
	return true
}

// sumUp adds one fingerprint of all that is left; there is always room for it.
func (w *rangeWriter) sumUp(s *keySet) {
	from := w.lower
	if w.skipped.Compare(from) > 0 {
		from = w.skipped
	}
	if from == end {
		return
	}
	w.full = false
	w.size -= reconcileTail
	w.put(KeyRange{Upper: end, Mode: ModeFingerprint, Fingerprint: s.fingerprint(s.rank(from), s.len())})
}
