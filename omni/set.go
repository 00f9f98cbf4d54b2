package omni

import "math/bits"

// peerSet is a set of peers by their slots.
type peerSet [MaxPeers / 64]uint64

func (s *peerSet) has(p *peer) bool { return s[p.slot/64]&(1<<(p.slot%64)) != 0 }
func (s *peerSet) add(p *peer)      { s[p.slot/64] |= 1 << (p.slot % 64) }
func (s *peerSet) remove(p *peer)   { s[p.slot/64] &^= 1 << (p.slot % 64) }

// union adds another's members.
func (s *peerSet) union(o *peerSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// free is the least slot that is not in the set.
func (s *peerSet) free() int {
	for i := range s {
		if n := bits.TrailingZeros64(^s[i]); n < 64 {
			return 64*i + n
		}
	}
	panic("omni: no slot is free")
}
