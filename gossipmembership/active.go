package gossipmembership

import "github.com/quilt-p2p/quilt/protocol"

// neighbor is a member of the active view.
type neighbor struct {
	peer PeerID
	// outbound is set where this peer asked, whoever dialled: it was its own
	// choice.
	outbound bool
	// guest is set where it came as a newcomer into a place beyond the bounds.
	guest bool
	// silent is set while its link is suspected: kept here too because every
	// deadline asks for it.
	silent bool
	// degree is how many neighbours it says that it has.
	degree  int
	since   protocol.Time
	heardAt protocol.Time
	// nextShuffle is when its next shuffle is answered.
	nextShuffle protocol.Time
}

// neighbor answers the request to be taken into the active view.
//
// HyParView (DSN 2007, section 4.3) evicts a random neighbour for a newcomer,
// so that five messages of strangers replace a view. Here a stranger gets a free
// place or none.
func (v *View) neighbor(now protocol.Time, from PeerID, m Neighbor, out *protocol.Outbox) {
	if i := v.neighborIndex(from); i >= 0 {
		// It has not heard our yes, or has forgotten it.
		v.active[i].degree = m.Degree
		v.accept(now, from, m, out)
		return
	}
	if i := v.askIndex(from); i >= 0 && !v.asks[i].dialing {
		// The requests have crossed: each is the other's choice, and its place
		// is reserved. The answer to ours will find it done.
		v.makeRoom(now, v.takeAsk(i).why, out)
		v.add(now, neighbor{peer: from, outbound: true, degree: m.Degree}, out)
		v.accept(now, from, m, out)
		return
	}
	all, inbound := v.speaking()
	// The silent count here: they may come back, and places of this peer's own
	// choice must be left.
	open := v.inbound() < v.cfg.MaxInbound+v.cfg.Overflow
	switch {
	case open && inbound < v.cfg.MaxInbound && v.room(all, 0):
		v.add(now, neighbor{peer: from, degree: m.Degree}, out)
	case open && m.Degree == 0 && v.room(all, v.cfg.Overflow):
		v.add(now, neighbor{peer: from, guest: true}, out)
		out.Note("view.guest", from, protocol.ItemID{}, int64(len(v.active)))
	default:
		// It is not remembered either: who asks does not become a candidate by it.
		v.refuse(now, from, m, out)
		return
	}
	v.accept(now, from, m, out)
}

// accept says yes.
func (v *View) accept(now protocol.Time, to PeerID, m Neighbor, out *protocol.Outbox) {
	out.Send(to, NeighborReply{Nonce: m.Nonce, Accept: true, Degree: v.degree()},
		protocol.Control, now.Add(v.patience(to)))
}

// refuse says no, and names the other members that the peer wants to know, once
// every 10 s a link, or a refusal would multiply what a flood costs.
func (v *View) refuse(now protocol.Time, to PeerID, m Neighbor, out *protocol.Outbox) {
	reply := NeighborReply{Nonce: m.Nonce, Degree: v.degree()}
	if l, _ := v.links.get(to); m.Want > 0 && now >= l.nextSample {
		reply.Records = v.sample(to, m.Want)
		v.editLink(to, func(l *link) { l.nextSample = now.Add(sampleEvery) })
	}
	out.Send(to, reply, protocol.Control, now.Add(v.patience(to)))
	out.Note("view.refuse", to, protocol.ItemID{}, int64(len(v.active)))
}

// disconnect takes a neighbour out that has taken this peer out.
func (v *View) disconnect(now protocol.Time, from PeerID, m Disconnect, out *protocol.Outbox) {
	if i := v.neighborIndex(from); i >= 0 {
		v.part(now, i, m.Reason.String(), out)
		v.hurry(now)
	}
}

// dismiss takes neighbour i out by this peer's own choice.
func (v *View) dismiss(now protocol.Time, i int, reason Reason, out *protocol.Outbox) {
	out.Send(v.active[i].peer, Disconnect{Reason: reason}, protocol.Control, now.Add(parted))
	v.part(now, i, reason.String(), out)
}

// part takes neighbour i out on friendly terms. Both sides keep each other among
// the members to try, though not at once (GossipSub v1.1 has a back-off of 60 s
// after a prune).
func (v *View) part(now protocol.Time, i int, reason string, out *protocol.Outbox) {
	n := v.remove(now, i, reason, out)
	v.remember(now, member{peer: n.peer, tested: n.outbound, retryAt: now.Add(v.jitter(parted))})
	out.Add(protocol.Close{Peer: n.peer, Reason: "view: " + reason})
}

// add puts a neighbour into the active view.
func (v *View) add(now protocol.Time, n neighbor, out *protocol.Outbox) {
	if len(v.active) >= v.cfg.MaxActive+v.cfg.Overflow {
		panic("gossipmembership: active view is past its bound")
	}
	v.forget(n.peer)
	l, _ := v.links.get(n.peer)
	n.silent = l.suspected
	n.since, n.heardAt, n.nextShuffle = now, now, now
	v.active = append(v.active, n)
	out.Add(Up{Peer: n.peer, RTT: l.rtt})
	v.shuffleSoon(now)
}

// remove takes neighbour i out of the active view and returns it.
func (v *View) remove(now protocol.Time, i int, reason string, out *protocol.Outbox) neighbor {
	n := v.active[i]
	v.active = append(v.active[:i], v.active[i+1:]...)
	v.pace.reset()
	if v.exchange.peer == n.peer {
		v.exchange = exchange{}
	}
	out.Add(Down{Peer: n.peer, Reason: reason})
	v.shuffleSoon(now)
	return n
}

func (v *View) neighborIndex(peer PeerID) int {
	for i := range v.active {
		if v.active[i].peer == peer {
			return i
		}
	}
	return -1
}

// speaking is the number of neighbours that are not suspected, and of those that
// are of their own choice among them.
func (v *View) speaking() (all, inbound int) {
	for i := range v.active {
		if v.active[i].silent {
			continue
		}
		all++
		if !v.active[i].outbound {
			inbound++
		}
	}
	return all, inbound
}

// degree is what this peer tells others of its neighbours' number.
func (v *View) degree() int {
	all, _ := v.speaking()
	return all
}

// room reports whether there is a place for one more where so many neighbours
// speak: those that are silent keep theirs only within the overflow.
func (v *View) room(speaking, overflow int) bool {
	return speaking+len(v.asks) < v.cfg.MaxActive+overflow &&
		len(v.active)+len(v.asks) < v.cfg.MaxActive+v.cfg.Overflow
}

// inbound is the number of neighbours of their own choice.
func (v *View) inbound() int {
	n := 0
	for i := range v.active {
		if !v.active[i].outbound {
			n++
		}
	}
	return n
}

// outbound is the number of neighbours of this peer's choice.
func (v *View) outbound() int { return len(v.active) - v.inbound() }
