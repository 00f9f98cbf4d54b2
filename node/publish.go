package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of publishing (our guesses).
const (
	// maxPublishQueue bounds publications that wait; Publish then waits.
	maxPublishQueue = 256
	// maxPublishBatch bounds those that share one fsync.
	maxPublishBatch = 128
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
// too large, or the feed somebody else's.
func (t *Topic) Publish(ctx context.Context, data []byte, opts ...PublishOption) (Published, error) {
	p := &publication{payload: data, done: make(chan publishResult, 1)}
	for _, opt := range opts {
		opt(p)
	}
	if t.owner != "" && t.n.ownAuthor(t.owner) == nil {
		return Published{}, ErrNotOwned
	}
	select {
	case t.publish <- p:
	case <-ctx.Done():
		return Published{}, ctx.Err()
	case <-t.quit:
		return Published{}, ErrLeft
	case <-t.n.closing:
		return Published{}, ErrClosed
	}
	select {
	case r := <-p.done: // not ctx: the item may be on its way to the disk
		if r.err != nil || p.wait <= 0 {
			return r.Published, r.err
		}
		return t.awaitReceipts(ctx, r.Published, p.wait)
	case <-t.n.closing:
		return Published{}, ErrClosed
	}
}

// ErrLeft: the topic was left.
var ErrLeft = errors.New("the topic was left")

// awaitReceipts waits until enough peers have stored an item.
func (t *Topic) awaitReceipts(ctx context.Context, p Published, want int) (Published, error) {
	w := t.n.receipts.wait(p.ID)
	defer t.n.receipts.forget(p.ID, w)
	until := protocol.Never
	if d, ok := ctx.Deadline(); ok {
		until = t.n.now().Add(time.Until(d))
	}
	t.n.tell(core.AwaitReceipts{Topic: t.id, ID: p.ID, Until: until})
	for {
		if p.StoredBy = w.count(); p.StoredBy >= want {
			return p, nil
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return p, fmt.Errorf("%w: %d of %d", ErrNotEnoughReceipts, p.StoredBy, want)
		case <-t.n.closing:
			return p, ErrClosed
		}
	}
}

// publisher signs and stores what is published, in order. What waits together is
// stored in one transaction: all of it, or nothing, so that the chain never has a
// hole.
func (t *Topic) publisher() {
	defer t.n.wg.Done()
	for {
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
	for len(batch) < maxPublishBatch {
		select {
		case p := <-t.publish:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// publishBatch signs, stores and sends a batch.
func (t *Topic) publishBatch(batch []*publication) {
	c, err := t.tail()
	if err != nil {
		fail(batch, fmt.Errorf("not published: %w", err))
		return
	}
	var signed []*publication
	var items []store.Publication
	for _, p := range batch {
		switch {
		case p.once != "" && slices.ContainsFunc(signed, func(q *publication) bool { return q.once == p.once }):
			t.publishAgain(p)
		case p.once != "" && t.answerMarked(p):
		default:
			if err := t.sign(p, &c); err != nil {
				fail([]*publication{p}, err)
				continue
			}
			signed = append(signed, p)
			items = append(items, store.Publication{Item: p.item, Mark: p.once})
		}
	}
	if len(signed) == 0 {
		return
	}
	if err := t.n.store.PutChain(items); err != nil {
		fail(signed, fmt.Errorf("not published: %w", err))
		return
	}
	for _, p := range signed {
		t.n.tell(core.Published{Item: p.item})
		p.done <- publishResult{Published: Published{ID: p.item.ID, Seq: p.item.Seq}}
	}
}

// fail answers publications with an error.
func fail(batch []*publication, err error) {
	for _, p := range batch {
		p.done <- publishResult{err: err}
	}
}

// tail is where a feed's chain ends.
type tail struct {
	seq uint64
	id  protocol.ItemID
}

// tail reads the end of an own feed's chain from the store: what this peer
// published, or what came back from others after a backup was restored.
func (t *Topic) tail() (tail, error) {
	if t.owner == "" {
		return tail{}, nil
	}
	key, ok, err := t.n.store.Last(t.id, t.owner)
	if !ok || err != nil {
		return tail{}, err
	}
	return tail{key.Seq, key.ID}, nil
}

// publishAgain puts a publication whose key is in the same batch back: by its next
// turn the key is taken.
func (t *Topic) publishAgain(p *publication) {
	select {
	case t.publish <- p:
	default:
		p.done <- publishResult{err: errors.New("too many publications wait: try again")}
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

// sign makes a publication's item: the next entry of an owned feed, which becomes
// its tail, or an item of an open topic numbered by the clock.
func (t *Topic) sign(p *publication, c *tail) error {
	var err error
	if t.owner == "" {
		if p.contentType != "" {
			return errors.New("items of open topics have no content type: leave it out, or publish in a feed")
		}
		seq := t.n.author.next(t.n.cfg.clock())
		p.item, err = feed.Sign(t.n.author.key, t.name, seq, p.payload)
		return err
	}
	e := feed.Entry{Type: feed.Post, Seq: c.seq + 1, Prev: c.id, Time: t.n.cfg.clock().UnixMilli(),
		ContentType: p.contentType, Payload: p.payload}
	p.item, err = feed.SignEntry(t.n.ownAuthor(t.owner).key, &e)
	if err == nil {
		*c = tail{e.Seq, p.item.ID}
	}
	return err
}
