package sim

import (
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// lane is the hosts that one processor simulates while others simulate the rest (file
// window.go), and what it needs for that of its own. Where everything happens one after
// another there is one lane, or the lanes take turns event by event.
type lane struct {
	net   *Network
	now   protocol.Time
	event event // that happens now
	buf   []byte
	spare []protocol.Effect // room for what perform works on
	// trace is the network's, and within a window the lane's own.
	trace *trace
	// shared are the records of hosts, by their numbers, as the books of this lane's
	// hosts hold them; nil until one does.
	shared []*gossipmembership.Record
	window window
}

// schedule adds an event after a delay: what a host makes happen to itself or to
// another. Of what happens at one instant, that comes first whose maker has the lower
// number, and of one maker what it made first: an order that does not depend on which
// of two hosts was looked at before the other.
func (h *Host) schedule(delay time.Duration, e event) {
	h.made++
	e.at, e.seq = h.lane.now.Add(delay), uint64(h.index+1)<<madeBits|h.made
	if w := &h.lane.window; w.end != 0 {
		w.schedule(h, &e)
		return
	}
	h.net.queue.push(e.seq, &e)
}

// madeBits is how many bits the number of an event among those of its maker has: room
// for ten thousand events a second for three years, and for eight million hosts.
const madeBits = 40

// share gives a record its place in memory, for the address books of all hosts of the
// lane the same: most hosts hold the same records, and with a hundred thousand they
// would fill it.
func (h *Host) share(rec gossipmembership.Record) *gossipmembership.Record {
	of := h.net.host(rec.Peer)
	if of == nil || !sameRecord(rec, of.self) {
		return &rec // an old one, or a forged one
	}
	l := h.lane
	for int(of.index) >= len(l.shared) {
		l.shared = append(l.shared, nil)
	}
	if at := &l.shared[of.index]; *at == nil || (*at).Seq != rec.Seq {
		*at = &rec
	}
	return l.shared[of.index]
}

// told is what the Config wants to be told of: of an item delivered to h, or of a copy
// that came to it from another.
type told struct {
	from, h *Host
	item    *protocol.Item
	bytes   int // of a piece, where it is one
}

// tell tells it, within a window when that is over.
func (h *Host) tell(t told) {
	if w := &h.lane.window; w.end != 0 {
		w.told = append(w.told, t)
		return
	}
	h.net.hear(t)
}

// hear calls the Config's functions.
func (n *Network) hear(t told) {
	switch {
	case t.bytes > 0:
		n.cfg.Pieced(t.from, t.h, t.bytes)
	case t.from == nil && n.cfg.Delivered != nil:
		n.cfg.Delivered(t.h, t.item)
	case t.from != nil && n.cfg.Copied != nil:
		n.cfg.Copied(t.from, t.h, t.item)
	}
}
