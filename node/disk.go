package node

import (
	"errors"

	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// storeItem writes a verified item. The core hears of it when it is on disk, or
// cannot be: it then is missing still, and repair brings it again.
func (n *Node) storeItem(e protocol.Store) {
	err := n.store.PutAsync(e.Item, "", func(r store.PutResult) {
		n.tell(protocol.Stored{Token: e.Token, OK: r.Err == nil})
		n.noteStored(e.Item, r)
	})
	if err != nil {
		n.count("store.busy", 1)
		n.replies = append(n.replies, protocol.Stored{Token: e.Token})
	}
}

// noteStored counts and tells what is out of the ordinary about a write.
func (n *Node) noteStored(it *protocol.Item, r store.PutResult) {
	switch {
	case errors.Is(r.Err, store.ErrFull):
		n.noteFull(r.Err)
	case r.Err != nil:
		n.count("store.error", 1)
		n.log.Error("storing an item", "item", it.ID, "error", r.Err)
	case r.Fork && r.Arrival == 0 && r.FirstID != protocol.ItemID{}:
		n.noteFork(it.TopicName, it.Seq, r.FirstID, it.ID)
	case r.New:
		n.full.Store(false)
	}
}

// noteFull counts and tells that there is no room on disk.
func (n *Node) noteFull(err error) {
	n.full.Store(true)
	n.count("store.full", 1)
	n.notices.warnOnce("full", err.Error())
}
