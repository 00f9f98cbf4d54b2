package antientropy

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxPending bounds the items that are known to the container but not on disk
// yet. At half of it no more are pulled: the disk is slower than the network.
const MaxPending = 4096

// pendingFor is how long an item may take from its arrival to the disk; then it
// may be pulled again (our guess).
const pendingFor = 30 * time.Second

// pending is an item between its arrival and its place on disk.
type pending struct {
	seq      uint64
	from     protocol.PeerID
	repaired bool
	serial   uint64 // tells it from the same item at another time
}

// pendings keeps what must not be pulled again, because it is here already.
type pendings struct {
	byID  map[protocol.ItemID]pending
	order []expiry // by time; entries of what has been taken since are passed over
	added uint64
}

type expiry struct {
	id     protocol.ItemID
	serial uint64
	until  protocol.Time
}

// live reports whether an entry is of an item that is still pending.
func (p *pendings) live(e expiry) bool {
	it, ok := p.byID[e.id]
	return ok && it.serial == e.serial
}

func newPendings() pendings {
	return pendings{byID: make(map[protocol.ItemID]pending)}
}

func (p *pendings) len() int { return len(p.byID) }

func (p *pendings) has(id protocol.ItemID) bool {
	_, ok := p.byID[id]
	return ok
}

// add notes an item and reports whether it did: not if there are too many, or if
// the item is there already; who brought it first then stays.
func (p *pendings) add(now protocol.Time, id protocol.ItemID, it pending) bool {
	if p.has(id) || len(p.byID) >= MaxPending {
		return false
	}
	p.added++
	it.serial = p.added
	p.byID[id] = it
	if len(p.order) >= 2*MaxPending {
		p.compact()
	}
	p.order = append(p.order, expiry{id, it.serial, now.Add(pendingFor)})
	return true
}

// take removes an item.
func (p *pendings) take(id protocol.ItemID) (pending, bool) {
	it, ok := p.byID[id]
	delete(p.byID, id)
	return it, ok
}

// expire removes and returns what has waited too long.
func (p *pendings) expire(now protocol.Time) (expired []pending) {
	i := 0
	for ; i < len(p.order) && p.order[i].until <= now; i++ {
		if e := p.order[i]; p.live(e) {
			expired = append(expired, p.byID[e.id])
			delete(p.byID, e.id)
		}
	}
	p.order = p.order[i:]
	return expired
}

// next is when the next item will have waited too long.
func (p *pendings) next() protocol.Time {
	for i, e := range p.order {
		if p.live(e) {
			p.order = p.order[i:]
			return e.until
		}
	}
	p.order = p.order[:0]
	return protocol.Never
}

// compact removes the entries of what has been taken.
func (p *pendings) compact() {
	live := make([]expiry, 0, MaxPending)
	for _, e := range p.order {
		if p.live(e) {
			live = append(live, e)
		}
	}
	p.order = live
}
