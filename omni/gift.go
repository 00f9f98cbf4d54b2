package omni

import (
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

// give sends a peer in need the latest item of those that came after one, and announces
// the others.
func (m *Machine) give(now protocol.Time, p *peer, last Short, out *protocol.Outbox) {
	list := m.recent.order
	p.owed, p.cried = true, now
	if last != 0 && m.recent.get(last) == nil {
		return // it knows more
	}
	for i := len(list) - 1; i >= 0 && list[i].at >= now.Add(-latest) && short(list[i].id) != last && !list[i].holders.has(p); i-- {
		if m.gift(now, p, list[i], out) {
			break
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

// gift sends an item unasked, if the peer may lack it, and reports whether it does.
func (m *Machine) gift(now protocol.Time, p *peer, h *held, out *protocol.Outbox) bool {
	if h.size == 0 || h.size > maxGift || h.holders.has(p) || p.congested || !p.speaks() || !h.serve(p) {
		return false
	}
	p.owed = false
	h.holders.add(p)
	out.FetchAndSend(p.id, []protocol.ItemID{h.id}, now.Add(answerLife))
	return true
}
