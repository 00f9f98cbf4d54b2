package core

import "github.com/quilt-p2p/quilt/protocol"

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
	if now >= live.pingAt {
		out.Scope(hostGroup, protocol.ObjectHost)
		out.Send(l.Peer, ping{live.ping(now)}, protocol.Control, now.Add(SuspectAfter))
	}
}

// suspect tells everyone to route around a link, and asks others whether they
// hear the peer (SWIM's indirect probe; they answer from what they have heard
// anyway, so it costs no further ping).
func (h *Host) suspect(now protocol.Time, l *link, out *protocol.Outbox) {
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
	for _, o := range others[:min(len(others), confirmersWanted)] {
		out.Send(o.Peer, ask{l.Peer}, protocol.Control, now.Add(DeadMin))
	}
	l.asked = true
}

// restored: a suspected link speaks again.
func (h *Host) restored(now protocol.Time, p protocol.PeerID) {
	h.toAllLinks(now, p, protocol.LinkRestored{Peer: p})
}

// answerAsk says whether this host hears a peer, if it has a link to it.
func (h *Host) answerAsk(now protocol.Time, from *link, m ask, out *protocol.Outbox) {
	if l := h.links.get(m.target); l != nil && l != from {
		heard := now.Sub(l.live.heard) < SuspectAfter
		out.Send(from.Peer, askReply{target: m.target, heard: heard}, protocol.Control, now.Add(DeadMin))
	}
}

// takeAskReply counts a confirmation, or a voucher that the peer lives. Answers
// that were not asked for are ignored; lies can only bring the end of a link that
// is silent anyway from DeadMax down to DeadMin.
func (h *Host) takeAskReply(from *link, m askReply) {
	l := h.links.get(m.target)
	if l == nil || !l.live.suspected || !l.asked || l == from {
		return
	}
	if m.heard {
		l.live.vouched = true
	} else {
		l.live.confirmed++
	}
}
