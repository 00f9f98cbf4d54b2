package node

import (
	"errors"
	"sync"

	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// storeItem writes a verified item. The core hears of it when it is on disk, or
// cannot be: it then is missing still, and repair brings it again.
func (n *Node) storeItem(e protocol.Store) {
	n.unwritten.put(e.Item)
	n.origins.put(e.Item.ID, e.From) // before a reader can see it
	err := n.store.PutAsync(e.Item, "", func(r store.PutResult) {
		n.unwritten.remove(e.Item.ID)
		n.tell(protocol.Stored{Token: e.Token, OK: r.Err == nil})
		n.noteStored(e.Item, r)
	})
	if err != nil {
		n.unwritten.remove(e.Item.ID)
		n.count("store.busy", 1)
		n.replies = append(n.replies, protocol.Stored{Token: e.Token})
	}
}

// unwritten holds the verified items on their way to the disk: whoever asks for one
// meanwhile need not ask twice. The core bounds how many there are
// (core.MaxPending a topic).
type unwritten struct {
	mu   sync.Mutex
	byID map[protocol.ItemID]*protocol.Item
}

func (u *unwritten) put(it *protocol.Item) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID == nil {
		u.byID = make(map[protocol.ItemID]*protocol.Item)
	}
	u.byID[it.ID] = it
}

func (u *unwritten) remove(id protocol.ItemID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byID, id)
}

func (u *unwritten) get(id protocol.ItemID) *protocol.Item {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.byID[id]
}

// find returns a verified item, on disk or on its way there.
func (n *Node) find(id protocol.ItemID) (*protocol.Item, error) {
	if it := n.unwritten.get(id); it != nil {
		return it, nil
	}
	return n.store.Get(id)
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
