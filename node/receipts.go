package node

import (
	"sync"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// receiptWaits are the publications that wait for others to store them.
type receiptWaits struct {
	mu   sync.Mutex
	byID map[protocol.ItemID][]*receiptWait
}

// receiptWait is one of them.
type receiptWait struct {
	mu    sync.Mutex
	peers map[protocol.PeerID]struct{}
	more  chan struct{}
}

// wait begins to wait for an item's receipts.
func (r *receiptWaits) wait(id protocol.ItemID) *receiptWait {
	w := &receiptWait{peers: make(map[protocol.PeerID]struct{}), more: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
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
	for _, w := range r.byID[e.ID] {
		w.add(e.Peers)
	}
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
