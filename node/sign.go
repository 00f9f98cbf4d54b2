package node

import (
	"errors"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

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
	e := feed.Entry{Type: p.entry, Seq: c.seq + 1, Prev: c.id, Time: t.n.cfg.clock().UnixMilli(),
		ContentType: p.contentType, Payload: p.payload}
	p.item, err = feed.SignEntry(t.n.ownAuthor(t.owner).key, &e)
	if err == nil {
		*c = tail{e.Seq, p.item.ID}
	}
	return err
}

const (
	// catchUpWithin is for how long after a topic was joined its own entries may
	// still be coming back, and catchUpFor how long they are waited for in all: no
	// longer, for a neighbour may claim what there is not (our guesses).
	catchUpWithin = time.Minute
	catchUpFor    = 10 * time.Second
	catchUpPoll   = 50 * time.Millisecond
)

// catchUp waits for entries of an own feed that neighbours have and this home has
// not: they were published before a backup of it was restored, and to publish others
// under their numbers would fork the feed. It cannot help who publishes before the
// first neighbour has told what it holds.
func (t *Topic) catchUp() {
	if t.owner == "" {
		return
	}
	for t.n.now().Sub(t.joined) < catchUpWithin && t.waited < catchUpFor && t.lacking() > 0 {
		t.n.pause(catchUpPoll)
		t.waited += catchUpPoll
	}
}

// lacking is how many entries neighbours say they have, or have sent, that are not
// on disk here.
func (t *Topic) lacking() (most uint64) {
	t.n.look(func(now protocol.Time, h *core.Host) {
		for _, info := range h.Explain(now).Topics {
			if info.ID == t.id {
				most = max(most, uint64(info.Pending))
			}
			s, ok := info.Objects[protocol.ObjectRepair].(antientropy.OwnedState)
			for _, n := range s.Neighbours {
				if ok && info.ID == t.id {
					most = max(most, n.Lacking)
				}
			}
		}
	})
	return most
}
