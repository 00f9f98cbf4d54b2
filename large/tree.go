package large

import "crypto/sha256"

// Tree knows the hashes of pieces as far as they are proved: those of the manifest, and
// those in index pieces that were learnt.
type Tree struct {
	m      Manifest
	hashes []Hash // of the pieces below the top level
	known  Bits   // index pieces learnt
}

// NewTree returns a tree that knows what the manifest says.
func NewTree(m Manifest) *Tree {
	return &Tree{m: m, hashes: make([]Hash, m.Pieces()-m.Top()), known: NewBits(m.Index())}
}

// Hash returns the hash of piece i, and whether it is known.
func (t *Tree) Hash(i int) (Hash, bool) {
	if i < t.m.Top() {
		return Hash(t.m.top[i*HashSize:]), true
	}
	h := t.hashes[i-t.m.Top()]
	return h, h != Hash{}
}

// Verdict is what a tree can say of a piece.
type Verdict uint8

// The verdicts.
const (
	// Unknown: the index piece above it is not there.
	Unknown Verdict = iota
	// Genuine: the bytes are the piece.
	Genuine
	// Forged: they are not.
	Forged
)

// Check says whether b is piece i, which must be one of the layout's.
func (t *Tree) Check(i int, b []byte) Verdict { return t.CheckSum(i, b, sha256.Sum256) }

// CheckSum is Check with a SHA-256 of the caller's: for a simulator, where many hosts
// check the same bytes.
func (t *Tree) CheckSum(i int, b []byte, sum func([]byte) [HashSize]byte) Verdict {
	want, known := t.Hash(i)
	switch {
	case !known:
		return Unknown
	case len(b) != t.m.Len(i) || Hash(sum(b)) != want:
		return Forged
	}
	return Genuine
}

// Learn takes in what index piece i, which was checked, says of the pieces below it,
// and returns them: from included, to excluded. For a segment there are none.
func (t *Tree) Learn(i int, b []byte) (from, to int) {
	from, to = t.m.Below(i)
	if from == to || !t.known.Set(i) {
		return 0, 0
	}
	for k := from; k < to; k++ {
		t.hashes[k-t.m.Top()] = Hash(b[(k-from)*HashSize:])
	}
	return from, to
}
