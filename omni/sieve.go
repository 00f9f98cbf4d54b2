package omni

import "github.com/quilt-p2p/quilt/protocol"

// sieve is a Bloom filter of peers, of four bits each and two probes: of those it has
// not, one in six is taken for one it has. The salt, drawn for each message, makes
// that another one each time.
type sieve []byte

// maxSieve bounds a sieve in bytes: one for MaxSamples peers.
const maxSieve = MaxSamples / 2

func newSieve(peers int) sieve { return make(sieve, min((peers+1)/2, maxSieve)) }

// probes are the two bits of a peer: from FNV-1a over the salt and the ID.
func (s sieve) probes(salt byte, p protocol.PeerID, version uint8) (a, b uint32) {
	h := (uint64(14695981039346656037) ^ uint64(salt) ^ uint64(version)<<8) * 1099511628211
	for i := range len(p) {
		h = (h ^ uint64(p[i])) * 1099511628211
	}
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	n := uint32(8 * len(s))
	return uint32(h>>32) % n, uint32(h) % n
}

func (s sieve) add(salt byte, p protocol.PeerID, version uint8) {
	a, b := s.probes(salt, p, version)
	s[a/8] |= 1 << (a % 8)
	s[b/8] |= 1 << (b % 8)
}

// has reports whether a peer seems to be in the sieve.
func (s sieve) has(salt byte, p protocol.PeerID, version uint8) bool {
	if len(s) == 0 {
		return false
	}
	a, b := s.probes(salt, p, version)
	return s[a/8]&(1<<(a%8)) != 0 && s[b/8]&(1<<(b%8)) != 0
}
