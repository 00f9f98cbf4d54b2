package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/pieces"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// LargeFrom is the size in bytes from which on a file is better published by
// PublishLarge than by Publish: what is larger comes from several peers at once, and
// holds up nothing behind it.
const LargeFrom = large.DefaultSegment + 1

// MaxLarge bounds what PublishLarge takes, in bytes.
const MaxLarge = large.MaxSize

// Large describes content that is larger than an item.
type Large struct {
	// Root names the content whatever it is called.
	Root large.Hash
	// Name is what the author calls it: not to be trusted. SafeName makes a name of it
	// that a file can have.
	Name string
	Size int64
	// Held is how many bytes of it are on this host's disk, nearly; Complete is set when
	// all are, NoRoom where there is no space for it.
	Held     int64
	Complete bool
	NoRoom   bool
}

// SafeName returns a name for a file in a directory of the reader's choice: without
// separators, not hidden, none that a system reserves.
func (l Large) SafeName() string { return large.SafeName(l.Name) }

// Errors of large content.
var (
	// ErrTooLarge: nobody would take it.
	ErrTooLarge = fmt.Errorf("a file of more than %d GiB, or an empty one, cannot be published", int64(MaxLarge)>>30)
	// ErrNotLarge: the item is not the manifest of anything.
	ErrNotLarge = errors.New("the item is no large file")
	// ErrIncomplete: not all of it is here yet.
	ErrIncomplete = errors.New("not all of the file is here yet")
	// ErrLargeFull: the limit for large files, or the disk, leaves no room.
	ErrLargeFull = pieces.ErrFull
)

// PublishLarge publishes content of a size, as one entry: it is read once, a segment at
// a time, copied to this host's disk, and the entry that names it is signed and stored.
// When it returns all that is safe. Peers then fetch it piece by piece, from this host
// and from each other, over restarts of any of them. Receipts (WithWait) are of those
// that have all of it.
//
// It fails with an error that wraps ErrTooLarge, ErrLargeFull, or, where r has other than
// size bytes, pieces.ErrShort; nothing is published then.
func (t *Topic) PublishLarge(ctx context.Context, r io.Reader, size int64, name string, opts ...PublishOption) (Published, error) {
	switch {
	case size < 1 || size > MaxLarge:
		return Published{}, fmt.Errorf("%w: it has %d bytes", ErrTooLarge, size)
	case t.owner != "" && t.n.ownAuthor(t.owner) == nil:
		return Published{}, ErrNotOwned
	}
	m, err := t.n.vault.Import(ctx, t.id, r, size, name)
	if err != nil {
		return Published{}, fmt.Errorf("not published: %w", err)
	}
	payload := m.AppendTo(nil)
	t.n.tell(swarm.Kept{Topic: t.id, Root: m.Root(), Layout: m.Layout}) // before its item is told of
	return t.Publish(ctx, payload, append(opts, func(p *publication) { p.entry = feed.Large })...)
}

// Large describes the content that an item of this topic names, and how much of it is
// here.
func (t *Topic) Large(id protocol.ItemID) (Large, error) {
	_, m, err := t.manifest(id)
	if err != nil {
		return Large{}, err
	}
	return t.n.describe(pieces.Key{Topic: t.id, Root: m.Root()}, m), nil
}

// OpenLarge reads the content that an item names, from its beginning; each piece is
// checked as it is read. It fails with ErrIncomplete until all is here.
func (t *Topic) OpenLarge(id protocol.ItemID) (io.Reader, Large, error) {
	_, m, err := t.manifest(id)
	if err != nil {
		return nil, Large{}, err
	}
	k := pieces.Key{Topic: t.id, Root: m.Root()}
	r, err := t.n.vault.NewReader(k, m)
	if errors.Is(err, pieces.ErrMissing) {
		err = ErrIncomplete
	}
	if err != nil {
		return nil, Large{}, err
	}
	return r, t.n.describe(k, m), nil
}

// largeIn describes the content that an item names, nil for none.
func (n *Node) largeIn(it *protocol.Item) *Large {
	m, is := large.Of(it)
	if !is {
		return nil
	}
	l := n.describe(pieces.Key{Topic: it.Topic, Root: m.Root()}, m)
	return &l
}

// manifest returns the manifest that an item of the topic is.
func (t *Topic) manifest(id protocol.ItemID) (*protocol.Item, large.Manifest, error) {
	it, err := t.n.find(id)
	if err != nil {
		return nil, large.Manifest{}, t.n.orClosed(err)
	}
	m, is := large.Of(it)
	if !is || it.Topic != t.id {
		return nil, m, ErrNotLarge
	}
	return it, m, nil
}

// describe says how much of a content is here.
func (n *Node) describe(k pieces.Key, m large.Manifest) Large {
	l := Large{Root: k.Root, Name: m.Name, Size: m.Size()}
	if n.vault.Complete(k) {
		l.Held, l.Complete = l.Size, true
		return l
	}
	l.Held, l.NoRoom = n.large.progress(k)
	l.Held = min(l.Held, l.Size)
	return l
}

// holdsLarge adds to a Join what the disk holds, in full and in part.
func (t *Topic) holdsLarge(in *core.Join) error {
	ids, err := t.n.store.Manifests(t.id)
	if err != nil {
		return err
	}
	for _, id := range ids {
		it, m, err := t.manifest(id)
		if err != nil {
			continue // pruned meanwhile, or damaged: it comes again
		}
		k := pieces.Key{Topic: t.id, Root: m.Root()}
		t.n.large.know(k, id)
		if t.n.vault.Complete(k) {
			in.Kept = append(in.Kept, swarm.Kept{Topic: t.id, Root: k.Root, Layout: m.Layout})
		} else if len(in.Partly) < swarm.MaxWaiting {
			in.Partly = append(in.Partly, it)
		}
	}
	return nil
}
