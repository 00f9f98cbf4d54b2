package feed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of an entry.
const (
	// MaxPayload bounds the payload in bytes: an item (protocol.MaxItemSize) less
	// room for everything around it.
	MaxPayload = 1000 << 10
	// MaxContentType bounds the content type in bytes (RFC 6838 allows 127 for
	// each half of a media type; none that is registered has 128 in all).
	MaxContentType = 128
	// MaxSeq bounds the sequence number, so that last+1 never overflows.
	MaxSeq = 1<<63 - 1
	// MaxTime bounds Entry.Time: the last millisecond of the year 9999, the
	// greatest that RFC 3339 can write.
	MaxTime = 253402300799999
)

// Version is the version of the encoding that this package reads and writes.
const Version = 1

// maxHeader bounds what precedes an encoded payload, in bytes.
const maxHeader = 256

// Errors of ParseEntry and of Sign.
var (
	ErrEntry        = errors.New("entry is malformed")
	ErrEntryVersion = errors.New("entry is of a version this program does not know")
)

// Type tells what an entry is for.
type Type uint8

// The types. Only Post and Large have a meaning yet; the others are reserved so that
// peers of the first version already store and forward them. Types not listed are kept and
// forwarded too; 0 is malformed.
const (
	// Post is something to read.
	Post Type = 1
	// KeyRotation will hand the feed over to another key.
	KeyRotation Type = 2
	// Revocation will declare the key compromised.
	Revocation Type = 3
	// Resumption will explain a fork after a restored backup.
	Resumption Type = 4
	// Large is something to read that is too large for an entry: the payload is a
	// manifest (package large) that names it.
	Large Type = 5
)

// String returns the type's name.
func (t Type) String() string {
	switch t {
	case Post:
		return "post"
	case KeyRotation:
		return "key-rotation"
	case Revocation:
		return "revocation"
	case Resumption:
		return "resumption"
	case Large:
		return "large"
	}
	return "type-" + strconv.Itoa(int(t))
}

// Entry is one link of an owned feed's chain: the data of its item.
//
//	version:1 type:1 seq:uvarint prev:32 time:uvarint n:uvarint content-type:n payload:…
type Entry struct {
	Type Type
	// Seq counts the author's entries: 1, 2, … MaxSeq.
	Seq uint64
	// Prev is the ID of the item with entry Seq-1; zero if and only if Seq is 1.
	Prev protocol.ItemID
	// Time is the author's clock in milliseconds since 1970, 0 to MaxTime. It
	// informs readers and decides nothing.
	Time int64
	// ContentType is the payload's media type in printable ASCII, empty for
	// unspecified; at most MaxContentType bytes.
	ContentType string
	// Payload is at most MaxPayload bytes.
	Payload []byte
}

// Validate returns nil if the entry is within its bounds.
func (e *Entry) Validate() error {
	switch {
	case e.Type == 0:
		return fmt.Errorf("%w: type 0", ErrEntry)
	case e.Seq == 0 || e.Seq > MaxSeq:
		return fmt.Errorf("%w: sequence number %d", ErrEntry, e.Seq)
	case (e.Seq == 1) != (e.Prev == protocol.ItemID{}):
		return fmt.Errorf("%w: the first entry, and only it, has no previous one", ErrEntry)
	case e.Time < 0 || e.Time > MaxTime:
		return fmt.Errorf("%w: time %d ms", ErrEntry, e.Time)
	case len(e.ContentType) > MaxContentType:
		return fmt.Errorf("%w: content type of %d bytes, at most %d are allowed", ErrEntry, len(e.ContentType), MaxContentType)
	case !printable(e.ContentType):
		return fmt.Errorf("%w: content type is not printable ASCII", ErrEntry)
	case len(e.Payload) > MaxPayload:
		return fmt.Errorf("%w: payload of %d bytes, at most %d are allowed", ErrEntry, len(e.Payload), MaxPayload)
	}
	return nil
}

// printable reports whether s can be shown on a terminal without harm.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// AppendTo appends the encoded entry to b. The entry must be valid.
func (e *Entry) AppendTo(b []byte) []byte {
	b = append(b, Version, byte(e.Type))
	b = binary.AppendUvarint(b, e.Seq)
	b = append(b, e.Prev[:]...)
	b = binary.AppendUvarint(b, uint64(e.Time))
	b = protocol.AppendBytes(b, []byte(e.ContentType))
	return append(b, e.Payload...)
}

// ParseEntry decodes b strictly: an entry has one encoding only. The Payload
// aliases b. It fails with ErrEntryVersion or an error that wraps ErrEntry.
func ParseEntry(b []byte) (Entry, error) {
	r := protocol.NewReader(b)
	if v := r.Byte(); r.Err() == nil && v != Version {
		return Entry{}, ErrEntryVersion
	}
	e := Entry{
		Type: Type(r.Byte()),
		Seq:  r.Uvarint(MaxSeq),
		Prev: r.Item(),
		Time: int64(r.Uvarint(MaxTime)),
	}
	e.ContentType = string(r.Bytes(MaxContentType))
	e.Payload = r.Rest()
	if err := r.Err(); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	if err := e.Validate(); err != nil {
		return Entry{}, err
	}
	return e, nil
}
