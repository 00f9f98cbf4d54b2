package core

import (
	"slices"

	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// What is larger than an item is announced by one, its manifest, and fetched by an
// object of its own (package swarm): made when a topic has the first manifest, so that
// it costs nothing where there are none.

// largeOf returns the object of a topic that fetches what is larger than an item, made
// if need be.
func (h *Host) largeOf(now protocol.Time, t *topic) *part {
	if p := t.object(protocol.ObjectLarge); p != nil {
		return p
	}
	cfg := h.cfg.Large
	cfg.Topic = t.id
	i := 0
	for i < len(t.objects) && t.objects[i].id < protocol.ObjectLarge {
		i++
	}
	t.objects = slices.Insert(t.objects, i, newPart(protocol.ObjectLarge, swarm.New(cfg, h.fork())))
	p := &t.objects[i]
	h.tell(now, t.id, p, protocol.Start{})
	if h.budget.UploadRate > 0 {
		h.tell(now, t.id, p, h.budget)
	}
	for _, m := range t.members {
		l := h.links.get(m)
		if l == nil {
			continue
		}
		h.tell(now, t.id, p, protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: m, Weight: 1, RTT: l.RTT, Relayed: l.Relayed}}})
		if l.live.suspected {
			h.tell(now, t.id, p, protocol.LinkSuspected{Peer: m})
		}
	}
	return p
}

// meetLarge makes the object where an item is a manifest, before the item is told of.
func (h *Host) meetLarge(now protocol.Time, t *topic, it *protocol.Item) {
	if _, is := large.Of(it); is {
		h.largeOf(now, t)
	}
}

// holdsLarge tells of what the disk holds when a topic is joined.
func (h *Host) holdsLarge(now protocol.Time, t *topic, in Join) {
	for _, k := range in.Kept {
		h.tell(now, t.id, h.largeOf(now, t), k)
	}
	for _, it := range in.Partly {
		h.tell(now, t.id, h.largeOf(now, t), protocol.Accepted{Item: it})
	}
}

// toLarge brings what the driver says of large content.
func (h *Host) toLarge(now protocol.Time, id protocol.TopicID, in protocol.Input) {
	if t := h.topics.get(id); t != nil {
		h.tell(now, t.id, h.largeOf(now, t), in)
	}
}

// wholeHere: all of a content is on disk. Only now do its manifests count as stored
// for those who ask for receipts.
func (h *Host) wholeHere(now protocol.Time, e swarm.Done, out *protocol.Outbox) {
	if t := h.topics.get(e.Topic); t != nil {
		for _, id := range e.Items {
			h.withReceipts(t, func(o *protocol.Outbox) { t.receipts.stored(now, id, o) })
		}
	}
	out.Add(e)
}
