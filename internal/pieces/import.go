package pieces

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// ErrShort: there were fewer or more bytes than were announced.
var ErrShort = errors.New("the content is not as long as it was said to be: it changed while it was read")

// Import reads content of a size, keeps it in full, and returns its manifest: nothing
// more than a segment is in memory at a time. It fails with an error that wraps
// large.ErrSize, ErrFull or ErrShort; then nothing is kept.
func (v *Vault) Import(ctx context.Context, topic protocol.TopicID, r io.Reader, size int64, name string) (large.Manifest, error) {
	b, err := large.NewBuilder(size)
	if err != nil {
		return large.Manifest{}, err
	}
	total := b.Layout().FileSize()
	if err := v.reserve(total); err != nil {
		return large.Manifest{}, err
	}
	m, kept, err := v.importInto(ctx, topic, r, b, name)
	if !kept {
		v.release(total)
	}
	return m, err
}

func (v *Vault) importInto(ctx context.Context, topic protocol.TopicID, r io.Reader, b *large.Builder, name string) (m large.Manifest, kept bool, err error) {
	f, err := os.CreateTemp(v.dir, importPrefix) // mode 0600
	if err != nil {
		return m, false, diskError(err)
	}
	defer func() {
		_ = f.Close()
		if !kept {
			_ = os.Remove(f.Name())
		}
	}()
	if err := copySegments(ctx, f, r, b); err != nil {
		return m, false, err
	}
	m, index := b.Finish(name)
	for i, piece := range index {
		if _, err := f.WriteAt(piece, m.Offset(i)); err != nil {
			return m, false, diskError(err)
		}
	}
	if err := errors.Join(f.Truncate(m.FileSize()), f.Sync(), os.MkdirAll(v.topicDir(topic), 0o700)); err != nil {
		return m, false, diskError(err)
	}
	k := Key{topic, m.Root()}
	if v.Complete(k) {
		return m, false, nil // published before
	}
	v.forget(k)
	if err := os.Rename(f.Name(), v.path(k)); err != nil {
		return m, false, fmt.Errorf("keeping a large file: %w", err)
	}
	syncDir(v.topicDir(topic))
	return m, true, nil
}

// forget removes a part: all of it is about to be there.
func (v *Vault) forget(k Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, o := range v.order {
		if o == k {
			v.drop(i)
			break
		}
	}
	if info, err := os.Stat(v.path(k) + partSuffix); err == nil && os.Remove(v.path(k)+partSuffix) == nil {
		v.used -= info.Size()
	}
}

// copySegments writes what is read, segment by segment.
func copySegments(ctx context.Context, w io.Writer, r io.Reader, b *large.Builder) error {
	buf := make([]byte, b.Layout().Segment())
	for b.Next() > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		segment := buf[:b.Next()]
		if _, err := io.ReadFull(r, segment); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return ErrShort
			}
			return fmt.Errorf("reading the content: %w", err)
		}
		if _, err := w.Write(segment); err != nil {
			return diskError(err)
		}
		b.Add(segment)
	}
	if n, _ := r.Read(buf[:1]); n > 0 {
		return ErrShort
	}
	return nil
}

// Reader reads a content from its beginning, checking each segment.
type Reader struct {
	v    *Vault
	k    Key
	m    large.Manifest
	next int // piece
	rest []byte
}

// NewReader returns a reader of a content that is here in full, or ErrMissing.
func (v *Vault) NewReader(k Key, m large.Manifest) (*Reader, error) {
	if !v.Complete(k) {
		return nil, ErrMissing
	}
	return &Reader{v: v, k: k, m: m, next: m.Index()}, nil
}

// Read implements io.Reader.
func (r *Reader) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.next == r.m.Pieces() {
			return 0, io.EOF
		}
		piece, err := r.v.Read(r.k, r.m, r.next)
		if err != nil {
			return 0, err
		}
		r.rest = piece
		r.next++
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
