package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Receipts tell a publisher how many others have stored an item. The question
// floods over the topic's gossip links, each peer asking its neighbours once it has
// stored the item itself: so a question about nothing goes no further than the
// first peer. The answers go back the way the question came, gathered for a moment
// at each hop. They are claims, not proofs: good against crashes, not against
// liars.
//
// All constants are our guesses.
const (
	// MaxAsks bounds the questions of others that a topic remembers; the oldest
	// goes. MaxAsksPerPeer bounds those of one neighbour, MaxOwnAsks this host's.
	MaxAsks        = 256
	MaxAsksPerPeer = 64
	MaxOwnAsks     = 256
	// MaxReceiptPeers bounds the peers counted for one question, and in a message;
	// MaxCounted those for all questions of others together.
	MaxReceiptPeers = 1024
	MaxCounted      = 16 * MaxReceiptPeers
	// MaxRecentStored bounds the list of what was stored lately, about which
	// questions are answered.
	MaxRecentStored = 1024
	// askLife is how long a question from elsewhere is remembered.
	askLife = 30 * time.Second
	// askAgain is the pause after which the asker repeats its question; it doubles
	// up to askSeldom.
	askAgain  = 2 * time.Second
	askSeldom = askLife / 2
	// gather is how long answers are gathered before they go on.
	gather = 4 * time.Millisecond
	// whoRate and whoBurst bound the questions of one link, a second and at once.
	whoRate  = 50
	whoBurst = 200
)

// receipts is the part of a topic that asks and answers.
type receipts struct {
	self       protocol.PeerID
	neighbours func() []protocol.PeerID
	asked      questions
	due        protocol.Time     // the deadline, kept up by withReceipts
	recent     []protocol.ItemID // stored lately, so that a question that comes later is answered
}

func newReceipts(self protocol.PeerID, neighbours func() []protocol.PeerID) *receipts {
	return &receipts{self: self, neighbours: neighbours, due: protocol.Never}
}

// toReceipts gives the receipts of a topic a message: only neighbours may ask and
// answer, and ask only so much.
func (h *Host) toReceipts(now protocol.Time, t *topic, in protocol.Received) {
	l := h.links.get(in.From.Peer)
	if l == nil || !t.isMember(l.Peer) {
		return
	}
	h.withReceipts(t, func(out *protocol.Outbox) {
		switch m := in.Msg.(type) {
		case who:
			if l.whos.take(now, whoRate, whoBurst) {
				t.receipts.takeWho(now, l.Peer, m, out)
			}
		case storedBy:
			t.receipts.takeStoredBy(now, m)
		}
	})
}

// await asks on behalf of this host. What is known already is reported again.
func (r *receipts) await(now protocol.Time, id protocol.ItemID, until protocol.Time, out *protocol.Outbox) {
	old := r.asked.get(id)
	q := &question{id: id, flushAt: protocol.Never, until: until, againAt: now.Add(askAgain), pause: 2 * askAgain}
	if old != nil {
		r.asked.remove(old)
		q.stored = old.stored
		q.known, _ = removePeer(old.known, r.self)
		q.repeat(now)
	}
	r.asked.add(q)
	r.pass(now, q, out)
}

// pass puts a question to all neighbours but the one it came from.
func (r *receipts) pass(now protocol.Time, q *question, out *protocol.Outbox) {
	q.passedAt = now
	for _, p := range r.neighbours() {
		if p != q.asker {
			out.Send(p, who{q.id}, protocol.Control, now.Add(askAgain))
		}
	}
}

// takeWho answers a question, and passes it on when this host has the item. A
// question repeated is answered anew in full, and passed on again: the first
// answer may have been lost.
func (r *receipts) takeWho(now protocol.Time, from protocol.PeerID, m who, out *protocol.Outbox) {
	q := r.asked.get(m.id)
	if q != nil && q.until <= now {
		r.asked.remove(q)
		q = nil
	}
	if q == nil {
		q = &question{id: m.id, asker: from, until: now.Add(askLife), againAt: protocol.Never, flushAt: protocol.Never}
		r.asked.add(q)
		if slices.Contains(r.recent, m.id) {
			r.countSelf(now, q, out)
		}
		return
	}
	if !q.own() && !slices.Contains(r.neighbours(), q.asker) {
		q.asker = from // the way back there is cut
	}
	if q.asker == from && now >= q.passedAt.Add(askAgain/2) {
		q.repeat(now.Add(gather))
		if q.stored {
			r.pass(now, q, out)
		}
	}
}

// takeStoredBy takes in an answer.
func (r *receipts) takeStoredBy(now protocol.Time, m storedBy) {
	q := r.asked.get(m.id)
	if q == nil || q.until <= now {
		return
	}
	for _, p := range m.peers {
		r.count(now, q, p)
	}
}

// stored notes that this host has an item on disk.
func (r *receipts) stored(now protocol.Time, id protocol.ItemID, out *protocol.Outbox) {
	if len(r.recent) >= MaxRecentStored {
		r.recent = slices.Delete(r.recent, 0, MaxRecentStored/4)
	}
	r.recent = append(r.recent, id)
	if q := r.asked.get(id); q != nil && !q.stored {
		r.countSelf(now, q, out)
	}
}

// countSelf counts this host, unless it is the one that asks, and passes the
// question on.
func (r *receipts) countSelf(now protocol.Time, q *question, out *protocol.Outbox) {
	q.stored = true
	if !q.own() {
		r.count(now, q, r.self)
		r.pass(now, q, out)
	}
}

// count adds one peer to those that have stored an item.
func (r *receipts) count(now protocol.Time, q *question, p protocol.PeerID) {
	if q.own() && p == r.self || !r.asked.count(q, p) {
		return
	}
	at := now
	if !q.own() {
		at = now.Add(gather)
	}
	q.flushAt = min(q.flushAt, at)
}

// memberUp puts this host's open questions to a new neighbour.
func (r *receipts) memberUp(now protocol.Time, p protocol.PeerID, out *protocol.Outbox) {
	for _, q := range r.asked.own {
		out.Send(p, who{q.id}, protocol.Control, now.Add(askAgain))
	}
}

// advance passes gathered answers on, repeats this host's questions and forgets
// old ones.
func (r *receipts) advance(now protocol.Time, out *protocol.Outbox) {
	r.asked.expire(now)
	r.asked.each(func(q *question) {
		if q.flushAt <= now {
			if q.own() {
				out.Add(receiptsGathered{id: q.id, peers: q.fresh})
			} else {
				out.Send(q.asker, storedBy{q.id, q.fresh}, protocol.Control, q.until)
			}
			q.fresh, q.flushAt = nil, protocol.Never
		}
		if q.againAt <= now {
			q.againAt = now.Add(q.pause)
			q.pause = min(2*q.pause, askSeldom)
			r.pass(now, q, out)
		}
	})
}

func (r *receipts) deadline() protocol.Time {
	d := protocol.Never
	r.asked.each(func(q *question) { d = min(d, q.until, q.againAt, q.flushAt) })
	return d
}

// receiptsGathered is how receipts hands answers to the host, which adds the
// topic.
type receiptsGathered struct {
	protocol.HostEffect
	id    protocol.ItemID
	peers []protocol.PeerID
}
