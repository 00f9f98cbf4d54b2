package sim

import (
	"fmt"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// perform does what the core wants done, then sets its alarm.
func (h *Host) perform() {
	for h.out.Len() > 0 {
		effects := append([]protocol.Effect(nil), h.out.Take()...)
		for _, e := range effects {
			h.effect(e)
		}
	}
	if d := max(h.core.Deadline(), h.net.now); d < h.wakeAt {
		h.wakeAt = d
		h.net.schedule(d.Sub(h.net.now), event{host: h.index, kind: evWake})
	}
}

// effect does one thing.
func (h *Host) effect(e protocol.Effect) {
	n := h.net
	if n.cfg.Watch != nil {
		n.cfg.Watch(h, e)
	}
	switch e := e.(type) {
	case protocol.Send:
		h.send(e.To, frame{e.Topic, e.Object, e.Msg})
	case protocol.FetchAndSend:
		for _, id := range e.Items {
			if d := h.disk[e.Topic]; d != nil && d.byID[id] != nil {
				h.carry(e.To, e.Topic, e.Object, d.byID[id])
			}
		}
	case protocol.FetchRange:
		h.fetchRange(e)
	case protocol.Verify:
		verdict := protocol.Valid
		if d := h.disk[e.Item.Topic]; d != nil && d.byID[e.Item.ID] != nil {
			verdict = protocol.Known
		}
		n.schedule(0, event{host: h.index, kind: evInput, input: protocol.Verified{Token: e.Token, Verdict: verdict}})
	case protocol.Store:
		if d := h.disk[e.Item.Topic]; h.store && d != nil {
			d.put(e.Item)
		}
		n.schedule(0, event{host: h.index, kind: evInput, input: protocol.Stored{Token: e.Token, OK: h.store}})
	case protocol.Deliver:
		h.deliver(e.Item)
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
	if d.byID[it.ID] == nil {
		panic(fmt.Sprintf("sim: seed %d, %v: host %d delivers item %v that is not on its disk", h.net.cfg.Seed, h.net.now, h.index, it.ID))
	}
	for _, old := range d.order[max(0, len(d.order)-64):] {
		if old.ID == it.ID {
			panic(fmt.Sprintf("sim: seed %d, %v: host %d delivers item %v twice", h.net.cfg.Seed, h.net.now, h.index, it.ID))
		}
	}
	d.order = append(d.order, it)
}

// send puts a message on the link to a peer, if there is one.
func (h *Host) send(to protocol.PeerID, f frame) {
	n := h.net
	other := n.byID[to]
	gen, linked := h.links[other.index]
	if !linked {
		return
	}
	n.buf = protocol.AppendFrame(n.buf[:0], f.topic, f.object, f.msg)
	h.Sent.Frames++
	h.Sent.Bytes += uint64(len(n.buf))
	if c, ok := f.msg.(protocol.Carry); ok {
		h.Sent.Copies++
		h.Sent.Payload += uint64(len(c.Item.Bytes))
	}
	if n.cfg.Codec {
		f.msg = h.recode(n.buf)
	}
	if n.cfg.Lose != nil && n.cfg.Lose(f.object) {
		return
	}
	if n.links.Float64() < n.cfg.Loss || !n.reachable(h.index, other.index) {
		return
	}
	n.schedule(n.cfg.Latency, event{host: other.index, kind: evMessage, from: h.index, gen: gen, frame: f})
}

// recode decodes what was encoded: what arrives then shares nothing with what was
// sent.
func (h *Host) recode(encoded []byte) protocol.Message {
	f, err := protocol.ParseFrame(append([]byte(nil), encoded...))
	if err == nil {
		var m protocol.Message
		if m, err = core.Decode(f); err == nil {
			return m
		}
	}
	panic(fmt.Sprintf("sim: seed %d: host %d sends what does not decode: %v: %x", h.net.cfg.Seed, h.index, err, encoded))
}

// carry sends one stored item as repair.
func (h *Host) carry(to protocol.PeerID, topic protocol.TopicID, object protocol.ObjectID, it *protocol.Item) {
	h.send(to, frame{topic, object, protocol.Carry{Item: it, Flags: protocol.FlagRepaired}})
}

// fetchRange streams one author's items.
func (h *Host) fetchRange(e protocol.FetchRange) {
	d := h.disk[e.Topic]
	if d == nil {
		return
	}
	for seq, sent := e.First, 0; seq <= e.Last && sent < e.MaxBytes; seq++ {
		if it := d.bySeq[authorSeq{e.Author, seq}]; it != nil {
			h.carry(e.To, e.Topic, e.Object, it)
			sent += len(it.Bytes)
		}
	}
}

// dial begins a dial: one trip to the target and one back.
func (h *Host) dial(to protocol.PeerID) {
	n := h.net
	other := n.byID[to]
	if other == nil || !other.alive || !n.reachable(h.index, other.index) {
		n.schedule(n.cfg.DialTimeout, event{host: h.index, kind: evInput, input: protocol.DialFailed{Peer: to, Reason: "timeout"}})
		return
	}
	n.schedule(n.cfg.Latency, event{host: other.index, kind: evDialled, from: h.index})
}

// dialled accepts a dial, unless the two are linked already.
func (h *Host) dialled(e *event) {
	n := h.net
	gen, linked := h.links[e.from]
	if !linked {
		n.gen++
		gen = n.gen
		h.linked(e.from, gen, false)
	}
	n.schedule(n.cfg.Latency, event{host: e.from, kind: evLinkUp, from: h.index, gen: gen})
}

// linked makes a link usable at this end.
func (h *Host) linked(other int32, gen uint32, outbound bool) {
	n := h.net
	if old, ok := h.links[other]; ok {
		if old == gen {
			return
		}
		h.core.Handle(n.now, protocol.LinkDown{Peer: n.hosts[other].id, Reason: "replaced"}, &h.out)
	}
	h.links[other] = gen
	h.core.Handle(n.now, protocol.LinkUp{Link: protocol.Link{
		Peer: n.hosts[other].id, Outbound: outbound, RTT: 2 * n.cfg.Latency}}, &h.out)
}

// close ends a link; the other end learns it one trip later.
func (h *Host) close(p protocol.PeerID) {
	n := h.net
	other := n.byID[p]
	gen, linked := h.links[other.index]
	if !linked {
		return
	}
	delete(h.links, other.index)
	if n.reachable(h.index, other.index) {
		n.schedule(n.cfg.Latency, event{host: other.index, kind: evLinkGone, from: h.index, gen: gen})
	}
}
