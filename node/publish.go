package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of publishing (our guesses).
const (
	// maxPublishQueue bounds publications that wait; Publish then waits.
	maxPublishQueue = 256
	// maxPublishBatch bounds those that share one fsync, and maxPublishBytes is how
	// large they are when no more are added.
	maxPublishBatch = 128
	maxPublishBytes = 4 << 20
	// MaxOnce bounds a key of WithOnce in bytes.
	MaxOnce = store.MaxMark
)

// Published is where an item went.
type Published struct {
	ID  protocol.ItemID
	Seq uint64
	// StoredBy is how many other peers said that they have stored it, counted only
	// with WithWait.
	StoredBy int
	// Duplicate is set where WithOnce's key was used before: this is the item that
	// was published then.
	Duplicate bool
}

// PublishOption is a setting of one Publish.
type PublishOption func(*publication)

// WithContentType says what the payload is (a media type; feeds only). Default:
// none.
func WithContentType(ct string) PublishOption {
	return func(p *publication) { p.contentType = ct }
}

// WithOnce publishes at most one item under a key in this topic, ever: a second
// publication under it returns the first, over restarts too.
func WithOnce(key string) PublishOption { return func(p *publication) { p.once = key } }

// WithWait lets Publish return only when n other peers say that they have stored
// the item, or the context ends; the item is then published all the same, and
// StoredBy says how many there were.
func WithWait(n int) PublishOption { return func(p *publication) { p.wait = n } }

// ErrNotEnoughReceipts: fewer peers than WithWait asked for have said in time
// that they stored the item. It is published and safe on this host's disk.
var ErrNotEnoughReceipts = errors.New("published, but fewer peers than asked for have stored it so far")

// ErrNotOwned: only a feed's owner can publish in it.
var ErrNotOwned = errors.New("this feed belongs to somebody else: only its author can publish in it")

// publication is one Publish under way.
type publication struct {
	payload     []byte
	contentType string
	once        string
	entry       feed.Type // of a feed's entry
	wait        int
	item        *protocol.Item
	done        chan publishResult
}

type publishResult struct {
	Published
	err error
}

// Publish signs data, stores it, sends it, and returns when it is safe on this
// host's disk: from then on it is not lost. In an owned feed it becomes the next
// entry of the chain. It fails where the disk is full (store.ErrFull), the data
// too large, or the feed somebody else's; but for ErrNotEnoughReceipts nothing is
// published then. ctx bounds the wait for one's turn and for receipts, not the
// writing.
func (t *Topic) Publish(ctx context.Context, data []byte, opts ...PublishOption) (Published, error) {
	p := &publication{payload: data, entry: feed.Post, done: make(chan publishResult, 1)}
	for _, opt := range opts {
		opt(p)
	}
	switch {
	case ctx.Err() != nil:
		return Published{}, ctx.Err()
	case t.owner != "" && t.n.ownAuthor(t.owner) == nil:
		return Published{}, ErrNotOwned
	case len(p.once) > MaxOnce:
		return Published{}, fmt.Errorf("the key of a publication has %d bytes, at most %d are allowed", len(p.once), MaxOnce)
	}
	select {
	case t.publish <- p:
	case <-ctx.Done():
		return Published{}, ctx.Err()
	case <-t.done:
		return Published{}, t.ended()
	}
	r := t.outcome(p)
	if r.err != nil || p.wait <= 0 {
		return r.Published, r.err
	}
	return t.awaitReceipts(ctx, r.Published, p.wait)
}

// outcome waits until a publication that was queued is on disk or refused, even
// where the topic is left or the node closed meanwhile: who is told that nothing was
// published may publish again.
func (t *Topic) outcome(p *publication) publishResult {
	select {
	case r := <-p.done:
		return r
	case <-t.done:
	}
	select {
	case r := <-p.done: // it was the last
		return r
	default:
		return publishResult{err: t.ended()}
	}
}

// ended says why nothing is published any more.
func (t *Topic) ended() error {
	if t.n.closed() {
		return ErrClosed
	}
	return ErrLeft
}

// ErrLeft: the topic was left.
var ErrLeft = errors.New("the topic was left")

// publisher signs and stores what is published, in order. What waits together is
// stored in one transaction: all of it, or nothing, so that the chain never has a
// hole.
func (t *Topic) publisher() {
	defer t.n.wg.Done()
	defer close(t.done)
	for !t.n.closed() {
		select {
		case p := <-t.publish:
			t.publishBatch(t.gather(p))
		case <-t.quit:
			return
		case <-t.n.closing:
			return
		}
	}
}

// gather takes what waits already.
func (t *Topic) gather(first *publication) []*publication {
	batch := []*publication{first}
	for bytes := len(first.payload); len(batch) < maxPublishBatch && bytes < maxPublishBytes; {
		select {
		case p := <-t.publish:
			batch = append(batch, p)
			bytes += len(p.payload)
		default:
			return batch
		}
	}
	return batch
}

// publishBatch signs, stores and sends a batch. In an own feed somebody else can
// have taken the next number since the end of the chain was read: entries that come
// back after a backup was restored. Then it builds on those.
func (t *Topic) publishBatch(batch []*publication) {
	t.catchUp()
	err := store.ErrTaken
	for try := 0; try < maxPublishTries && errors.Is(err, store.ErrTaken); try++ {
		batch, err = t.tryPublish(batch)
	}
	if errors.Is(err, store.ErrFull) {
		t.n.noteFull(err)
	}
	if err != nil {
		fail(batch, fmt.Errorf("not published: %w", t.n.orClosed(err)))
	}
}

// maxPublishTries bounds how often a batch is signed (our guess: entries that come
// back arrive in bursts).
const maxPublishTries = 20

// tryPublish publishes a batch, or returns the part of it that is not yet answered
// and why.
func (t *Topic) tryPublish(batch []*publication) ([]*publication, error) {
	c, err := t.tail()
	if err != nil {
		return batch, err
	}
	var signed []*publication
	var items []store.Publication
	same := make(map[*publication]*publication) // with the key of another one of the batch
	for _, p := range batch {
		if i := slices.IndexFunc(signed, func(q *publication) bool { return p.once != "" && q.once == p.once }); i >= 0 {
			same[p] = signed[i]
			continue
		}
		if p.once != "" && t.answerMarked(p) {
			continue
		}
		if err := t.sign(p, &c); err != nil {
			fail([]*publication{p}, err)
			continue
		}
		signed = append(signed, p)
		items = append(items, store.Publication{Item: p.item, Mark: p.once})
	}
	if len(signed) == 0 {
		return nil, nil
	}
	if err := t.n.store.PutChain(items); err != nil {
		for p := range same {
			signed = append(signed, p)
		}
		return signed, err
	}
	t.n.full.Store(false)
	for _, p := range signed {
		t.n.tell(core.Published{Item: p.item})
		p.done <- publishResult{Published: Published{ID: p.item.ID, Seq: p.item.Seq}}
	}
	for p, first := range same {
		p.done <- publishResult{Published: Published{ID: first.item.ID, Seq: first.item.Seq, Duplicate: true}}
	}
	return nil, nil
}

// fail answers publications with an error.
func fail(batch []*publication, err error) {
	for _, p := range batch {
		p.done <- publishResult{err: err}
	}
}

// answerMarked answers a publication whose key was used before.
func (t *Topic) answerMarked(p *publication) bool {
	id, ok, err := t.n.store.Marked(t.id, p.once)
	if err != nil {
		p.done <- publishResult{err: fmt.Errorf("not published: %w", err)}
		return true
	}
	if !ok {
		return false
	}
	r := publishResult{Published: Published{ID: id, Duplicate: true}}
	if it, err := t.n.store.Get(id); err == nil {
		r.Seq = it.Seq
	}
	p.done <- r
	return true
}
