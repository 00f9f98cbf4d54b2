package gossipmembership

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

// PeerID names a host.
type PeerID = protocol.PeerID

// Bounds of a record (our guesses): a host with two NICs, two address families
// and two transports has eight addresses; the longest usual one, a WebTransport
// address with two certificate hashes, has about 100 bytes.
const (
	MaxAddrs   = 8
	MaxAddrLen = 128
	// MaxEUIDs bounds the environment identifiers, one a NIC.
	MaxEUIDs   = 4
	MaxEUIDLen = 256
	// MaxRecordSize is what the bounds above allow an encoded record.
	MaxRecordSize = 1 + (1 + protocol.MaxPeerIDLen) + 2*binary.MaxVarintLen64 +
		(1 + MaxAddrs*(2+MaxAddrLen)) + (1 + MaxEUIDs*(2+MaxEUIDLen)) + (1 + signatureLen)
)

const (
	recordVersion = 1
	recordDomain  = "quilt-record:v1:"
	signatureLen  = 64 // Ed25519
)

// Errors of records.
var (
	// ErrRecordBounds: a field is longer than its bound.
	ErrRecordBounds = errors.New("record is out of bounds")
	// ErrRecordSignature: the record is not signed by its peer.
	ErrRecordSignature = errors.New("record is not signed by its peer")
)

// Record is what a peer says of itself, signed, so that anyone may pass it on.
// It is immutable once signed: whoever holds one shares its slices.
//
//	version:1 peer:bytes seq:uvarint caps:uvarint
//	addrs:count,bytes… euids:count,bytes… signature:bytes
//
// The signature covers "quilt-record:v1:" and all bytes before it.
type Record struct {
	Peer PeerID
	// Seq orders the records of one peer; the greatest wins. A peer persists
	// it and continues with max(stored+1, wall clock), so that it never goes
	// back. 0 is not valid: it marks addresses that a person gave ([SimpleBook.Hint]).
	Seq uint64
	// Addrs are multiaddrs in binary form, the best first; at most MaxAddrs of
	// at most MaxAddrLen bytes.
	Addrs []string
	// Caps are capability bits. Unknown bits are kept and ignored.
	Caps uint64
	// EUIDs are encoded environment identifiers, opaque here; at most MaxEUIDs
	// of at most MaxEUIDLen bytes.
	EUIDs [][]byte
	// Signature has 64 bytes, or none before Sign.
	Signature []byte
}

// Newer reports whether a replaces b, a record of the same peer.
func Newer(a, b Record) bool { return a.Seq > b.Seq }

// Sign sets r.Signature. The key must be the Ed25519 key of r.Peer. Errors:
// ErrRecordBounds, ErrRecordSignature where the key is another's.
func (r *Record) Sign(key crypto.PrivKey) error {
	if err := r.check(); err != nil {
		return err
	}
	if id, err := peer.IDFromPrivateKey(key); err != nil || id != r.Peer {
		return fmt.Errorf("%w: key belongs to %v", ErrRecordSignature, id)
	}
	sig, err := key.Sign(r.signedBytes())
	if err != nil {
		return fmt.Errorf("sign record: %w", err)
	}
	r.Signature = sig
	return nil
}

// Verify checks bounds and signature, about 45 us. Machines never call it: the
// driver does, before the core sees a message ([RecordsIn]).
func (r *Record) Verify() error {
	if err := r.check(); err != nil {
		return err
	}
	key, err := r.Peer.ExtractPublicKey()
	if err != nil || key.Type() != crypto.Ed25519 {
		return fmt.Errorf("%w: its ID contains no Ed25519 key", ErrRecordSignature)
	}
	if ok, err := key.Verify(r.signedBytes(), r.Signature); err != nil || !ok {
		return ErrRecordSignature
	}
	return nil
}

// check refuses what could not be decoded again, and a zero sequence number.
func (r *Record) check() error {
	switch {
	case len(r.Peer) == 0 || len(r.Peer) > protocol.MaxPeerIDLen:
		return fmt.Errorf("%w: peer ID of %d bytes", ErrRecordBounds, len(r.Peer))
	case r.Seq == 0:
		return fmt.Errorf("%w: sequence number 0", ErrRecordBounds)
	case len(r.Addrs) > MaxAddrs || len(r.EUIDs) > MaxEUIDs:
		return fmt.Errorf("%w: %d addresses, %d EUIDs", ErrRecordBounds, len(r.Addrs), len(r.EUIDs))
	}
	for _, a := range r.Addrs {
		if len(a) == 0 || len(a) > MaxAddrLen {
			return fmt.Errorf("%w: address of %d bytes", ErrRecordBounds, len(a))
		}
	}
	for _, e := range r.EUIDs {
		if len(e) == 0 || len(e) > MaxEUIDLen {
			return fmt.Errorf("%w: EUID of %d bytes", ErrRecordBounds, len(e))
		}
	}
	return nil
}

func (r *Record) signedBytes() []byte {
	return r.appendUnsigned([]byte(recordDomain))
}

func (r *Record) appendUnsigned(b []byte) []byte {
	b = append(b, recordVersion)
	b = protocol.AppendPeer(b, r.Peer)
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.AppendUvarint(b, r.Caps)
	b = binary.AppendUvarint(b, uint64(len(r.Addrs)))
	for _, a := range r.Addrs {
		b = protocol.AppendBytes(b, []byte(a))
	}
	b = binary.AppendUvarint(b, uint64(len(r.EUIDs)))
	for _, e := range r.EUIDs {
		b = protocol.AppendBytes(b, e)
	}
	return b
}

// AppendTo appends the encoded record to b.
func (r *Record) AppendTo(b []byte) []byte {
	return protocol.AppendBytes(r.appendUnsigned(b), r.Signature)
}

// ParseRecord reads a record that fills b. It does not verify the signature.
func ParseRecord(b []byte) (Record, error) {
	rd := protocol.NewReader(b)
	r := readRecord(rd)
	if err := rd.Done(); err != nil {
		return Record{}, err
	}
	return r, nil
}

// readRecord reads a record from the front of what rd has left. The record
// shares no bytes with it.
func readRecord(rd *protocol.Reader) Record {
	var r Record
	if rd.Byte() != recordVersion {
		rd.Fail()
	}
	r.Peer = readPeer(rd)
	r.Seq = rd.Uvarint(1<<64 - 1)
	r.Caps = rd.Uvarint(1<<64 - 1)
	if n := rd.Count(MaxAddrs, 2); n > 0 {
		r.Addrs = make([]string, n)
		for i := range r.Addrs {
			r.Addrs[i] = string(readNonEmpty(rd, MaxAddrLen))
		}
	}
	if n := rd.Count(MaxEUIDs, 2); n > 0 {
		r.EUIDs = make([][]byte, n)
		for i := range r.EUIDs {
			r.EUIDs[i] = append([]byte(nil), readNonEmpty(rd, MaxEUIDLen)...)
		}
	}
	switch sig := rd.Bytes(signatureLen); len(sig) {
	case 0: // an unsigned record: the simulator's
	case signatureLen:
		r.Signature = append([]byte(nil), sig...)
	default:
		rd.Fail()
	}
	return r
}

// readNonEmpty reads a length of 1 to limit and that many bytes.
func readNonEmpty(rd *protocol.Reader, limit int) []byte {
	b := rd.Bytes(limit)
	if len(b) == 0 {
		rd.Fail()
	}
	return b
}

// readPeer reads a peer ID that is not empty.
func readPeer(rd *protocol.Reader) PeerID {
	return PeerID(readNonEmpty(rd, protocol.MaxPeerIDLen))
}
