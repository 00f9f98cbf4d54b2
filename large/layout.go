package large

import (
	"errors"
	"fmt"
	"math/bits"
)

// Bounds of large content. All are our guesses unless their line says otherwise.
const (
	// MinSegment and MaxSegment bound the length of a segment in bytes. One has to fit
	// into a frame (1 MiB) with room for others beside it on a link.
	MinSegment = 1 << 10
	MaxSegment = 512 << 10
	// DefaultSegment is the length of segments up to 1 GiB: on an uplink of 1 Mbit/s one
	// takes half a second, which is as long as an urgent message should have to wait.
	DefaultSegment = 64 << 10
	// MaxSegments bounds the number of segments: what a peer remembers of a transfer
	// (hashes, who has what) stays below 8 MiB.
	MaxSegments = 1 << 17
	// MaxSize bounds the content in bytes: 64 GiB.
	MaxSize = MaxSegments * MaxSegment
	// MaxTop bounds the hashes in a manifest: 64 KiB, an item of moderate size.
	MaxTop = 2048
	// MaxPieces bounds segments and index pieces together: with the shortest segments
	// each level has a 32nd of the hashes of the one below.
	MaxPieces = MaxSegments + MaxSegments/16
	// easySegments is how many segments there are before they get longer.
	easySegments = 1 << 14
)

// HashSize is the length of a hash in bytes.
const HashSize = 32

// Hash is a SHA-256.
type Hash [HashSize]byte

// String returns the first 12 hexadecimal digits, enough for a person's eye.
func (h Hash) String() string { return fmt.Sprintf("%x", h[:6]) }

// ErrSize is wrapped by the errors of content that is too large, or empty.
var ErrSize = errors.New("size cannot be carried")

// SegmentFor returns the length in bytes of the segments of content of a size.
func SegmentFor(size int64) int {
	s := DefaultSegment
	for s < MaxSegment && size > int64(s)*easySegments {
		s *= 2
	}
	return s
}

// Layout says which pieces content has, and where. The zero Layout has none.
type Layout struct {
	size    int64
	segment int
	counts  []int // pieces of each level, the top first; the last are the segments
	first   []int // number of the first piece of each level
}

// NewLayout returns the layout of content of 1 to MaxSize bytes in segments of a
// length. It fails with an error that wraps ErrSize, or ErrManifest for a length that
// no segment may have.
func NewLayout(size int64, segment int) (Layout, error) {
	if segment < MinSegment || segment > MaxSegment || bits.OnesCount(uint(segment)) != 1 {
		return Layout{}, fmt.Errorf("%w: segments of %d bytes", ErrManifest, segment)
	}
	if size < 1 || size > int64(segment)*MaxSegments {
		return Layout{}, fmt.Errorf("%w: %d bytes in segments of %d, at most %d are allowed", ErrSize, size, segment, int64(segment)*MaxSegments)
	}
	l := Layout{size: size, segment: segment}
	n := int((size + int64(segment) - 1) / int64(segment))
	l.counts = []int{n}
	for n > MaxTop {
		n = (n + l.fan() - 1) / l.fan()
		l.counts = append([]int{n}, l.counts...)
	}
	at := 0
	for _, n := range l.counts {
		l.first = append(l.first, at)
		at += n
	}
	return l, nil
}

// fan is how many hashes an index piece holds.
func (l Layout) fan() int { return l.segment / HashSize }

// Size is the content's length in bytes, Segment that of its segments.
func (l Layout) Size() int64  { return l.size }
func (l Layout) Segment() int { return l.segment }

// Segments is the number of segments, Index that of index pieces, Pieces both.
func (l Layout) Segments() int { return l.counts[len(l.counts)-1] }
func (l Layout) Index() int    { return l.first[len(l.first)-1] }
func (l Layout) Pieces() int   { return l.Index() + l.Segments() }

// Top is the number of pieces whose hashes the manifest has: pieces 0 to Top-1.
func (l Layout) Top() int { return l.counts[0] }

// Len is the length of piece i in bytes.
func (l Layout) Len(i int) int {
	if i >= l.Index() {
		return int(min(int64(l.segment), l.size-int64(i-l.Index())*int64(l.segment)))
	}
	from, to := l.Below(i)
	return (to - from) * HashSize
}

// Offset is where piece i is in a file that begins with the content and goes on with
// the index pieces; FileSize is that file's length.
func (l Layout) Offset(i int) int64 {
	if i >= l.Index() {
		return int64(i-l.Index()) * int64(l.segment)
	}
	return l.size + int64(i)*int64(l.segment)
}

// FileSize is the greatest length of a file of all pieces in bytes.
func (l Layout) FileSize() int64 { return l.size + int64(l.Index())*int64(l.segment) }

// Below returns the pieces, from included and to excluded, whose hashes index piece i
// has; none for a segment.
func (l Layout) Below(i int) (from, to int) {
	for level := range len(l.counts) - 1 {
		if k := i - l.first[level]; k < l.counts[level] {
			next := l.first[level+1]
			return next + k*l.fan(), next + min((k+1)*l.fan(), l.counts[level+1])
		}
	}
	return 0, 0
}
