package gossipmembership

import "github.com/quilt-p2p/quilt/protocol"

// Links are symmetric: both sides have the other in their view, or neither does.
// A lost message breaks that, and Present mends it within about a minute; a
// side that hears nothing at all gives up by itself.

// present takes in that a peer counts this one among its neighbours. From a peer
// that is being asked it means nothing yet.
func (v *View) present(now protocol.Time, from PeerID, degree int, out *protocol.Outbox) {
	if i := v.neighborIndex(from); i >= 0 {
		v.active[i].degree = degree
		return
	}
	if v.askIndex(from) < 0 {
		out.Send(from, Disconnect{Reason: ReasonNotNeighbor}, protocol.Control, now.Add(parted))
	}
}

// advancePresent tells the neighbours that they are neighbours.
func (v *View) advancePresent(now protocol.Time, out *protocol.Outbox) {
	if v.presentAt > now {
		return
	}
	v.presentAt = now.Add(v.jitter(v.cfg.PresentEvery))
	v.relieve(now, out)
	for i := range v.active {
		out.Send(v.active[i].peer, Present{Degree: v.degree()}, protocol.Control, now.Add(v.cfg.PresentEvery/2))
	}
}

// relieve frees the place of one newcomer that has found other neighbours. Only
// newcomers are asked to leave: if their coming could cost another its place,
// strangers could empty a view.
func (v *View) relieve(now protocol.Time, out *protocol.Outbox) {
	over := v.inbound() > v.cfg.MaxInbound || len(v.active) > v.cfg.MaxActive
	leaver := -1
	for i := range v.active {
		n := &v.active[i]
		if !over {
			n.guest = false // the place it has is an ordinary one by now
		} else if n.guest && n.degree > v.cfg.MinActive {
			leaver = i
		}
	}
	if leaver >= 0 {
		v.dismiss(now, leaver, ReasonRelieved, out)
	}
}

// dropSilent takes out neighbours from which nothing has come for three and a
// half intervals: their goodbye was lost.
func (v *View) dropSilent(now protocol.Time, out *protocol.Outbox) {
	for i := 0; i < len(v.active); {
		if v.silentAt(&v.active[i]) > now {
			i++
			continue
		}
		out.Send(v.active[i].peer, Disconnect{Reason: ReasonNotNeighbor}, protocol.Control, now.Add(parted))
		v.part(now, i, "silent", out)
		v.hurry(now)
	}
}

func (v *View) silentAt(n *neighbor) protocol.Time {
	return n.heardAt.Add(v.cfg.PresentEvery * 7 / 2)
}
