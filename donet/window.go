package donet

import "math/bits"

const windowWords = Window / 64

// window is a sliding buffer map: which of the latest Window sequence numbers of a
// stream somebody has. The zero value is empty. What has slid out counts as had: the
// mesh does not look for it any more.
type window struct {
	used bool
	top  uint64 // the greatest
	bits [windowWords]uint64
}

// has reports whether a number is in the map, or has slid out of it.
func (w *window) has(seq uint64) bool {
	switch {
	case !w.used || seq > w.top:
		return false
	case w.top-seq >= Window:
		return true
	}
	return w.bits[seq/64%windowWords]&(1<<(seq%64)) != 0
}

// add takes a number in and reports whether it is new.
func (w *window) add(seq uint64) bool {
	if !w.used {
		w.used, w.top = true, seq
	}
	if w.has(seq) {
		return false
	}
	if seq > w.top {
		w.slide(seq)
	}
	w.bits[seq/64%windowWords] |= 1 << (seq % 64)
	return true
}

// remove takes a number out.
func (w *window) remove(seq uint64) {
	if w.used && seq <= w.top && w.top-seq < Window {
		w.bits[seq/64%windowWords] &^= 1 << (seq % 64)
	}
}

// slide makes a number the greatest, and clears what comes into the map.
func (w *window) slide(top uint64) {
	if top-w.top >= Window {
		clear(w.bits[:])
		w.top = top
		return
	}
	for s := w.top + 1; ; {
		i := s / 64 % windowWords
		if s%64 == 0 && top-s >= 63 {
			w.bits[i] = 0
			s += 64
		} else {
			w.bits[i] &^= 1 << (s % 64)
			s++
		}
		if s > top || s == 0 {
			break
		}
	}
	w.top = top
}

// floor makes all numbers below one count as had.
func (w *window) floor(seq uint64) {
	if !w.used {
		w.used, w.top = true, seq
		for i := range w.bits {
			w.bits[i] = ^uint64(0)
		}
		w.remove(seq)
	}
}

// peerSet is a set of peers by their slots.
type peerSet [MaxPeers / 64]uint64

func (s *peerSet) has(p *peer) bool { return s[p.slot/64]&(1<<(p.slot%64)) != 0 }
func (s *peerSet) add(p *peer)      { s[p.slot/64] |= 1 << (p.slot % 64) }
func (s *peerSet) remove(p *peer)   { s[p.slot/64] &^= 1 << (p.slot % 64) }

func (s *peerSet) count() (n int) {
	for _, b := range s {
		n += bits.OnesCount64(b)
	}
	return n
}

// free is the least slot that is not in the set.
func (s *peerSet) free() int {
	for i := range s {
		if n := bits.TrailingZeros64(^s[i]); n < 64 {
			return 64*i + n
		}
	}
	panic("donet: no slot is free")
}
