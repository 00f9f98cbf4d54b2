package ipmc

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// retryAfter is when an item for which there was no room is handed up again.
const retryAfter = 50 * time.Millisecond

// hand hands an item up. Until it is judged it takes up room, its source's too.
func (m *Machine) hand(now protocol.Time, s *stream, h *hole, out *protocol.Outbox) {
	if len(m.handed) >= MaxHanded || h.src.handed >= MaxHandedPerSource {
		m.stats.Full++
		h.again = now.Add(retryAfter)
		m.mayAsk(now, s, h.again)
		return
	}
	h.handed, h.again = true, 0
	h.src.handed++
	id := h.item.ID
	m.bringing.drop(id)
	m.handed[id] = append(m.handed[id], place{s, h.seq, h.src})
	out.Add(protocol.Arrive{Item: h.item, From: s.origin, Source: protocol.Source{NIC: h.src.nic, Addr: h.src.addr}})
}

// release forgets where an item belongs, and returns that.
func (m *Machine) release(id protocol.ItemID) []place {
	list := m.handed[id]
	delete(m.handed, id)
	for _, p := range list {
		if p.src != nil {
			p.src.handed--
		}
	}
	return list
}

// accepted takes in what is verified and new: of this host's own it sends, of others'
// it notes that it is there. What came another way than the group is not sent to it,
// but for gossip that stands by (bring.go): who stands for the group decides that
// elsewhere.
func (m *Machine) accepted(now protocol.Time, in protocol.Accepted, out *protocol.Outbox) {
	if in.Via == 0 {
		m.publish(now, in.Item, out)
		return
	}
	if in.Via == protocol.ObjectGossip && !in.Repaired {
		m.bring(now, in.Item, out)
	}
	m.judged(now, in.Item.ID)
}

// judged settles the positions of an item that is known now.
func (m *Machine) judged(now protocol.Time, id protocol.ItemID) {
	for _, p := range m.release(id) {
		h := p.stream.hole(p.seq)
		if h == nil || h.item != nil && h.item.ID != id {
			continue // another one was proved to belong there
		}
		m.settle(now, p.stream, h, id)
	}
}

// duplicate settles the positions of an item that was known already. Whoever hears it
// can send it again in another's name, at a position where something else belongs: so
// what proves nothing must be proved now.
func (m *Machine) duplicate(now protocol.Time, id protocol.ItemID) {
	for _, p := range m.release(id) {
		s, h := p.stream, p.stream.hole(p.seq)
		if h == nil || h.item != nil && h.item.ID != id {
			continue
		}
		if f := h.a; h.item != nil && !h.proved && !m.check(now, h.src, s.origin, signFirst, f.first.appendSigned(nil), f.first.Sig) {
			h.handed = false
			m.refuse(now, s, h)
			continue
		}
		h.proved = h.proved || h.item != nil
		m.settle(now, s, h, id)
	}
}

// settle closes a hole.
func (m *Machine) settle(now protocol.Time, s *stream, h *hole, id protocol.ItemID) {
	sl := s.at(h.seq)
	*sl = slot{id: id, proved: h.proved}
	if h.share > 0 {
		sl.fixed = now // somebody has just repaired it
	}
	if h.item != nil {
		sl.head = h.a.head
		m.keep(s, sl, h.seq, &parcel{stream: s.id, first: h.a.first, item: h.item})
		m.stats.Received++
	}
	m.empty(h)
	s.closed(h.seq)
	m.holes--
	s.meter.position(now, h.share)
}

// rejected takes in that an item was false, or that there was no room for it.
func (m *Machine) rejected(now protocol.Time, in protocol.Rejected, out *protocol.Outbox) {
	for _, p := range m.release(in.ID) {
		h := p.stream.hole(p.seq)
		if h == nil || h.item == nil || h.item.ID != in.ID {
			continue
		}
		h.handed = false
		if in.Retry {
			h.again = now.Add(retryAfter)
			m.mayAsk(now, p.stream, h.again)
			continue
		}
		m.stats.Forged++
		out.Note("ipmc.false-item", p.stream.origin, in.ID, int64(p.seq))
		m.refuse(now, p.stream, h)
	}
}

// lost notes that a position fell out of the window, or was given up.
func (m *Machine) lost(now protocol.Time, s *stream, h *hole, out *protocol.Outbox) {
	m.empty(h)
	m.holes--
	m.stats.GivenUp++
	if h.seq <= s.sure && len(h.banned) == 0 { // or nobody has ever sent it, perhaps
		s.meter.position(now, 1)
	}
	out.Note("ipmc.gave-up", s.origin, protocol.ItemID{}, int64(h.seq))
}

// giveUp leaves a position to the slow path.
func (m *Machine) giveUp(now protocol.Time, s *stream, h *hole, out *protocol.Outbox) {
	s.closed(h.seq)
	*s.at(h.seq) = slot{fixed: now}
	m.lost(now, s, h, out)
}

// heldList is the items kept for repair, in the order in which they came.
type heldList struct {
	list  []heldAt
	bytes int
}

type heldAt struct {
	s   *stream
	seq uint64
	p   *parcel
}

// keep keeps an item for repair; the oldest give way.
func (m *Machine) keep(s *stream, sl *slot, seq uint64, p *parcel) {
	hl := &m.held
	sl.held = p
	hl.list = append(hl.list, heldAt{s, seq, p})
	hl.bytes += len(p.item.Bytes)
	drop := 0
	for len(hl.list)-drop > MaxHeld || hl.bytes > MaxHeldBytes {
		old := hl.list[drop]
		hl.bytes -= len(old.p.item.Bytes)
		if o := old.s.at(old.seq); o != nil && o.held == old.p {
			o.held = nil
		}
		hl.list[drop] = heldAt{}
		drop++
	}
	hl.list = hl.list[drop:]
	if cap(hl.list) > 4*MaxHeld {
		hl.list = slices.Clone(hl.list)
	}
}
