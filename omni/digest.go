package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// gather is for how long announcements wait for others to share a message with where
// one has just been sent (our guess). The first goes at once.
const gather = 10 * time.Millisecond

// gatherLater is the same for a watcher that has asked for it: most of the bytes that
// its announcements would take are saved by it at ten items a second (our reckoning).
const gatherLater = time.Second

// announce queues an announcement.
func (m *Machine) announce(now protocol.Time, p *peer, a Announcement) {
	if len(p.queue) >= MaxIDs {
		p.queue = slices.Delete(p.queue, 0, 1)
	}
	p.queue = append(p.queue, a)
	if p.flushAt == protocol.Never {
		p.flushAt = max(now, p.lastOut.Add(gather))
		if p.watcher && p.later && p.guest <= now {
			p.flushAt = now.Add(gatherLater)
		}
	}
}

// announceAll announces an item to who watches, and where it is not pushed along the
// tree to who is there too.
func (m *Machine) announceAll(now protocol.Time, h *held, tree bool) {
	for _, p := range m.peers.order {
		if (p.watcher || p.guest > now || tree && (p.child || p == m.parent)) && !h.holders.has(p) && p.speaks() {
			m.announce(now, p, h.announcement())
		}
	}
}

// gatherOwn is how long a publisher's announcements to other neighbours wait: who has
// got the item by then does nothing (our guess).
const gatherOwn = 500 * time.Millisecond

// announceOwn announces an item of this peer's own to neighbours that are neither in the
// tree nor watch: those in the tree may all keep it back.
func (m *Machine) announceOwn(now protocol.Time, h *held) {
	for _, p := range m.peers.order {
		if p.member && p.speaks() && !p.watcher && !h.holders.has(p) {
			idle := p.flushAt == protocol.Never
			m.announce(now, p, h.announcement())
			if idle {
				p.flushAt = now.Add(gatherOwn)
			}
		}
	}
}

// flush sends what is queued and due.
func (m *Machine) flush(now protocol.Time, out *protocol.Outbox) {
	for _, p := range m.peers.order {
		if p.flushAt > now || p.congested {
			continue
		}
		p.flushAt = protocol.Never
		if len(p.queue) > 0 {
			p.lastOut = now
			out.Send(p.id, Digest{Items: p.queue}, protocol.Control, now.Add(recognised))
			p.queue = nil
		}
	}
}

// catchUp announces what came lately to one who has just come.
func (m *Machine) catchUp(now protocol.Time, p *peer, out *protocol.Outbox) {
	list := m.recent.since(now.Add(-latest), p)
	list = slices.DeleteFunc(list, func(a Announcement) bool { return p.onWay(now, a.ID) })
	if len(list) > 0 {
		out.Send(p.id, Digest{Items: list}, protocol.Control, now.Add(recognised))
	}
}

// takeDigest takes note of what a peer has, and when to ask for what does not come.
func (m *Machine) takeDigest(now protocol.Time, p *peer, msg Digest, out *protocol.Outbox) {
	if msg.Late {
		m.excuse(now, p, msg)
		return
	}
	m.hurt = now < m.silence.hurt
	for _, a := range msg.Items {
		if h := m.recent.get(a.ID); h != nil {
			h.holders.add(p)
			m.behind(now, p, h)
			continue
		}
		w := m.wants.add(a.ID, now)
		if w == nil {
			out.Note("omni.overflow", p.id, protocol.ItemID{}, MaxWants)
			return
		}
		w.holders.add(p)
		w.below = w.below || p.child
		if len(w.from) < MaxAnnouncers && !slices.Contains(w.from, p) {
			w.from = append(w.from, p)
		}
		if w.handed {
			continue
		}
		if len(w.from) == 1 {
			w.first, w.size = now, a.Size
			m.silence.heard(now)
		}
		if due := now.Add(m.wait(p, a.Size)); w.asks == 0 && due < w.due {
			m.wants.schedule(w, due)
		}
	}
	m.ask(now, out)
}

// behind learns from an announcement of what the tree has brought already by how much it
// does that sooner. What a standby tells when it becomes one says nothing about that.
func (m *Machine) behind(now protocol.Time, p *peer, h *held) {
	if h.pushed && p.source && p.prompt && now.Sub(p.promptAt) > latest {
		h.pushed = false
		m.late.add(h.at.Sub(now))
	}
}

// excuse takes note that the parent has not got some items either, and has asked for
// them: they are waited for longer, and it is not to blame.
func (m *Machine) excuse(now protocol.Time, p *peer, msg Digest) {
	if p != m.parent {
		return
	}
	for _, a := range msg.Items {
		if m.recent.get(a.ID) != nil {
			continue
		}
		if w := m.wants.add(a.ID, now); w != nil && !w.handed {
			w.excused = true
			if w.asks == 0 && len(w.from) > 0 {
				m.wants.schedule(w, max(w.due, now.Add(p.roundTrip()+2*answerSlack)))
			}
		}
	}
}

// ask asks for what is due: of those who announced it and were not asked yet the
// nearest.
func (m *Machine) ask(now protocol.Time, out *protocol.Outbox) {
	if m.wants.due() > now {
		return
	}
	var late []Announcement
	for m.wants.due() <= now {
		w := m.wants.heap[0]
		p := w.choose()
		if p == nil && !w.handed && len(w.from) > 0 && w.asks < 2*MaxAnnouncers {
			p = m.another(w) // who announces need not send
		}
		if w.handed || p == nil {
			if !w.handed && w.asks < 2*MaxAnnouncers && now.Sub(w.first) < latest*4 && len(w.from) > 0 {
				w.asks++
				w.asked = peerSet{} // once more round
				m.wants.schedule(w, now.Add(orphanRetry))
				continue
			}
			m.wants.remove(w) // repair finds it
			continue
		}
		if w.asks == 0 && len(late) < MaxIDs {
			late = append(late, Announcement{w.id, w.size})
		}
		w.asks++
		w.asked.add(p)
		p.toPull = append(p.toPull, w.id)
		m.wants.schedule(w, now.Add(2*p.roundTrip()+answerSlack+onWire(w.size)))
	}
	for _, p := range m.peers.order {
		for ids := range slices.Chunk(p.toPull, MaxIDs) {
			out.Send(p.id, Pull{slices.Clone(ids)}, protocol.Control, now.Add(time.Second))
			out.Note("omni.pull", p.id, protocol.ItemID{}, int64(len(ids)))
		}
		p.toPull = p.toPull[:0]
	}
	if len(late) > 0 {
		for _, c := range m.children {
			out.Send(c.id, Digest{Late: true, Items: late}, protocol.Control, now.Add(time.Second))
		}
	}
}

// choose returns whom to ask, nil for nobody.
func (w *want) choose() *peer {
	var best *peer
	for _, p := range w.from {
		if !w.asked.has(p) && p.speaks() && (best == nil || p.roundTrip() < best.roundTrip()) {
			best = p
		}
	}
	return best
}

// another returns a neighbour to ask that has announced nothing, but may have it by now:
// the nearest that was not asked; nil for none.
func (m *Machine) another(w *want) *peer {
	var best *peer
	for _, p := range m.peers.order {
		if !w.asked.has(p) && p.speaks() && !p.child && (best == nil || p.roundTrip() < best.roundTrip()) {
			best = p
		}
	}
	return best
}

// takePull serves what is asked for from the store.
func (m *Machine) takePull(now protocol.Time, p *peer, msg Pull, out *protocol.Outbox) {
	var ids []protocol.ItemID
	for _, id := range msg.Items {
		if h := m.recent.get(id); h != nil && h.serve(p) {
			h.holders.add(p)
			ids = append(ids, h.id)
		}
	}
	if len(ids) > 0 {
		out.FetchAndSend(p.id, ids, now.Add(answerLife))
	}
}
