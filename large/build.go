package large

import "crypto/sha256"

// Builder makes the manifest of content that is read once, from its beginning.
type Builder struct {
	layout Layout
	hashes []byte // of the segments so far
}

// NewBuilder begins content of a size that is known. Errors wrap ErrSize.
func NewBuilder(size int64) (*Builder, error) { return NewBuilderWith(size, SegmentFor(size)) }

// NewBuilderWith is NewBuilder with segments of a length of the caller's.
func NewBuilderWith(size int64, segment int) (*Builder, error) {
	l, err := NewLayout(size, segment)
	if err != nil {
		return nil, err
	}
	return &Builder{layout: l, hashes: make([]byte, 0, l.Segments()*HashSize)}, nil
}

// Layout is that of the content.
func (b *Builder) Layout() Layout { return b.layout }

// Next is the length of the segment that comes next in bytes, 0 after the last.
func (b *Builder) Next() int {
	if n := len(b.hashes) / HashSize; n < b.layout.Segments() {
		return b.layout.Len(b.layout.Index() + n)
	}
	return 0
}

// Add takes in the next segment, which must be of the length that Next says.
func (b *Builder) Add(segment []byte) {
	if len(segment) != b.Next() {
		panic("large: a segment of the wrong length")
	}
	sum := sha256.Sum256(segment)
	b.hashes = append(b.hashes, sum[:]...)
}

// Finish returns the manifest and the index pieces in their order, once all segments
// were added. Name is cut where it is longer than MaxName, and made valid.
func (b *Builder) Finish(name string) (Manifest, [][]byte) {
	if b.Next() != 0 {
		panic("large: segments are missing")
	}
	l := b.layout
	index := make([][]byte, l.Index())
	below := b.hashes
	for level := len(l.counts) - 2; level >= 0; level-- {
		var above []byte
		for k := range l.counts[level] {
			i := l.first[level] + k
			from := k * l.segment
			index[i] = below[from : from+l.Len(i)]
			sum := sha256.Sum256(index[i])
			above = append(above, sum[:]...)
		}
		below = above
	}
	return Manifest{Layout: l, Name: cleanName(name), top: below}, index
}
