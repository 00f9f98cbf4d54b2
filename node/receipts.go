package node

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// receiptsAgain is how often who waits for receipts asks again (our guess).
const receiptsAgain = 2 * time.Second

// awaitReceipts waits until enough peers have stored an item.
func (t *Topic) awaitReceipts(ctx context.Context, p Published, want int) (Published, error) {
	w := t.n.receipts.wait(p.ID)
	defer t.n.receipts.forget(p.ID, w)
	again := time.NewTicker(receiptsAgain)
	defer again.Stop()
	// The core asks for a little longer than until the next tick, so that it does not
	// ask for ever on behalf of somebody who has stopped waiting.
	ask := func() { t.n.tell(core.AwaitReceipts{Topic: t.id, ID: p.ID, Until: t.n.now().Add(3 * receiptsAgain)}) }
	ask()
	for {
		if p.StoredBy = w.count(); p.StoredBy >= want {
			return p, nil
		}
		select {
		case <-w.more:
		case <-again.C:
			ask()
		case <-t.quit:
			return p, ErrLeft
		case <-ctx.Done():
			return p, fmt.Errorf("%w: %d of %d", ErrNotEnoughReceipts, p.StoredBy, want)
		case <-t.n.closing:
			return p, ErrClosed
		}
	}
}

// maxReceipts bounds the items whose receipts are remembered, per generation (our
// guess).
const maxReceipts = 256

// receiptWaits are the publications that wait for others to store them.
type receiptWaits struct {
	mu   sync.Mutex
	byID map[protocol.ItemID][]*receiptWait
	// Who was heard of, also when nobody waits any more: the core tells of each peer
	// once, and somebody may wait for the same item again. Two generations.
	young, old map[protocol.ItemID]peerSet
}

// peerSet holds peers; core bounds how many it counts for one item.
type peerSet map[protocol.PeerID]struct{}

// receiptWait is one of them.
type receiptWait struct {
	mu    sync.Mutex
	peers peerSet
	more  chan struct{}
}

// wait begins to wait for an item's receipts.
func (r *receiptWaits) wait(id protocol.ItemID) *receiptWait {
	w := &receiptWait{peers: make(peerSet), more: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(w.peers, r.known(id))
	if r.byID == nil {
		r.byID = make(map[protocol.ItemID][]*receiptWait)
	}
	r.byID[id] = append(r.byID[id], w)
	return w
}

// forget ends the wait.
func (r *receiptWaits) forget(id protocol.ItemID, w *receiptWait) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rest []*receiptWait
	for _, o := range r.byID[id] {
		if o != w {
			rest = append(rest, o)
		}
	}
	if rest == nil {
		delete(r.byID, id)
	} else {
		r.byID[id] = rest
	}
}

// add takes in receipts from the core.
func (r *receiptWaits) add(e core.Receipts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.known(e.ID)
	for _, p := range e.Peers {
		known[p] = struct{}{}
	}
	for _, w := range r.byID[e.ID] {
		w.add(e.Peers)
	}
}

// known returns the peers heard of for an item, to be added to.
func (r *receiptWaits) known(id protocol.ItemID) peerSet {
	if s, ok := r.young[id]; ok {
		return s
	}
	if r.young == nil || len(r.young) >= maxReceipts {
		r.old, r.young = r.young, make(map[protocol.ItemID]peerSet)
	}
	s, ok := r.old[id]
	if !ok {
		s = make(peerSet)
	}
	r.young[id] = s
	return s
}

func (w *receiptWait) add(peers []protocol.PeerID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range peers {
		w.peers[p] = struct{}{}
	}
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *receiptWait) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.peers)
}
