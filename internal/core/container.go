package core

import (
	"bytes"
	"slices"

	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// pending is an item between arrival and disk.
type pending struct {
	t        *topic
	item     *protocol.Item
	from     protocol.PeerID
	payer    payer // whose room it takes up
	via      protocol.ObjectID
	hops     uint8
	repaired bool
	writing  bool // verified; being stored
}

// arrive takes an item that an object received, unjudged: it is a duplicate, it
// has no place, or it is checked.
func (h *Host) arrive(now protocol.Time, t *topic, via protocol.ObjectID, a protocol.Arrive, out *protocol.Outbox) {
	if t == nil {
		return // left meanwhile
	}
	id := a.Item.ID
	t.stats.Received++
	if a.Item.Topic != t.id {
		h.reject(now, t, &pending{t: t, item: a.Item, from: a.From, payer: payerOf(a), via: via}, out)
		return
	}
	copies := t.copies[id]
	same := func(p *pending) bool { return bytes.Equal(p.item.Bytes, a.Item.Bytes) }
	if t.seen.has(id) || slices.ContainsFunc(copies, same) {
		h.duplicate(now, t, via, id, a.From)
		return
	}
	if !h.hasRoom(t, a, copies) {
		h.toObject(now, t, via, protocol.Rejected{ID: id, From: a.From, Retry: true})
		out.Add(protocol.Event{Name: "core.no-room", Topic: t.id, Peer: a.From, Item: id})
		return
	}
	h.loads.add(payerOf(a), a.Item)
	t.checks++
	p := &pending{t: t, item: a.Item, from: a.From, payer: payerOf(a), via: via, hops: a.Hops, repaired: a.Repaired}
	t.copies[id] = append(copies, p)
	out.Add(protocol.Verify{Token: h.hold(p), Item: a.Item})
}

// hasRoom reports whether one more item can be checked. A peer, or a source of
// multicast, may have one copy of an item there at a time, and those of multicast
// together all but one of the places: bad copies must not take the places of good ones.
func (h *Host) hasRoom(t *topic, a protocol.Arrive, copies []*pending) bool {
	by := payerOf(a)
	if !by.heard() && h.links.get(a.From) == nil {
		return false
	}
	heard := 0
	for _, p := range copies {
		if p.payer == by {
			return false
		}
		if p.payer.heard() {
			heard++
		}
	}
	return h.loads.fits(by, a.Item) && t.checks+t.writing < MaxPending && len(copies) < MaxCopies &&
		(!by.heard() || heard < MaxCopies-1)
}

// hold gives a pending item a token.
func (h *Host) hold(p *pending) uint64 {
	h.tokens++
	h.pending[h.tokens] = p
	return h.tokens
}

// verified takes the outcome of a check.
func (h *Host) verified(now protocol.Time, in protocol.Verified, out *protocol.Outbox) {
	p := h.pending[in.Token]
	if p == nil || p.writing {
		return
	}
	delete(h.pending, in.Token)
	p.t.uncheck(p)
	t := p.t
	if in.Verdict == protocol.Valid && !t.left && !t.seen.has(p.item.ID) {
		h.accept(now, p) // and it keeps its room until it is on disk
		return
	}
	h.loads.remove(p.payer, p.item)
	switch {
	case t.left:
	case in.Verdict == protocol.Known:
		// Repair may not know: the store held it before, or under a topic left and
		// joined again since.
		t.seen.add(p.item.ID)
		h.toObject(now, t, protocol.ObjectRepair, antientropy.Held{Item: p.item})
		h.duplicate(now, t, p.via, p.item.ID, p.from)
	case in.Verdict == protocol.Undecided:
		h.toObject(now, t, p.via, protocol.Rejected{ID: p.item.ID, From: p.from, Retry: true})
	case in.Verdict == protocol.Valid:
		h.duplicate(now, t, p.via, p.item.ID, p.from) // another copy was first
	default:
		h.reject(now, t, p, out)
	}
}

// uncheck takes an item out of what is being checked.
func (t *topic) uncheck(p *pending) {
	t.checks--
	rest := slices.DeleteFunc(t.copies[p.item.ID], func(q *pending) bool { return q == p })
	if len(rest) == 0 {
		delete(t.copies, p.item.ID)
	} else {
		t.copies[p.item.ID] = rest
	}
}

// reject refuses an item and charges the link it came by. Of what was heard on a
// multicast group nobody knows who sent it: the object that heard it is told, and the
// peer that it claims to come from, who may never have seen it, is not charged.
func (h *Host) reject(now protocol.Time, t *topic, p *pending, out *protocol.Outbox) {
	t.stats.Invalid++
	h.toObject(now, t, p.via, protocol.Rejected{ID: p.item.ID, From: p.from})
	if p.payer.heard() {
		out.Add(protocol.Event{Name: "core.invalid-heard", Topic: t.id, Item: p.item.ID, Value: int64(p.payer.source.NIC)})
		return
	}
	out.Add(protocol.Event{Name: "core.invalid", Topic: t.id, Peer: p.from, Item: p.item.ID})
	h.charge(now, p.from, out)
}

// duplicate tells an object that what it handed up was known.
func (h *Host) duplicate(now protocol.Time, t *topic, via protocol.ObjectID, id protocol.ItemID, from protocol.PeerID) {
	t.stats.Duplicates++
	h.toObject(now, t, via, protocol.Duplicate{ID: id, From: from})
}

// accept stores a verified item and hands it to every object. Forwarding does not
// wait for the disk: the item is its author's, and what a crash loses here comes
// again by repair.
func (h *Host) accept(now protocol.Time, p *pending) {
	t := p.t
	t.seen.add(p.item.ID)
	t.stats.Accepted++
	if p.repaired {
		t.stats.Repaired++
	}
	p.writing = true
	t.writing++
	token := h.hold(p)
	h.collect(t.id, p.via, func(o *protocol.Outbox) { o.Add(protocol.Store{Token: token, Item: p.item, From: p.from}) })
	h.meetLarge(now, t, p.item)
	h.toObjects(now, t, protocol.Accepted{Item: p.item, From: p.from, Via: p.via, Hops: p.hops, Repaired: p.repaired})
}

// stored takes the outcome of a write.
func (h *Host) stored(now protocol.Time, in protocol.Stored) {
	p := h.pending[in.Token]
	if p == nil || !p.writing {
		return
	}
	delete(h.pending, in.Token)
	h.loads.remove(p.payer, p.item)
	p.t.writing--
	if p.t.left {
		h.storedLate(now, p, in.OK)
		return
	}
	t := p.t
	if !in.OK {
		t.seen.remove(p.item.ID)
		h.toObject(now, t, protocol.ObjectRepair, antientropy.Lost{ID: p.item.ID, Author: p.item.Author, Seq: p.item.Seq})
		return
	}
	h.held(now, p)
}

// storedLate takes the outcome of a write for a topic left since. If it has been
// joined again, what the store holds now was not yet there when it was.
func (h *Host) storedLate(now protocol.Time, p *pending, ok bool) {
	if t := h.topics.get(p.t.id); t != nil && ok {
		p.t = t
		t.seen.add(p.item.ID)
		h.held(now, p)
	}
}

// published takes this host's own item, which is on disk already.
func (h *Host) published(now protocol.Time, it *protocol.Item) {
	t := h.topics.get(it.Topic)
	if t == nil || t.seen.has(it.ID) {
		return
	}
	t.seen.add(it.ID)
	h.meetLarge(now, t, it)
	h.toObjects(now, t, protocol.Accepted{Item: it})
	h.held(now, &pending{t: t, item: it})
}

// held makes a stored item known to repair, to receipts and to local readers.
func (h *Host) held(now protocol.Time, p *pending) {
	t := p.t
	h.toObject(now, t, protocol.ObjectRepair, antientropy.Held{Item: p.item})
	if _, is := large.Of(p.item); !is { // of a manifest wholeHere counts the receipt
		h.withReceipts(t, func(o *protocol.Outbox) { t.receipts.stored(now, p.item.ID, o) })
	}
	h.collect(t.id, protocol.ObjectHost, func(o *protocol.Outbox) {
		o.Add(protocol.Deliver{Item: p.item, From: p.from, Repaired: p.repaired})
	})
}

// pruned tells repair that retention has removed an owned feed's oldest entries.
func (h *Host) pruned(now protocol.Time, in Pruned) {
	if t := h.topics.get(in.Topic); t != nil {
		h.toObject(now, t, protocol.ObjectRepair, antientropy.Dropped{Low: in.Low})
	}
}
