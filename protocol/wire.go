package protocol

import (
	"encoding/binary"
	"errors"
)

// Errors of decoders.
var (
	// ErrTruncated: the bytes end before the message does.
	ErrTruncated = errors.New("message is truncated")
	// ErrMalformed: a value is out of its bounds, or bytes follow the message.
	ErrMalformed = errors.New("message is malformed")
	// ErrUnknownKind: no object of this version knows the kind.
	ErrUnknownKind = errors.New("message kind is unknown")
)

// Reader reads a message body. The first error sticks: every later read returns
// zero values, so a decoder checks once, at the end, with Done.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a Reader of b.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// fail records the first error.
func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.b) < 1 {
		r.fail(ErrTruncated)
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// Uvarint reads an unsigned varint of at most limit, in minimal encoding.
func (r *Reader) Uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	switch {
	case n == 0:
		r.fail(ErrTruncated)
		return 0
	case n < 0 || v > limit || n > 1 && r.b[n-1] == 0:
		r.fail(ErrMalformed)
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Uint64 reads 8 bytes, big endian.
func (r *Reader) Uint64() uint64 {
	b := r.Fixed(8)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// Fixed reads n bytes; the result aliases the body and is nil on error.
func (r *Reader) Fixed(n int) []byte {
	if len(r.b) < n {
		r.fail(ErrTruncated)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Bytes reads a length of at most limit and that many bytes, aliasing the body.
func (r *Reader) Bytes(limit int) []byte {
	n := r.Uvarint(uint64(limit))
	return r.Fixed(int(n))
}

// Peer reads a peer ID.
func (r *Reader) Peer() PeerID { return PeerID(r.Bytes(MaxPeerIDLen)) }

// Topic reads a topic ID.
func (r *Reader) Topic() (t TopicID) {
	copy(t[:], r.Fixed(len(t)))
	return t
}

// Item reads an item ID.
func (r *Reader) Item() (id ItemID) {
	copy(id[:], r.Fixed(len(id)))
	return id
}

// Count reads the length of a list of at most limit elements, each of which takes
// at least size bytes, so that a length can never ask for more memory than the
// message has bytes.
func (r *Reader) Count(limit, size int) int {
	n := int(r.Uvarint(uint64(limit)))
	if n*size > len(r.b) {
		r.fail(ErrTruncated)
		return 0
	}
	return n
}

// Fail makes the message malformed: for a decoder that finds a value out of
// bounds.
func (r *Reader) Fail() { r.fail(ErrMalformed) }

// Rest returns the bytes not yet read.
func (r *Reader) Rest() []byte {
	b := r.b
	r.b = nil
	return b
}

// Len is how many bytes are not yet read.
func (r *Reader) Len() int { return len(r.b) }

// Err returns the first error so far.
func (r *Reader) Err() error { return r.err }

// Done returns the first error, ErrMalformed where bytes are left over.
func (r *Reader) Done() error {
	if len(r.b) > 0 {
		r.fail(ErrMalformed)
	}
	return r.err
}

// AppendBytes appends a length and b.
func AppendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// AppendPeer appends a peer ID.
func AppendPeer(dst []byte, p PeerID) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(p))), p...)
}
