package core

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Objects of patches have links of their own, beside those of the active views: a tree
// over an ocean does not run along gossip links. An object that asks for a link by
// Dial holds it until its Close, and hears of it what it hears of a neighbour's.

// holder is one object that holds a link.
type holder struct {
	group  protocol.TopicID
	object protocol.ObjectID
}

func compareHolders(a, b holder) int {
	return cmp.Or(compareTopics(a.group, b.group), cmp.Compare(a.object, b.object))
}

// heldLinger is how long a link stays that an object has had and nobody wants any
// more (our guess): an object looks at many peers, and what it says to one last has to
// get there.
const heldLinger = time.Second

// holdLink notes that an object wants a link to a peer, tells it where there is one, and
// dials where there is none.
func (h *Host) holdLink(now protocol.Time, d protocol.Dial, by holder, out *protocol.Outbox) {
	t := h.topics.get(by.group)
	if t == nil || d.Peer == h.cfg.Self {
		return
	}
	list := h.holders[d.Peer]
	if i, ok := slices.BinarySearchFunc(list, by, compareHolders); !ok {
		h.holders[d.Peer] = slices.Insert(list, i, by)
	}
	if l := h.links.get(d.Peer); l != nil {
		h.mark(now, l)
		h.toObject(now, t, by.object, protocol.LinkUp{Link: l.Link})
		if l.live.suspected {
			h.toObject(now, t, by.object, protocol.LinkSuspected{Peer: d.Peer})
		}
		return
	}
	if h.dials.has(d.Peer) {
		return
	}
	if d.Addr != "" && len(h.book.Addrs(d.Peer)) == 0 {
		h.book.Hint(d.Peer, []string{d.Addr})
	}
	h.startDial(now, d.Peer, out)
}

// unholdLink notes that an object has no more use for a link.
func (h *Host) unholdLink(now protocol.Time, p protocol.PeerID, by holder) {
	list := h.holders[p]
	i, ok := slices.BinarySearchFunc(list, by, compareHolders)
	if !ok {
		return
	}
	if list = slices.Delete(list, i, i+1); len(list) > 0 {
		h.holders[p] = list
		return
	}
	delete(h.holders, p)
	if len(h.claims[p]) > 0 {
		return
	}
	if l := h.links.get(p); l != nil {
		l.lingerAt = now.Add(min(heldLinger, h.cfg.Linger))
		h.links.moved(l)
		return
	}
	h.dials.cancel(p)
}

// rely notes that an object depends on a link, or no longer.
func (h *Host) rely(now protocol.Time, e protocol.Rely, by holder) {
	l := h.links.get(e.Peer)
	if l == nil || h.cfg.Plugin == nil || !h.cfg.Plugin.Relies {
		return
	}
	i, ok := slices.BinarySearchFunc(l.reliers, by, compareHolders)
	switch {
	case e.On && !ok:
		l.reliers = slices.Insert(l.reliers, i, by)
	case !e.On && ok:
		l.reliers = slices.Delete(l.reliers, i, i+1)
	}
	h.watch(now, l)
	h.links.moved(l)
}

// closelyFor is for how long a new link is watched closely in any case: round trips are
// learnt from pings, and what follows from them is where everybody's place is. (With a third
// of the pings from the first on, DONet's trees took a tenth longer: our measurement.)
const closelyFor = 30 * time.Second

// watch has a link watched closely, or at leisure.
func (h *Host) watch(now protocol.Time, l *link) {
	relies := h.cfg.Plugin != nil && h.cfg.Plugin.Relies
	l.live.watch(now, !relies || len(l.reliers) > 0 || now.Sub(l.since) < closelyFor)
}

// unholdAll ends what objects of a topic hold, because it is left.
func (h *Host) unholdAll(now protocol.Time, group protocol.TopicID) {
	for _, l := range h.links.order {
		for _, by := range slices.Clone(l.reliers) {
			if by.group == group {
				h.rely(now, protocol.Rely{Peer: l.Peer}, by)
			}
		}
	}
	peers := make([]protocol.PeerID, 0, len(h.holders))
	for p := range h.holders { //tidy:orderless sorted below
		peers = append(peers, p)
	}
	slices.Sort(peers)
	for _, p := range peers {
		for _, by := range slices.Clone(h.holders[p]) {
			if by.group == group {
				h.unholdLink(now, p, by)
			}
		}
	}
}

// holdEnded tells the objects that want a link that there will be none.
func (h *Host) holdEnded(now protocol.Time, p protocol.PeerID, in protocol.DialFailed) {
	list := h.holders[p]
	delete(h.holders, p)
	for _, by := range list {
		if t := h.topics.get(by.group); t != nil {
			h.toObject(now, t, by.object, in)
		}
	}
}
