package node

import (
	"sync"

	"github.com/quilt-p2p/quilt/protocol"
)

// maxOrigins bounds the memory of where items came from, per generation (our
// guess).
const maxOrigins = 2048

// origins remembers of recent items which peer each came from: two generations,
// of which the older is dropped when the newer is full.
type origins struct {
	mu         sync.Mutex
	young, old map[protocol.ItemID]protocol.PeerID
}

func (o *origins) put(id protocol.ItemID, from protocol.PeerID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.young == nil || len(o.young) >= maxOrigins {
		o.old, o.young = o.young, make(map[protocol.ItemID]protocol.PeerID)
	}
	o.young[id] = from
}

// get returns where an item came from, empty for one of this host's own or one
// too long ago.
func (o *origins) get(id protocol.ItemID) protocol.PeerID {
	o.mu.Lock()
	defer o.mu.Unlock()
	if from, ok := o.young[id]; ok {
		return from
	}
	return o.old[id]
}
