package omni

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// pushLife is for how long a pushed item may wait in a queue, answerLife the answer
	// to a Pull (our guesses). What is dropped is announced.
	pushLife   = 5 * time.Second
	answerLife = 5 * time.Second
)

// carried hands an item up and notes down how it came.
func (m *Machine) carried(now protocol.Time, from protocol.PeerID, c protocol.Carry, out *protocol.Outbox) {
	p := m.peers.find(from)
	repaired := c.Flags&protocol.FlagRepaired != 0
	id := short(c.Item.ID)
	if p != nil {
		p.spoke = now
	}
	if p != nil && p == m.parent && !repaired {
		m.misses.came(now, c.Item.Author)
	}
	if h := m.recent.get(id); h != nil {
		if p != nil {
			h.holders.add(p)
		}
	} else if w := m.wants.add(id, now); w != nil && !w.handed {
		w.handed, w.by, w.came, w.repaired, w.author = true, p, now, repaired, c.Item.Author
		m.wants.schedule(w, now.Add(judged))
		m.silence.heard(now)
	}
	if p != nil && !repaired && p != m.parent && !p.child && m.joining.to != p && m.running && now.Sub(p.told) > 2*time.Second {
		// It takes this one for its parent or child.
		p.told = now
		out.Send(p.id, Leave{Stranger}, protocol.Control, now.Add(time.Second))
	}
	hops := c.Hops
	if hops < math.MaxUint8 {
		hops++
	}
	out.Add(protocol.Arrive{Item: c.Item, From: from, Hops: hops, Repaired: repaired})
}

// judged is for how long a verdict of the container is waited for.
const judged = 10 * time.Second

// accepted takes an item into memory and passes it on along the tree.
func (m *Machine) accepted(now protocol.Time, in protocol.Accepted, out *protocol.Outbox) {
	id := short(in.Item.ID)
	h := m.recent.get(id)
	if h != nil {
		return
	}
	h = &held{id: in.Item.ID, size: int32(len(in.Item.Bytes)), at: now}
	m.recent.add(h)
	w := m.wants.get(id)
	mine, announced := in.From == "", false
	if w != nil {
		m.wants.remove(w)
		h.holders.union(&w.holders)
		mine = mine || w.handed
		announced = len(w.from) > 0
		m.learn(now, w, out)
	}
	if p := m.peers.find(in.From); p != nil {
		h.holders.add(p)
		h.pushed = !in.Repaired && !announced && (p == m.parent || p.child)
	}
	if in.From == "" {
		m.publishedOwn(now)
	}
	switch {
	case mine || !in.Repaired:
		m.flow.add(now, int(h.size))
		m.push(now, in, h, out)
	case announced:
		m.announceAll(now, h, true)
	}
	if in.Repaired {
		m.pass(now, h, out)
	}
	m.flush(now, out)
}

// learn learns from how the first copy of an item came.
func (m *Machine) learn(now protocol.Time, w *want, out *protocol.Outbox) {
	if !w.handed {
		return
	}
	if len(w.from) > 0 && !w.repaired && w.by != nil && (w.by == m.parent || w.by.child) {
		m.late.add(w.came.Sub(w.first))
	}
	if w.repaired && w.asks > 0 && m.parent != nil && w.by != m.parent && !w.below && !w.excused {
		if m.misses.missed(now, w.author) {
			m.leaveParent(now, out)
		}
	}
}

// push sends an item whole along the tree, to those first who have most hosts behind
// them, and announces it to watchers. A congested neighbour is told later: it does not
// keep others from anything.
func (m *Machine) push(now protocol.Time, in protocol.Accepted, h *held, out *protocol.Outbox) {
	carry := protocol.Carry{Item: in.Item, Hops: in.Hops}
	send := func(p *peer) {
		switch {
		case h.holders.has(p):
		case p.congested:
			m.announce(now, p, h.announcement())
		default:
			h.holders.add(p)
			out.Send(p.id, carry, protocol.Fresh, now.Add(pushLife))
		}
	}
	if m.parent != nil {
		send(m.parent)
	}
	for _, c := range m.children {
		send(c)
	}
	m.announceAll(now, h, false)
	if in.From == "" {
		m.announceOwn(now, h)
	}
}

// duplicate takes note that an item was known: the sender has it.
func (m *Machine) duplicate(now protocol.Time, in protocol.Duplicate) {
	id := short(in.ID)
	w := m.wants.get(id)
	if w == nil || !w.handed || m.recent.get(id) != nil {
		return
	}
	if p := m.peers.find(in.From); p == w.by {
		// What is new here is known to the container.
		m.wants.remove(w)
		m.recent.add(&held{id: in.ID, at: now, holders: w.holders})
	}
}

// rejected takes back an item that the container did not accept. Another's copy may be
// good.
func (m *Machine) rejected(now protocol.Time, in protocol.Rejected) {
	w := m.wants.get(short(in.ID))
	if w == nil || !w.handed {
		return
	}
	w.handed, w.by = false, nil
	due := now
	if in.Retry {
		due = now.Add(time.Second)
	}
	m.wants.schedule(w, due)
}

// leaveParent leaves a parent that does not pass on what others have, and remembers it.
func (m *Machine) leaveParent(now protocol.Time, out *protocol.Outbox) {
	p := m.parent
	out.Note("omni.withholds", p.id, protocol.ItemID{}, 0)
	out.Send(p.id, Leave{Withholds}, protocol.Control, now.Add(time.Second))
	m.grudges.add(now, p.id)
	m.orphaned(now, "withholds", out)
	m.refusals.add(p.id, now.Add(m.grudges.ban(p.id)))
}
