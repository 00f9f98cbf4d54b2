package large

import "math/bits"

// Bits is a set of pieces.
type Bits []uint64

// NewBits returns an empty set for pieces 0 to n-1.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// AllBits returns the set of pieces 0 to n-1.
func AllBits(n int) Bits {
	b := NewBits(n)
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n%64 != 0 {
		b[len(b)-1] = 1<<(n%64) - 1
	}
	return b
}

// Has reports whether piece i is in the set.
func (b Bits) Has(i int) bool { return i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// Set adds piece i; it reports whether it is new.
func (b Bits) Set(i int) bool {
	w, m := &b[i/64], uint64(1)<<(i%64)
	was := *w&m != 0
	*w |= m
	return !was
}

// Clear takes piece i out; it reports whether it was there.
func (b Bits) Clear(i int) bool {
	w, m := &b[i/64], uint64(1)<<(i%64)
	was := *w&m != 0
	*w &^= m
	return was
}

// Count is the number of pieces in the set.
func (b Bits) Count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}
