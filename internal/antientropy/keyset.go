package antientropy

import (
	"slices"
	"sort"
)

// MaxKeys bounds the keys that are kept of an open topic: with 40 bytes a key
// 4 MB. Beyond it the oldest are given up.
const MaxKeys = 100_000

// maxChunk is the length at which a chunk is cut in two.
const maxChunk = 512

// keySet is an ordered set of keys, in chunks that know their sums. With n keys,
// c = 512 the length of a chunk: an insertion, a look-up by rank and the
// fingerprint of any range each take O(n/c + c) steps, at 100,000 keys about
// 1,000; a look-up by key takes O(log n).
type keySet struct {
	chunks []chunk
	n      int
}

// chunk is a non-empty part of a keySet.
type chunk struct {
	keys []Key
	sum  sum
}

func newKeySet(keys []Key) *keySet {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, Key.Compare)
	keys = slices.Compact(keys)
	s := &keySet{n: len(keys)}
	for part := range slices.Chunk(keys, maxChunk/2) {
		s.chunks = append(s.chunks, newChunk(part))
	}
	return s
}

func newChunk(keys []Key) chunk {
	c := chunk{keys: append(make([]Key, 0, maxChunk), keys...)}
	for _, k := range keys {
		c.sum.add(k.ID)
	}
	return c
}

// len is the number of keys.
func (s *keySet) len() int { return s.n }

// locate returns the chunk that has, or would have, k.
func (s *keySet) locate(k Key) int {
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].keys[0].Compare(k) > 0 })
	return max(i-1, 0)
}

// has reports whether k is in the set.
func (s *keySet) has(k Key) bool {
	if s.n == 0 {
		return false
	}
	_, ok := slices.BinarySearchFunc(s.chunks[s.locate(k)].keys, k, Key.Compare)
	return ok
}

// insert adds k and reports whether it was new.
func (s *keySet) insert(k Key) bool {
	if s.n == 0 {
		s.chunks = []chunk{newChunk([]Key{k})}
		s.n = 1
		return true
	}
	at := s.locate(k)
	c := &s.chunks[at]
	i, ok := slices.BinarySearchFunc(c.keys, k, Key.Compare)
	if ok {
		return false
	}
	c.keys = slices.Insert(c.keys, i, k)
	c.sum.add(k.ID)
	s.n++
	if len(c.keys) == maxChunk {
		right := newChunk(c.keys[maxChunk/2:])
		for _, k := range right.keys {
			c.sum.sub(k.ID)
		}
		c.keys = c.keys[:maxChunk/2]
		s.chunks = slices.Insert(s.chunks, at+1, right)
	}
	return true
}

// dropBelow removes all keys below k.
func (s *keySet) dropBelow(k Key) {
	for len(s.chunks) > 0 {
		c := &s.chunks[0]
		i, _ := slices.BinarySearchFunc(c.keys, k, Key.Compare)
		for _, gone := range c.keys[:i] {
			c.sum.sub(gone.ID)
		}
		s.n -= i
		c.keys = slices.Delete(c.keys, 0, i)
		if len(c.keys) > 0 {
			return
		}
		s.chunks = slices.Delete(s.chunks, 0, 1)
	}
}

// rank is how many keys are below k.
func (s *keySet) rank(k Key) int {
	if s.n == 0 {
		return 0
	}
	at, rank := s.locate(k), 0
	for _, c := range s.chunks[:at] {
		rank += len(c.keys)
	}
	i, _ := slices.BinarySearchFunc(s.chunks[at].keys, k, Key.Compare)
	return rank + i
}

// key returns the key of a rank below len.
func (s *keySet) key(rank int) Key { return s.slice(rank, rank+1)[0] }

// slice returns a copy of the keys with ranks from i up to, not including, j.
func (s *keySet) slice(i, j int) []Key {
	keys := make([]Key, 0, j-i)
	for _, c := range s.chunks {
		if j <= 0 {
			break
		}
		if n := len(c.keys); i < n {
			keys = append(keys, c.keys[max(i, 0):min(j, n)]...)
		}
		i, j = i-len(c.keys), j-len(c.keys)
	}
	return keys
}

// fingerprint returns that of the keys with ranks from i up to, not including, j.
func (s *keySet) fingerprint(i, j int) Fingerprint {
	var total sum
	for _, c := range s.chunks {
		if j <= 0 {
			break
		}
		n := len(c.keys)
		switch {
		case i <= 0 && j >= n:
			total.merge(c.sum)
		case i < n:
			for _, k := range c.keys[max(i, 0):min(j, n)] {
				total.add(k.ID)
			}
		}
		i, j = i-n, j-n
	}
	return total.fingerprint()
}
