package antientropy

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/quilt-p2p/quilt/protocol"
)

// Fingerprint stands for a set of keys.
type Fingerprint [16]byte

// sum is what a Fingerprint is made of: the number of IDs and their sum modulo
// 2^256 (negentropy, protocol version 1). Sums add up, so that a set can keep
// them for parts of itself. They are wider than the fingerprint, because sums of
// numbers that somebody can choose among collide far sooner than hashes (Wagner,
// "A Generalized Birthday Problem", CRYPTO 2002).
type sum struct {
	n     uint64
	words [4]uint64 // the least significant first
}

// add adds one ID.
func (s *sum) add(id protocol.ItemID) {
	s.merge(sum{n: 1, words: wordsOf(id)})
}

// sub takes one ID away that was added.
func (s *sum) sub(id protocol.ItemID) {
	w := wordsOf(id)
	var borrow uint64
	for i := range s.words {
		s.words[i], borrow = bits.Sub64(s.words[i], w[i], borrow)
	}
	s.n--
}

// merge adds another sum.
func (s *sum) merge(t sum) {
	var carry uint64
	for i := range s.words {
		s.words[i], carry = bits.Add64(s.words[i], t.words[i], carry)
	}
	s.n += t.n
}

// fingerprint condenses the sum.
func (s *sum) fingerprint() (f Fingerprint) {
	var b [40]byte
	for i, w := range s.words {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
	binary.LittleEndian.PutUint64(b[32:], s.n)
	h := sha256.Sum256(b[:])
	copy(f[:], h[:])
	return f
}

// wordsOf reads an ID as a number.
func wordsOf(id protocol.ItemID) (w [4]uint64) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(id[8*i:])
	}
	return w
}
