package antientropy

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

// Reconcile is one message of a range-based set reconciliation: what the sender
// says about consecutive ranges of keys, the first of which begins at the least
// key. About what follows the last range it says nothing.
//
//	session:uvarint round:1 n:uvarint n × (bound mode:1 [fingerprint:16 | n:uvarint keys])
//
// A bound is the distance of its bucket from the one before plus one and the
// shortest prefix of an ID that tells the two sides apart (length:1 bytes); or a
// zero byte for the end of all keys.
type Reconcile struct {
	// Session is chosen by who opened the reconciliation. 0 is none: an
	// announcement that is not answered.
	Session uint32
	// Round counts the messages of a session from 0: even ones are the opener's.
	Round  uint8
	Ranges []KeyRange
}

// Mode is what a range of a Reconcile says.
type Mode uint8

// The modes.
const (
	// ModeSkip: nothing to say.
	ModeSkip Mode = iota
	// ModeFingerprint: the fingerprint of all keys in the range.
	ModeFingerprint
	// ModeKeys: all keys in the range; what lacks is to be said in return.
	ModeKeys
	// ModeHave: some keys in the range, which the receiver seems to lack.
	ModeHave
)

// KeyRange is what a Reconcile says about the keys from the range before up to,
// but not including, Upper.
type KeyRange struct {
	Upper       Key
	Mode        Mode
	Fingerprint Fingerprint
	Keys        []Key
}

// Kind implements protocol.Message.
func (Reconcile) Kind() uint8 { return KindReconcile }

// AppendTo implements protocol.Message.
func (m Reconcile) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Session))
	b = append(b, m.Round)
	b = binary.AppendUvarint(b, uint64(len(m.Ranges)))
	lower := Key{}
	for _, r := range m.Ranges {
		b = appendKeyRange(b, lower, r)
		lower = r.Upper
	}
	return b
}

// appendKeyRange appends one range that begins at lower.
func appendKeyRange(b []byte, lower Key, r KeyRange) []byte {
	b = append(appendBound(b, lower, r.Upper), byte(r.Mode))
	switch r.Mode {
	case ModeFingerprint:
		b = append(b, r.Fingerprint[:]...)
	case ModeKeys, ModeHave:
		b = binary.AppendUvarint(b, uint64(len(r.Keys)))
		b = appendKeys(b, lower, r.Keys)
	}
	return b
}

// appendBound appends the upper bound of a range that begins at lower.
func appendBound(b []byte, lower, upper Key) []byte {
	if upper == end {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, upper.Bucket-lower.Bucket+1)
	n := len(upper.ID)
	for n > 0 && upper.ID[n-1] == 0 {
		n--
	}
	return append(append(b, byte(n)), upper.ID[:n]...)
}

// between returns the shortest bound with a < bound <= b, for a < b.
func between(a, b Key) Key {
	if a.Bucket != b.Bucket {
		return Key{Bucket: b.Bucket}
	}
	n := 0
	for a.ID[n] == b.ID[n] {
		n++
	}
	bound := Key{Bucket: b.Bucket}
	copy(bound.ID[:], b.ID[:n+1])
	return bound
}

var _ protocol.Message = Reconcile{}
