package sim

import (
	"fmt"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// perform does what the core wants done, then sets its alarm.
func (h *Host) perform() {
	for h.out.Len() > 0 {
		effects := append(h.lane.spare[:0], h.out.Take()...)
		h.lane.spare = nil // what is told of an effect may publish, and so come here again
		for i, e := range effects {
			h.effect(e)
			effects[i] = nil
		}
		h.lane.spare = effects
	}
	h.setAlarm()
}

// setAlarm has the host woken when its machine wants to be. An alarm that is set for
// earlier stays: that costs less than to take it out of the queue.
func (h *Host) setAlarm() {
	if d := max(h.play.Deadline(), h.lane.now); d < h.wakeAt {
		h.wakeAt = d
		h.schedule(d.Sub(h.lane.now), event{host: h.index, kind: evWake})
	}
}

// sleepOn reports whether a host that is woken now has nothing to do, for what it was
// to do has been put off; then its alarm is set again.
func (h *Host) sleepOn() bool {
	h.wakeAt = protocol.Never
	if h.play.Deadline() <= h.lane.now {
		return false
	}
	h.setAlarm()
	return true
}

// effect does one thing.
func (h *Host) effect(e protocol.Effect) {
	n := h.net
	if n.cfg.Watch != nil {
		n.cfg.Watch(h, e)
	}
	switch e := e.(type) {
	case protocol.Send:
		h.send(e.To, frame{e.Topic, e.Object, e.Msg}, e.Class, e.Expires)
	case protocol.Multicast:
		h.multicast(e)
	case protocol.JoinGroup:
		h.joinGroup(e.Group)
	case protocol.LeaveGroup:
		h.leaveGroup(e.Group)
	case protocol.FetchAndSend:
		for _, id := range e.Items {
			if d := h.disk[e.Topic]; d != nil {
				if it := d.get(id); it != nil {
					h.carry(e.To, frame{e.Topic, e.Object, protocol.Carry{Item: it, Flags: protocol.FlagRepaired}}, e.Expires)
				}
			}
		}
	case protocol.FetchRange:
		h.fetchRange(e)
	case protocol.Verify:
		h.verify(e)
	case protocol.Store:
		if d := h.disk[e.Item.Topic]; h.store && d != nil {
			d.put(e.Item)
		}
		h.schedule(0, event{host: h.index, kind: evInput, input: protocol.Stored{Token: e.Token, OK: h.store}})
	case protocol.Deliver:
		h.deliver(e.Item)
		if !isManifest(e.Item) {
			h.tell(told{h: h, item: e.Item})
		}
	case swarm.Open:
		h.openLarge(e)
	case swarm.StorePiece:
		h.storePiece(e)
	case swarm.FetchPieces:
		h.fetchPieces(e)
	case swarm.Done:
		h.wholeHere(e)
	case core.Dial:
		h.dial(e.Peer)
	case protocol.Close:
		h.close(e.Peer)
	case core.Receipts:
		h.Receipts[e.ID] = append(h.Receipts[e.ID], e.Peers...)
	case protocol.Event:
		h.Notes[e.Name]++
	}
}

// deliver keeps what readers get, and fails on what they must never get.
func (h *Host) deliver(it *protocol.Item) {
	d := h.disk[it.Topic]
	if d.get(it.ID) == nil {
		panic(fmt.Sprintf("sim: seed %d, %v: host %d delivers item %v that is not on its disk", h.net.cfg.Seed, h.lane.now, h.index, it.ID))
	}
	if !d.deliver(it.ID) {
		panic(fmt.Sprintf("sim: seed %d, %v: host %d delivers item %v twice", h.net.cfg.Seed, h.lane.now, h.index, it.ID))
	}
}

// send puts a message on the link to a peer, if there is one.
func (h *Host) send(to protocol.PeerID, f frame, class protocol.Class, expires protocol.Time) {
	n := h.net
	other := n.indexOf(to)
	if other < 0 {
		return
	}
	l := h.links.get(other)
	if l == nil {
		return
	}
	seen, size := h.encode(f)
	h.lane.trace.frame(h.index, other, seen)
	if n.cfg.Codec {
		f.msg = h.recode(seen)
	}
	h.enqueue(other, l, f, size, class, expires)
}

// recode decodes what was encoded: what arrives then shares nothing with what was
// sent.
func (h *Host) recode(encoded []byte) protocol.Message {
	f, err := protocol.ParseFrame(append([]byte(nil), encoded...))
	if err == nil {
		var m protocol.Message
		if m, err = core.DecodeWith(h.net.cfg.Plugin, f); err == nil {
			return m
		}
	}
	panic(fmt.Sprintf("sim: seed %d: host %d sends what does not decode: %v: %x", h.net.cfg.Seed, h.index, err, encoded))
}

// carry sends one stored item as repair.
func (h *Host) carry(to protocol.PeerID, f frame, expires protocol.Time) {
	h.send(to, f, protocol.Repair, expires)
}

// fetchRange streams one author's items.
func (h *Host) fetchRange(e protocol.FetchRange) {
	d := h.disk[e.Topic]
	if d == nil {
		return
	}
	for seq, sent := e.First, 0; seq <= e.Last && sent < e.MaxBytes; seq++ {
		if it := d.at(position{e.Topic, e.Author, seq}); it != nil {
			h.carry(e.To, frame{e.Topic, e.Object, protocol.Carry{Item: it, Flags: protocol.FlagRepaired}}, e.Expires)
			sent += len(it.Bytes)
		}
	}
}
