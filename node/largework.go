package node

import (
	"context"
	"errors"
	"sync"

	"github.com/quilt-p2p/quilt/internal/pieces"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// maxRoots bounds the contents of which is remembered which item is their manifest;
// beyond it those known longest are not served until a restart (our guess).
const maxRoots = 1 << 16

// largeWork is what the core wants done with pieces on disk, in order. The core bounds
// how much that is: swarm.MaxInFlight a topic.
type largeWork struct {
	mu     sync.Mutex
	more   sync.Cond
	jobs   []protocol.Effect
	closed bool

	items map[pieces.Key]protocol.ItemID // a manifest of each
	order []pieces.Key                   // of items, the oldest first
	held  map[pieces.Key]int64           // bytes, of what is not complete
	full  map[pieces.Key]bool            // those without room
}

func newLargeWork() *largeWork {
	w := &largeWork{items: make(map[pieces.Key]protocol.ItemID), held: make(map[pieces.Key]int64), full: make(map[pieces.Key]bool)}
	w.more.L = &w.mu
	return w
}

// know remembers a manifest.
func (w *largeWork) know(k pieces.Key, id protocol.ItemID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.items[k]; known {
		return
	}
	if len(w.order) >= maxRoots {
		delete(w.items, w.order[0])
		w.order = w.order[1:]
	}
	w.items[k] = id
	w.order = append(w.order, k)
}

func (w *largeWork) item(k pieces.Key) (protocol.ItemID, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.items[k]
	return id, ok
}

func (w *largeWork) progress(k pieces.Key) (held int64, noRoom bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held[k], w.full[k]
}

// note keeps how much of a content is here.
func (w *largeWork) note(k pieces.Key, more int64, noRoom bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[k] += more
	if w.full[k] = noRoom; !noRoom {
		delete(w.full, k)
	}
}

func (w *largeWork) forget(k pieces.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, k)
	delete(w.full, k)
}

// add queues a job.
func (w *largeWork) add(e protocol.Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, e)
	w.more.Signal()
}

// take waits for jobs; none means that the node closes.
func (w *largeWork) take() []protocol.Effect {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.jobs) == 0 && !w.closed {
		w.more.Wait()
	}
	jobs := w.jobs
	w.jobs = nil
	if w.closed {
		return nil
	}
	return jobs
}

func (w *largeWork) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.more.Broadcast()
}

// workLarge is the goroutine that opens and writes.
func (n *Node) workLarge() {
	defer n.wg.Done()
	for {
		jobs := n.large.take()
		if jobs == nil {
			return
		}
		for _, e := range jobs {
			switch e := e.(type) {
			case swarm.Open:
				n.tell(n.openLarge(e))
			case swarm.StorePiece:
				n.tell(swarm.PieceStored{Topic: e.Topic, Token: e.Token, OK: n.writePiece(e)})
			case swarm.Done:
				n.finishLarge(e)
			}
		}
	}
}

// openLarge finds what there is of a content, or makes room for it.
func (n *Node) openLarge(e swarm.Open) protocol.Input {
	in := swarm.Opened{Topic: e.Topic, Root: e.Root}
	k := pieces.Key{Topic: e.Topic, Root: e.Root}
	m, is := large.Of(e.Item)
	if !is {
		return in
	}
	n.large.know(k, e.Item.ID)
	st, err := n.vault.Open(k, m)
	n.large.forget(k)
	if err != nil {
		n.large.note(k, 0, true)
		n.noteLarge("opening", err)
		return in
	}
	in.OK, in.Have, in.Tree = true, st.Have, st.Tree
	if st.Complete {
		in.Have = large.AllBits(m.Pieces())
	}
	held := int64(0)
	for i := m.Index(); i < m.Pieces(); i++ {
		if in.Have.Has(i) {
			held += int64(m.Len(i))
		}
	}
	n.large.note(k, held, false)
	return in
}

// writePiece writes one; it reports whether it is there now.
func (n *Node) writePiece(e swarm.StorePiece) bool {
	k := pieces.Key{Topic: e.Topic, Root: e.Root}
	if err := n.vault.Write(k, e.Index, e.Bytes); err != nil {
		n.large.note(k, 0, true)
		n.noteLarge("writing", err)
		return false
	}
	n.large.note(k, int64(len(e.Bytes)), false)
	return true
}

// finishLarge makes a content that is here in full known as such, and wakes readers.
func (n *Node) finishLarge(e swarm.Done) {
	k := pieces.Key{Topic: e.Topic, Root: e.Root}
	if err := n.vault.Finish(k); err != nil {
		n.noteLarge("finishing", err)
	}
	n.large.forget(k)
	for _, id := range e.Items {
		n.large.know(k, id)
	}
	n.mu.Lock()
	t := n.topics[e.Topic]
	n.mu.Unlock()
	if t != nil {
		t.wakeAll()
	}
}

// noteLarge counts and tells what went wrong.
func (n *Node) noteLarge(what string, err error) {
	if errors.Is(err, pieces.ErrFull) {
		n.count("large.full", 1)
		n.notices.warnOnce("large-full", err.Error())
		return
	}
	n.count("large.error", 1)
	n.log.Error(what+" a large file", "error", err)
}

// servePieces streams pieces to a peer.
func (n *Node) servePieces(ctx context.Context, e swarm.FetchPieces) {
	k := pieces.Key{Topic: e.Topic, Root: e.Root}
	id, known := n.large.item(k)
	if !known {
		return
	}
	it, err := n.find(id)
	if err != nil {
		return
	}
	m, is := large.Of(it)
	if !is {
		return
	}
	for _, i := range e.Pieces {
		b, err := n.vault.Read(k, m, int(i))
		if err != nil {
			n.noteLarge("reading", err)
			continue // the peer asks elsewhere
		}
		s := protocol.Send{To: e.To, Topic: e.Topic, Object: e.Object, Class: protocol.Repair, Expires: e.Expires,
			Msg: swarm.Piece{Root: e.Root, Index: i, Bytes: b}}
		if n.links.SendWait(ctx, e.To, protocol.Repair, e.Expires, n.encode(s), s) != nil {
			return
		}
	}
}
