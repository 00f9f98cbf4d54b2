package core

import (
	"slices"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// linkUp takes a new link in, or closes it at once where there is no room or the
// peer is banned.
func (h *Host) linkUp(now protocol.Time, l protocol.Link, out *protocol.Outbox) {
	h.dials.remove(l.Peer)
	if h.links.get(l.Peer) != nil {
		h.linkDown(now, l.Peer, "replaced") // the driver's promise is broken; keep ours
	}
	if !h.banned.has(now, l.Peer) {
		h.makeRoom(now, out)
	}
	if reason := h.unwanted(now, l); reason != "" {
		out.Add(protocol.Close{Peer: l.Peer, Reason: reason})
		h.dialEnded(now, l.Peer, reason)
	} else {
		h.take(now, l, out)
	}
	h.pumpDials(now, out) // the dial that led here has made room
}

// makeRoom closes the link that has been of no use for longest, once there are more
// than EasyLinks: a peer that many have heard of, as the first ones in a crowd are,
// must keep a door open for those that know nobody else. A link that some group
// claims is never closed for a newcomer.
func (h *Host) makeRoom(now protocol.Time, out *protocol.Outbox) {
	if len(h.links.order)-len(h.holders) < EasyLinks {
		return
	}
	var idle *link
	for _, l := range h.links.order {
		if l.lingerAt != protocol.Never && (idle == nil || l.lingerAt < idle.lingerAt) {
			idle = l
		}
	}
	full := len(h.links.order) >= MaxLinks || h.links.inbound() >= MaxInboundLinks
	if idle != nil && (full || idle.lingerAt <= now.Add(h.cfg.Linger-minUnused)) {
		h.closeLink(now, idle.Peer, "unused, and others need the room", out)
	}
}

// unwanted says why a new link is not taken in, "" if it is.
func (h *Host) unwanted(now protocol.Time, l protocol.Link) string {
	switch {
	case h.banned.has(now, l.Peer):
		return "refused for a while after invalid items"
	case len(h.links.order) >= MaxLinks, !l.Outbound && h.links.inbound() >= MaxInboundLinks:
		return "no room for another link"
	}
	return ""
}

// take takes a new link in. Only a dial proves that a peer can be reached; that it
// reaches us proves nothing, and a relay's word is good for as long as it relays.
func (h *Host) take(now protocol.Time, l protocol.Link, out *protocol.Outbox) {
	n := newLink(now, h.cfg.Self, l)
	h.links.put(n)
	if l.Outbound && !l.Relayed {
		h.book.Worked(l.Peer, now)
	}
	h.mark(now, n)
	h.seekOverNew(now, n, out)
	h.find.linkUp(now) // without links nothing was due
	h.toAllLinks(now, l.Peer, protocol.LinkUp{Link: l})
	out.Add(protocol.Event{Name: "core.link-up", Peer: l.Peer})
}

// linkDown drops a link; one that is not up (any more) is ignored.
func (h *Host) linkDown(now protocol.Time, p protocol.PeerID, reason string) {
	if h.links.remove(p) == nil {
		return
	}
	delete(h.claims, p)
	h.ifAlone(now)
	h.toAllLinks(now, p, protocol.LinkDown{Peer: p, Reason: reason})
	delete(h.holders, p)
	h.find.linkDown(now)
	h.collect(hostGroup, protocol.ObjectHost, func(o *protocol.Outbox) {
		o.Add(protocol.Event{Name: "core.link-down: " + reason, Peer: p})
	})
}

// closeLink ends a link from this side.
func (h *Host) closeLink(now protocol.Time, p protocol.PeerID, reason string, out *protocol.Outbox) {
	out.Add(protocol.Close{Peer: p, Reason: reason})
	h.linkDown(now, p, reason)
}

// contacts takes in peers learnt outside gossip.
func (h *Host) contacts(now protocol.Time, in Contacts) {
	var peers []protocol.PeerID
	for _, rec := range in.Records {
		if rec.Peer == h.cfg.Self {
			continue
		}
		switch {
		case rec.Seq == 0:
			h.book.Hint(rec.Peer, rec.Addrs)
		case in.Remembered:
			h.book.Restore(rec)
		default:
			h.book.Learn(now, rec, in.From)
		}
		peers = append(peers, rec.Peer)
	}
	if len(peers) == 0 {
		return
	}
	if len(peers) == 1 && peers[0] == in.From && in.Topic.IsZero() {
		return // a greeting: who comes does not become a candidate by it
	}
	t := h.topics.get(in.Topic)
	c := gossipmembership.Candidates{Peers: peers, Sought: t != nil && t.beyondUntil > now}
	h.tell(now, hostGroup, &h.viewing, c)
	if t != nil {
		h.tell(now, t.id, &t.viewing, c)
		h.heardOf(now, t, peers)
	}
}

// heardOf tells the objects of a topic of members that are no neighbours, those first
// with which there is a link: a newcomer that is refused everywhere, for all views are full,
// would not know whom to ask for a place in a tree.
func (h *Host) heardOf(now protocol.Time, t *topic, peers []protocol.PeerID) {
	var linked, others []protocol.PeerID
	for _, p := range peers {
		switch {
		case t.isMember(p):
		case h.links.get(p) != nil:
			linked = append(linked, p)
		default:
			others = append(others, p)
		}
	}
	if linked = append(linked, others...); len(linked) > 0 {
		h.toObjects(now, t, protocol.MembersHeard{Peers: linked})
	}
}

// claim notes that a group wants a link to a peer and dials where there is none.
func (h *Host) claim(now protocol.Time, p protocol.PeerID, group protocol.TopicID, out *protocol.Outbox) {
	c := h.claims[p]
	if i, ok := slices.BinarySearchFunc(c, group, compareTopics); !ok {
		h.claims[p] = slices.Insert(c, i, group)
	}
	if l := h.links.get(p); l != nil {
		h.mark(now, l)
		return
	}
	if !h.dials.has(p) {
		h.startDial(now, p, out)
	}
}

// release notes that a group has no more use for a link to a peer.
func (h *Host) release(now protocol.Time, p protocol.PeerID, group protocol.TopicID) {
	c := h.claims[p]
	if i, ok := slices.BinarySearchFunc(c, group, compareTopics); ok {
		c = slices.Delete(c, i, i+1)
	}
	if len(c) == 0 {
		delete(h.claims, p)
	} else {
		h.claims[p] = c
	}
	if l := h.links.get(p); l != nil {
		h.mark(now, l)
	} else if len(c) == 0 && len(h.holders[p]) == 0 {
		h.dials.cancel(p)
	}
}

// mark lets an unclaimed link linger, so that a neighbour the other side sees in
// us has time to come about, and a claimed one live.
func (h *Host) mark(now protocol.Time, l *link) {
	switch claimed := len(h.claims[l.Peer])+len(h.holders[l.Peer]) > 0; {
	case claimed:
		l.lingerAt = protocol.Never
		h.links.moved(l)
	case l.lingerAt == protocol.Never:
		l.lingerAt = now.Add(h.cfg.Linger)
		h.links.moved(l)
	}
}

// advanceLinks pings, suspects, buries and tidies away.
func (h *Host) advanceLinks(now protocol.Time, out *protocol.Outbox) {
	if h.links.deadline() > now {
		return
	}
	var ready []*link // judging one may close others
	for i := range h.links.index {
		if h.links.index[i].due <= now {
			ready = append(ready, h.links.index[i].link)
		}
	}
	for _, l := range ready {
		if l.lingerAt <= now {
			h.closeLink(now, l.Peer, "unused", out)
			continue
		}
		h.judge(now, l, out)
		l.walks.forget(now)
		h.links.moved(l)
	}
	h.pingEarly(now, out)
}

// pingEarly sends with the pings that were due those that nearly are.
func (h *Host) pingEarly(now protocol.Time, out *protocol.Outbox) {
	for i := range h.links.index {
		if l := h.links.index[i]; l.due <= now.Add(pingEarly) && l.link.live.mayPing(now) {
			h.ping(now, l.link, out)
		}
	}
}

// memberUp: a peer has become a neighbour in a group.
func (h *Host) memberUp(now protocol.Time, e gossipmembership.Up, group protocol.TopicID) {
	l := h.links.get(e.Peer)
	if l == nil {
		return // LinkDown is on its way to the view
	}
	c := h.claims[e.Peer]
	if i, ok := slices.BinarySearchFunc(c, group, compareTopics); !ok {
		h.claims[e.Peer] = slices.Insert(c, i, group)
	}
	h.mark(now, l)
	if group == hostGroup {
		h.members, _ = insertPeer(h.members, e.Peer)
	}
	t := h.topics.get(group)
	if t == nil {
		return
	}
	t.members, _ = insertPeer(t.members, e.Peer)
	h.neighboursChanged(now, t, protocol.MemberDelta{Peer: e.Peer, Weight: 1, RTT: l.RTT, Relayed: l.Relayed})
	h.withReceipts(t, func(o *protocol.Outbox) { t.receipts.memberUp(now, e.Peer, o) })
	if l.live.suspected {
		h.toObjects(now, t, protocol.LinkSuspected{Peer: e.Peer})
	}
}

// memberDown: a peer is no longer a neighbour in a group.
func (h *Host) memberDown(now protocol.Time, e gossipmembership.Down, group protocol.TopicID) {
	if group == hostGroup {
		h.members, _ = removePeer(h.members, e.Peer)
	}
	if t := h.topics.get(group); t != nil && t.removeMember(e.Peer) {
		h.neighboursChanged(now, t, protocol.MemberDelta{Peer: e.Peer, Gone: true})
		if len(t.members) == 0 {
			t.findSoon(now)
			h.find.linkDown(now)
		}
	}
	h.release(now, e.Peer, group)
}

// toAllLinks tells every view, and the objects for which the peer is a neighbour,
// about a link.
func (h *Host) toAllLinks(now protocol.Time, p protocol.PeerID, in protocol.Input) {
	h.tell(now, hostGroup, &h.viewing, in)
	for _, t := range h.topics.order {
		h.tell(now, t.id, &t.viewing, in)
	}
	h.toMemberObjects(now, p, in)
}

// toMemberObjects tells the objects of the topics in which the peer is a
// neighbour, and those that hold a link to it.
func (h *Host) toMemberObjects(now protocol.Time, p protocol.PeerID, in protocol.Input) {
	held := h.holders[p]
	for _, t := range h.topics.order {
		if t.isMember(p) {
			h.toObjects(now, t, in)
			continue
		}
		for _, by := range held {
			if by.group == t.id {
				h.toObject(now, t, by.object, in)
			}
		}
	}
}

func compareTopics(a, b protocol.TopicID) int { return slices.Compare(a[:], b[:]) }

// insertPeer returns a sorted list with p in it, and whether p is new. The list
// given is not written to, for others may hold it.
func insertPeer(list []protocol.PeerID, p protocol.PeerID) ([]protocol.PeerID, bool) {
	i, ok := slices.BinarySearch(list, p)
	if ok {
		return list, false
	}
	return slices.Insert(slices.Clone(list), i, p), true
}

// removePeer returns a sorted list without p, and whether p was in it. The list
// given is not written to.
func removePeer(list []protocol.PeerID, p protocol.PeerID) ([]protocol.PeerID, bool) {
	i, ok := slices.BinarySearch(list, p)
	if !ok {
		return list, false
	}
	return slices.Delete(slices.Clone(list), i, i+1), true
}
