package core

import (
	"fmt"
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// Invariants returns what is broken of what must hold between any two calls of a
// host; nil for nothing. It is exported to the tests that need the simulator.
func (h *Host) Invariants() error {
	for _, check := range []func(*Host) error{checkLinks, checkDials, checkClaims, checkMembers, checkTopics, checkPending, checkWalks} {
		if err := check(h); err != nil {
			return err
		}
	}
	if len(h.jobs) > 0 || h.tmp.Len() > 0 {
		return fmt.Errorf("%d effects of parts were not looked through", len(h.jobs)+h.tmp.Len())
	}
	if err := checkDue(h); err != nil {
		return err
	}
	if len(h.banned.list) > MaxBanned || len(h.charged.list) > MaxCharged {
		return fmt.Errorf("%d banned, %d charged", len(h.banned.list), len(h.charged.list))
	}
	return nil
}

// checkDue: the deadlines that are kept are those that the machines have.
func checkDue(h *Host) error {
	parts := []*part{&h.viewing}
	topics := protocol.Never
	for _, t := range h.topics.order {
		parts = append(parts, &t.viewing)
		for i := range t.objects {
			parts = append(parts, &t.objects[i])
		}
		if t.receipts.due != t.receipts.deadline() {
			return fmt.Errorf("receipts are due at %d, %d is kept", t.receipts.deadline(), t.receipts.due)
		}
		topics = min(topics, t.deadline())
	}
	for _, p := range parts {
		if p.due != p.machine.Deadline() {
			return fmt.Errorf("%T is due at %d, %d is kept", p.machine, p.machine.Deadline(), p.due)
		}
	}
	if d := h.topics.deadline(); d != topics {
		return fmt.Errorf("topics are due at %d, %d is kept", topics, d)
	}
	return nil
}

func checkLinks(h *Host) error {
	lt := &h.links
	if len(lt.order) != len(lt.index) || len(lt.order) > MaxLinks || lt.inbound() > MaxInboundLinks {
		return fmt.Errorf("%d keys of links, %d in order, %d inbound", len(lt.index), len(lt.order), lt.inbound())
	}
	for i, l := range lt.order {
		switch {
		case lt.get(l.Peer) != l || i > 0 && lt.order[i-1].Peer >= l.Peer:
			return fmt.Errorf("link %d is out of order", i)
		case lt.index[i].due != l.deadline() || lt.deadline() > lt.index[i].due:
			return fmt.Errorf("link %d is due at %d, %d is kept for it and %d for all", i, l.deadline(), lt.index[i].due, lt.deadline())
		case l.doubt != nil && (len(l.doubt.askers) > MaxAskers || len(l.doubt.asked) > confirmersWanted):
			return fmt.Errorf("%d ask about a link, %d were asked", len(l.doubt.askers), len(l.doubt.asked))
		case (len(h.claims[l.Peer]) > 0) != (l.lingerAt == protocol.Never):
			return fmt.Errorf("link to %s: claimed by %d groups, lingers until %d", l.Peer, len(h.claims[l.Peer]), l.lingerAt)
		}
	}
	return nil
}

func checkDials(h *Host) error {
	if n := len(h.dials.list); n > MaxDials+MaxDialQueue || h.dials.active() > MaxDials {
		return fmt.Errorf("%d dials, %d under way", n, h.dials.active())
	} else if n > h.dials.active() && h.dials.active() < MaxDials {
		return fmt.Errorf("%d dials wait while only %d are under way", n-h.dials.active(), h.dials.active())
	}
	for i, d := range h.dials.list {
		if h.dials.index(d.peer) != i || h.links.get(d.peer) != nil {
			return fmt.Errorf("%s is dialled twice, or linked", d.peer)
		}
	}
	return nil
}

func checkClaims(h *Host) error {
	for p, groups := range h.claims {
		if h.links.get(p) == nil && !h.dials.has(p) {
			return fmt.Errorf("%s is claimed, but neither linked nor dialled", p)
		}
		if len(groups) == 0 || !slices.IsSortedFunc(groups, compareTopics) {
			return fmt.Errorf("claims of %s: %v", p, groups)
		}
		for _, g := range groups {
			if g != hostGroup && h.topics.get(g) == nil {
				return fmt.Errorf("%s is claimed by topic %v, which is not joined", p, g)
			}
		}
	}
	return nil
}

func checkMembers(h *Host) error {
	groups := map[protocol.TopicID][]protocol.PeerID{hostGroup: h.members}
	for _, t := range h.topics.order {
		groups[t.id] = t.members
	}
	for g, members := range groups {
		if !slices.IsSorted(members) || len(slices.Compact(slices.Clone(members))) != len(members) {
			return fmt.Errorf("members of %v are out of order", g)
		}
		for _, p := range members {
			if h.links.get(p) == nil || !slices.Contains(h.claims[p], g) {
				return fmt.Errorf("%s is a member of %v, but not linked or not claimed", p, g)
			}
		}
	}
	return nil
}

func checkTopics(h *Host) error {
	if len(h.topics.order) != len(h.topics.byID) || len(h.topics.order) > MaxTopics {
		return fmt.Errorf("%d topics in order, %d by ID", len(h.topics.order), len(h.topics.byID))
	}
	for i, t := range h.topics.order {
		if h.topics.get(t.id) != t || i > 0 && byTopicID(h.topics.order[i-1], t.id) >= 0 || t.left {
			return fmt.Errorf("topic %d is out of order, or left", i)
		}
		if len(t.seen.young) > recentWindow || len(t.seen.old) > recentWindow {
			return fmt.Errorf("%d + %d IDs in the window", len(t.seen.young), len(t.seen.old))
		}
		if err := checkReceipts(t.receipts); err != nil {
			return err
		}
	}
	return nil
}

func checkReceipts(r *receipts) error {
	counted, by := 0, make(map[protocol.PeerID]int)
	for _, q := range r.asked.others {
		counted += len(q.known)
		by[q.asker]++
		if q.own() || by[q.asker] > MaxAsksPerPeer || len(q.known) > MaxReceiptPeers {
			return fmt.Errorf("%d questions of %q, %d peers", by[q.asker], q.asker, len(q.known))
		}
	}
	if len(r.asked.own) > MaxOwnAsks || len(r.asked.others) > MaxAsks || len(r.recent) > MaxRecentStored ||
		counted > MaxCounted || counted != r.asked.counted {
		return fmt.Errorf("%d own questions, %d others, %d recent, %d counted of %d",
			len(r.asked.own), len(r.asked.others), len(r.recent), r.asked.counted, counted)
	}
	return nil
}

func checkPending(h *Host) error {
	checks, writing := make(map[*topic]int), make(map[*topic]int)
	by, bytes := make(map[payer]load), 0
	for _, p := range h.pending {
		if p.writing {
			writing[p.t]++
		} else {
			checks[p.t]++
			if !slices.Contains(p.t.copies[p.item.ID], p) {
				return fmt.Errorf("item %v is being checked, but not among the copies", p.item.ID)
			}
		}
		l := by[p.payer.account()]
		by[p.payer.account()] = load{l.items + 1, l.bytes + len(p.item.Bytes)}
		bytes += len(p.item.Bytes)
	}
	if len(by) != len(h.loads.byPeer) || bytes != h.loads.bytes || bytes > MaxPendingBytes {
		return fmt.Errorf("load of %d peers, %d bytes; counted %d, %d", len(by), bytes, len(h.loads.byPeer), h.loads.bytes)
	}
	for p, l := range by {
		if h.loads.byPeer[p] != l || l.items > MaxPendingPerLink || l.bytes > MaxPendingBytesPerLink {
			return fmt.Errorf("load of %v: %v, counted %v", p, l, h.loads.byPeer[p])
		}
	}
	for _, t := range h.topics.order {
		copies := 0
		for id, c := range t.copies {
			copies += len(c)
			if len(c) == 0 || len(c) > MaxCopies {
				return fmt.Errorf("%d copies of %v", len(c), id)
			}
		}
		if t.checks != checks[t] || t.writing != writing[t] || copies != t.checks || t.checks+t.writing > MaxPending {
			return fmt.Errorf("topic %v: %d checks, %d writes, %d copies; counted %d, %d",
				t.id, checks[t], writing[t], copies, t.checks, t.writing)
		}
	}
	return nil
}

func checkWalks(h *Host) error {
	if len(h.find.own) > MaxOwnWalks {
		return fmt.Errorf("%d own walks", len(h.find.own))
	}
	for _, l := range h.links.order {
		if len(l.walks) > MaxWalksPerLink {
			return fmt.Errorf("%d walks by one link", len(l.walks))
		}
	}
	return nil
}
