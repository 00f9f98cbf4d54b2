package large

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/quilt-p2p/quilt/protocol"
)

// magic begins every manifest: in an open topic it tells one from other payloads, so
// it begins with a byte that no text has.
const magic = "\x00quilt-large"

// Version is the version of the encoding that this package reads and writes.
const Version = 1

// MaxName bounds a name in bytes, as most file systems do.
const MaxName = 255

// maxPayload bounds an encoded manifest in bytes.
const maxPayload = len(magic) + 2 + 2*binary.MaxVarintLen64 + MaxName + MaxTop*HashSize

// ErrManifest is wrapped by every error of Parse.
var ErrManifest = errors.New("manifest is malformed")

// Manifest describes large content.
type Manifest struct {
	Layout
	// Name is what the author calls the content, a file's name without directories as
	// far as the author is honest: UTF-8 of at most MaxName bytes. Whoever makes a file
	// of it must not trust it.
	Name string
	top  []byte // the hashes of pieces 0 to Top-1
}

// Root names the content: a hash over segment size, size and top hashes.
func (m Manifest) Root() (root Hash) {
	h := sha256.New()
	h.Write([]byte("quilt-large:"))
	h.Write(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(m.segment)), uint64(m.size)))
	h.Write(m.top)
	h.Sum(root[:0])
	return root
}

// AppendTo appends the encoded manifest to b.
func (m Manifest) AppendTo(b []byte) []byte {
	b = append(append(b, magic...), Version, byte(bits.TrailingZeros(uint(m.segment))))
	b = binary.AppendUvarint(b, uint64(m.size))
	b = protocol.AppendBytes(b, []byte(m.Name))
	return append(b, m.top...)
}

// Parse decodes a manifest strictly: it has one encoding only. It keeps payload. Every
// error wraps ErrManifest.
func Parse(payload []byte) (Manifest, error) {
	if len(payload) > maxPayload || !bytes.HasPrefix(payload, []byte(magic)) {
		return Manifest{}, ErrManifest
	}
	r := protocol.NewReader(payload[len(magic):])
	if v := r.Byte(); v != Version {
		return Manifest{}, fmt.Errorf("%w: version %d", ErrManifest, v)
	}
	log := r.Byte()
	size := r.Uvarint(MaxSize)
	name := r.Bytes(MaxName)
	if err := r.Err(); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if log > 31 || !utf8.Valid(name) {
		return Manifest{}, ErrManifest
	}
	l, err := NewLayout(int64(size), 1<<log)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	top := r.Rest()
	if len(top) != l.Top()*HashSize {
		return Manifest{}, fmt.Errorf("%w: %d bytes of hashes for %d pieces", ErrManifest, len(top), l.Top())
	}
	return Manifest{Layout: l, Name: string(name), top: top}, nil
}
