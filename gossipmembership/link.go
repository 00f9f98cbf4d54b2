package gossipmembership

import "github.com/quilt-p2p/quilt/protocol"

// linkUp notes a link, and puts the question for which it was dialled.
func (v *View) linkUp(now protocol.Time, l protocol.Link, out *protocol.Outbox) {
	v.links.put(l.Peer, link{rtt: l.RTT, dialled: l.Outbound})
	v.setSuspected(l.Peer, false)
	v.alive(now, l.Peer)
	if i := v.askIndex(l.Peer); i >= 0 && v.asks[i].dialing {
		v.put(now, &v.asks[i], out)
	}
}

// linkDown takes a neighbour out, or ends a request. A dial under way goes on.
func (v *View) linkDown(now protocol.Time, peer PeerID, reason string, out *protocol.Outbox) {
	v.links.remove(peer)
	if v.exchange.peer == peer {
		v.exchange = exchange{}
	}
	if i := v.neighborIndex(peer); i >= 0 {
		n := v.remove(now, i, "link: "+reason, out)
		v.remember(now, member{peer: peer, tested: n.outbound})
		v.failed(now, peer)
		v.hurry(now)
		if n.outbound {
			v.rotateUrgently(now)
		}
	}
	if i := v.askIndex(peer); i >= 0 && !v.asks[i].dialing {
		v.askFailed(now, i, "view.ask-link-down", out)
	}
}

// suspect notes that a link is silent. If it is a neighbour's, the view looks for
// another at once (see missing).
func (v *View) suspect(now protocol.Time, peer PeerID) {
	v.setSuspected(peer, true)
	if i := v.neighborIndex(peer); i >= 0 {
		v.pace.reset()
		v.hurry(now)
		if v.active[i].outbound {
			v.rotateUrgently(now)
		}
	}
}

// dialFailed ends the request for which was dialled.
func (v *View) dialFailed(now protocol.Time, peer PeerID, out *protocol.Outbox) {
	if i := v.askIndex(peer); i >= 0 && v.asks[i].dialing {
		v.askFailed(now, i, "view.dial-failed", out)
	}
}

// setSuspected notes whether a link is suspected.
func (v *View) setSuspected(peer PeerID, suspected bool) {
	v.editLink(peer, func(l *link) { l.suspected = suspected })
	if i := v.neighborIndex(peer); i >= 0 {
		v.active[i].silent = suspected
	}
}

// editLink changes what is known of a link, if it is up.
func (v *View) editLink(peer PeerID, edit func(*link)) {
	if i, ok := v.links.place(peer); ok {
		edit(&v.links[i].link)
	}
}

// dialled reports whether there is a link to a peer that this host has dialled.
func (v *View) dialled(peer PeerID) bool {
	l, ok := v.links.get(peer)
	return ok && l.dialled
}

// speaks reports whether the link to a peer is up and not suspected.
func (v *View) speaks(peer PeerID) bool {
	l, ok := v.links.get(peer)
	return ok && !l.suspected
}
