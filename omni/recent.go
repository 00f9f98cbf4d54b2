package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// recognised is for how long an item is remembered, served and not asked for again
	// (iroh-gossip keeps 30 s).
	recognised = 30 * time.Second
	// late is the age up to which items are announced to who has just come (our guess:
	// longer than any way through the tree).
	latest = 2 * time.Second
)

// held is an item that was accepted here.
type held struct {
	id   protocol.ItemID
	at   protocol.Time
	size int32
	// pushed is set where it came along the tree, and before the prompt standby told of it.
	pushed  bool
	holders peerSet // peers known to have it, or that were sent it
	asked   *served // nil for none
}

// served are the peers that were sent an item on request once, and again: few items have
// any.
type served struct{ once, again peerSet }

func (h *held) announcement() Announcement { return announcement(h.id, int(h.size)) }

// serve reports whether a peer may be sent the item on request, and counts: twice, for
// the first answer may be lost.
func (h *held) serve(p *peer) bool {
	if h.asked == nil {
		h.asked = new(served)
	}
	switch {
	case h.asked.again.has(p):
		return false
	case h.asked.once.has(p):
		h.asked.again.add(p)
	default:
		h.asked.once.add(p)
	}
	return true
}

// recent remembers the items of some time, at most MaxRecent.
type recent struct {
	byID  map[Short]*held // for lookup only
	order []*held         // as they came
}

func newRecent() recent { return recent{byID: make(map[Short]*held)} }

func (r *recent) get(id Short) *held { return r.byID[id] }

func (r *recent) add(h *held) {
	if len(r.order) >= MaxRecent {
		r.drop()
	}
	r.byID[short(h.id)] = h
	r.order = append(r.order, h)
}

// last is the item that was accepted last; 0 for none.
func (r *recent) last() Short {
	if len(r.order) == 0 {
		return 0
	}
	return short(r.order[len(r.order)-1].id)
}

func (r *recent) drop() {
	delete(r.byID, short(r.order[0].id))
	r.order[0] = nil
	r.order = r.order[1:]
}

// expire forgets what came before a time.
func (r *recent) expire(before protocol.Time) {
	for len(r.order) > 0 && r.order[0].at < before {
		r.drop()
	}
}

// forget frees a peer's bit.
func (r *recent) forget(p *peer) {
	for _, h := range r.order {
		h.holders.remove(p)
		if h.asked != nil {
			h.asked.once.remove(p)
			h.asked.again.remove(p)
		}
	}
}

// since returns the items accepted after a time, at most MaxIDs, the latest.
func (r *recent) since(t protocol.Time, not *peer) (list []Announcement) {
	for i := len(r.order) - 1; i >= 0 && r.order[i].at >= t && len(list) < MaxIDs; i-- {
		if h := r.order[i]; !h.holders.has(not) && h.size > 0 {
			list = append(list, h.announcement())
		}
	}
	return list
}
