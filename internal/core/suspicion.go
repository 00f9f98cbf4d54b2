package core

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// judge does what is due on one link: ping it, suspect it, or give it up.
func (h *Host) judge(now protocol.Time, l *link, out *protocol.Outbox) {
	live := &l.live
	if live.suspected && now >= live.deadAt() {
		reason := "dead"
		if live.vouched {
			reason = "link broken, peer alive"
		} else {
			h.book.Failed(l.Peer, now)
		}
		h.closeLink(now, l.Peer, reason, out)
		return
	}
	if !live.suspected && now >= live.suspectAt() {
		live.suspected = true
		h.suspect(now, l, out)
	}
	if now >= live.pingAt() {
		h.ping(now, l, out)
	}
	h.watch(now, l)
}

// ping asks a peer for a sign of life.
func (h *Host) ping(now protocol.Time, l *link, out *protocol.Outbox) {
	out.Scope(hostGroup, protocol.ObjectHost)
	out.Send(l.Peer, ping{l.live.ping(now, h.rng)}, protocol.Control, now.Add(SuspectAfter))
	h.links.moved(l)
}

// suspect tells everyone to route around a link, and asks others whether they
// hear the peer (SWIM's indirect probe).
func (h *Host) suspect(now protocol.Time, l *link, out *protocol.Outbox) {
	h.ifAlone(now)
	h.toAllLinks(now, l.Peer, protocol.LinkSuspected{Peer: l.Peer})
	out.Add(protocol.Event{Name: "core.suspect", Peer: l.Peer})
	var others []*link
	for _, o := range h.links.order {
		if o != l && !o.live.suspected {
			others = append(others, o)
		}
	}
	h.rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	out.Scope(hostGroup, protocol.ObjectHost)
	d := l.doubts()
	d.asked = nil
	for _, o := range others[:min(len(others), confirmersWanted)] {
		d.asked = append(d.asked, o.Peer)
		out.Send(o.Peer, ask{l.Peer}, protocol.Control, now.Add(DeadMin))
	}
	h.answerAskers(now, l, false, out)
}

// restored: a suspected link speaks again.
func (h *Host) restored(now protocol.Time, p protocol.PeerID) {
	h.toAllLinks(now, p, protocol.LinkRestored{Peer: p})
}

const (
	// MaxAskers bounds the peers that wait for word of one link; more get none (our
	// guess).
	MaxAskers = 8
	// askRate and askBurst bound the questions of one link that are looked into, a
	// second and at once: a peer may lose all its links together.
	askRate  = 8
	askBurst = MaxLinks
)

// takeAsk finds out whether this host hears a peer, if it has a link to it: it
// pings, for what was heard a second ago proves nothing, and answers when the peer
// is heard or suspected here too.
func (h *Host) takeAsk(now protocol.Time, from *link, m ask, out *protocol.Outbox) {
	l := h.links.get(m.target)
	if l == nil || l == from {
		return
	}
	d := l.doubts()
	if len(d.askers) >= MaxAskers || slices.Contains(d.askers, from.Peer) || !from.asks.take(now, askRate, askBurst) {
		return
	}
	d.askers = append(d.askers, from.Peer)
	if l.live.suspected {
		h.answerAskers(now, l, false, out)
		return
	}
	h.ping(now, l, out)
}

// answerAskers tells those who asked whether a link lives.
func (h *Host) answerAskers(now protocol.Time, l *link, heard bool, out *protocol.Outbox) {
	if len(l.doubt.askers) > 0 {
		out.Scope(hostGroup, protocol.ObjectHost)
	}
	for _, p := range l.doubt.askers {
		if h.links.get(p) != nil {
			out.Send(p, askReply{target: l.Peer, heard: heard}, protocol.Control, now.Add(DeadMin))
		}
	}
	if l.doubt.askers = nil; !l.live.suspected {
		l.doubt = nil
	}
}

// takeAskReply counts a confirmation, or a voucher that the peer lives: one answer
// by each that was asked. Others are ignored; lies can only bring the end of a link that
// is silent anyway from DeadMax down to DeadMin.
func (h *Host) takeAskReply(from *link, m askReply) {
	l := h.links.get(m.target)
	if l == nil || !l.live.suspected || l.doubt == nil {
		return
	}
	i := slices.Index(l.doubt.asked, from.Peer)
	if i < 0 {
		return
	}
	l.doubt.asked = slices.Delete(l.doubt.asked, i, i+1)
	if m.heard {
		l.live.vouched = true
	} else {
		l.live.confirmed++
	}
	h.links.moved(l)
}
