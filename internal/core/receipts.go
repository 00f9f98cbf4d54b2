package core

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Receipts tell a publisher how many others have stored an item. The question
// floods over the topic's gossip links, each peer asking its neighbours once; the
// answers go back the way the question came, gathered for a moment at each hop.
// They are claims, not proofs: good against crashes, not against liars.
//
// All constants are our guesses.
const (
	// MaxAsks bounds the questions a topic remembers; the oldest goes.
	MaxAsks = 256
	// MaxReceiptPeers bounds the peers counted for one question, and in a message.
	MaxReceiptPeers = 1024
	// askLife is how long a question from elsewhere is remembered.
	askLife = 30 * time.Second
	// askAgain is the pause after which the asker repeats its question.
	askAgain = 2 * time.Second
	// gather is how long answers are gathered before they go on.
	gather = 4 * time.Millisecond
)

const (
	kindWho uint8 = 1 + iota
	kindStored
)

// who asks who has stored an item. item:32
type who struct{ id protocol.ItemID }

// storedBy answers. item:32 count:uvarint peer…
type storedBy struct {
	id    protocol.ItemID
	peers []protocol.PeerID
}

func (who) Kind() uint8                { return kindWho }
func (m who) AppendTo(b []byte) []byte { return append(b, m.id[:]...) }
func (storedBy) Kind() uint8           { return kindStored }
func (m storedBy) AppendTo(b []byte) []byte {
	b = append(b, m.id[:]...)
	b = binary.AppendUvarint(b, uint64(len(m.peers)))
	for _, p := range m.peers {
		b = protocol.AppendPeer(b, p)
	}
	return b
}

// decodeReceipt reads a message of the receipts object.
func decodeReceipt(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case kindWho:
		m = who{r.Item()}
	case kindStored:
		s := storedBy{id: r.Item()}
		for range r.Count(MaxReceiptPeers, 1) {
			s.peers = append(s.peers, r.Peer())
		}
		m = s
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// question is one item asked about.
type question struct {
	id      protocol.ItemID
	asker   protocol.PeerID // who asked us first; empty where this host asks
	until   protocol.Time
	againAt protocol.Time // when this host repeats it; Never for others' questions
	flushAt protocol.Time // when gathered answers go on; Never without any
	stored  bool          // this host has stored it
	known   []protocol.PeerID
	fresh   []protocol.PeerID // of known, not yet passed on
}

// receipts is the part of a topic that asks and answers.
type receipts struct {
	self       protocol.PeerID
	neighbours func() []protocol.PeerID
	list       []*question       // oldest first
	recent     []protocol.ItemID // stored lately, so that a question that comes later is answered
}

// maxRecentStored bounds the list of what was stored lately (our guess).
const maxRecentStored = 1024

func newReceipts(self protocol.PeerID, neighbours func() []protocol.PeerID) *receipts {
	return &receipts{self: self, neighbours: neighbours}
}

func (r *receipts) get(id protocol.ItemID) *question {
	for _, q := range r.list {
		if q.id == id {
			return q
		}
	}
	return nil
}

// add remembers a question, forgetting the oldest beyond MaxAsks.
func (r *receipts) add(q *question) {
	if len(r.list) >= MaxAsks {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, q)
}

// await asks on behalf of this host.
func (r *receipts) await(now protocol.Time, id protocol.ItemID, until protocol.Time, out *protocol.Outbox) {
	q := r.get(id)
	if q == nil {
		q = &question{id: id, flushAt: protocol.Never}
		r.add(q)
	}
	q.asker, q.until, q.againAt = "", until, now.Add(askAgain)
	r.ask(now, q, "", out)
}

// ask puts a question to all neighbours but one.
func (r *receipts) ask(now protocol.Time, q *question, not protocol.PeerID, out *protocol.Outbox) {
	for _, p := range r.neighbours() {
		if p != not {
			out.Send(p, who{q.id}, protocol.Control, now.Add(askAgain))
		}
	}
}

// received takes a question or an answer.
func (r *receipts) received(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	switch m := in.Msg.(type) {
	case who:
		r.takeWho(now, in.From.Peer, m, out)
	case storedBy:
		if q := r.get(m.id); q != nil && q.until > now {
			for _, p := range m.peers {
				r.count(now, q, p)
			}
		}
	}
}

// takeWho answers a question, and asks on when it is new. A repeated question is
// answered anew in full: the first answer may have been lost.
func (r *receipts) takeWho(now protocol.Time, from protocol.PeerID, m who, out *protocol.Outbox) {
	q := r.get(m.id)
	if q != nil && q.until <= now {
		r.list = slices.DeleteFunc(r.list, func(o *question) bool { return o == q })
		q = nil
	}
	if q == nil {
		q = &question{id: m.id, asker: from, until: now.Add(askLife), againAt: protocol.Never, flushAt: protocol.Never}
		r.add(q)
		if slices.Contains(r.recent, m.id) {
			r.countSelf(now, q)
		}
		r.ask(now, q, from, out)
		return
	}
	if q.asker == from {
		q.fresh = slices.Clone(q.known)
		if len(q.fresh) > 0 {
			q.flushAt = min(q.flushAt, now.Add(gather))
		}
		r.ask(now, q, from, out)
	}
}

// stored notes that this host has an item on disk.
func (r *receipts) stored(now protocol.Time, id protocol.ItemID, _ *protocol.Outbox) {
	if len(r.recent) >= maxRecentStored {
		r.recent = slices.Delete(r.recent, 0, maxRecentStored/4)
	}
	r.recent = append(r.recent, id)
	if q := r.get(id); q != nil {
		r.countSelf(now, q)
	}
}

// countSelf counts this host, unless it is the one that asks.
func (r *receipts) countSelf(now protocol.Time, q *question) {
	q.stored = true
	if q.asker != "" {
		r.count(now, q, r.self)
	}
}

// count adds one peer to those that have stored an item.
func (r *receipts) count(now protocol.Time, q *question, p protocol.PeerID) {
	if q.asker == "" && p == r.self || len(q.known) >= MaxReceiptPeers {
		return
	}
	i, ok := slices.BinarySearch(q.known, p)
	if ok {
		return
	}
	q.known = slices.Insert(q.known, i, p)
	q.fresh = append(q.fresh, p)
	wait := gather
	if q.asker == "" {
		wait = 0
	}
	q.flushAt = min(q.flushAt, now.Add(wait))
}

// memberUp puts this host's open questions to a new neighbour.
func (r *receipts) memberUp(p protocol.PeerID, out *protocol.Outbox) {
	for _, q := range r.list {
		if q.asker == "" {
			out.Send(p, who{q.id}, protocol.Control, protocol.Never)
		}
	}
}

// advance passes gathered answers on, repeats this host's questions and forgets
// old ones.
func (r *receipts) advance(now protocol.Time, out *protocol.Outbox) {
	r.list = slices.DeleteFunc(r.list, func(q *question) bool { return q.until <= now })
	for _, q := range r.list {
		if q.flushAt <= now {
			if q.asker == "" {
				out.Add(receiptsGathered{id: q.id, peers: q.fresh})
			} else {
				out.Send(q.asker, storedBy{q.id, q.fresh}, protocol.Control, q.until)
			}
			q.fresh, q.flushAt = nil, protocol.Never
		}
		if q.againAt <= now {
			q.againAt = now.Add(askAgain)
			r.ask(now, q, "", out)
		}
	}
}

func (r *receipts) deadline() protocol.Time {
	d := protocol.Never
	for _, q := range r.list {
		d = min(d, q.until, q.againAt, q.flushAt)
	}
	return d
}

// receiptsGathered is how receipts hands answers to the host, which adds the
// topic.
type receiptsGathered struct {
	protocol.HostEffect
	id    protocol.ItemID
	peers []protocol.PeerID
}
