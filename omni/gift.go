package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// maxGift is the size up to which an item is sent unasked to who cries for help (our
// guess: a few packets).
const maxGift = 4 << 10

// Who cries for help names the last item that it has. It is sent the latest that came here
// after that, unasked: one way instead of three, which counts where hosts are far from
// everybody. Where nothing has come here either, what comes first by repair is passed on
// in the same manner. What comes along the tree is not: publishers that pause have
// everybody cry to everybody, and the tree is whole.

// give sends a peer in need the latest item of those that came after one; once, for it may
// be on the way: where it was lost it is among those that are announced at the next cry.
func (m *Machine) give(now protocol.Time, p *peer, last Short, out *protocol.Outbox) {
	p.owed, p.cried = true, now
	if last != 0 && m.recent.get(last) == nil {
		return // it knows more, or what it knows is long ago
	}
	list := m.recent.order
	for i := len(list) - 1; i >= 0 && list[i].at >= now.Add(-latest); i-- {
		h := list[i]
		if id := short(h.id); id == last || id == p.gift || h.holders.has(p) || m.gift(now, p, h, out) {
			return
		}
	}
}

// pass passes on what came by repair to peers in need that nothing could be sent to.
func (m *Machine) pass(now protocol.Time, h *held, out *protocol.Outbox) {
	for _, p := range m.peers.order {
		if p.owed && p.guest > now && p.cried.Add(owedFor) > now {
			m.gift(now, p, h, out)
		}
	}
}

// owedFor is for how long after a cry something is passed on (our guess).
const owedFor = time.Second

// gift sends an item unasked, if the peer may lack it, instead of announcing it, and
// reports whether it does. That it was sent does not say that it came.
func (m *Machine) gift(now protocol.Time, p *peer, h *held, out *protocol.Outbox) bool {
	if h.size == 0 || h.size > maxGift || h.holders.has(p) || p.congested || !p.speaks() || !h.serve(p) {
		return false
	}
	p.owed, p.gift, p.gave = false, short(h.id), now
	p.queue = slices.DeleteFunc(p.queue, func(a Announcement) bool { return a.ID == p.gift })
	out.FetchAndSend(p.id, []protocol.ItemID{h.id}, now.Add(answerLife))
	return true
}

// onWay reports whether an item has just been sent to the peer unasked.
func (p *peer) onWay(now protocol.Time, id Short) bool {
	return id == p.gift && now.Sub(p.gave) < cryPause
}
