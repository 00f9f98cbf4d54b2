package core

import (
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// ask gives the host a question of a neighbour.
func (r *rig) ask(from protocol.PeerID, id protocol.ItemID) []protocol.Effect {
	r.t.Helper()
	return r.hear(from, square, protocol.ObjectReceipts, who{id})
}

// hold has the host accept and store an item of a peer.
func (r *rig) hold(from protocol.PeerID, it *protocol.Item) []protocol.Effect {
	r.t.Helper()
	r.carry(from, it)
	stores := of[protocol.Store](r.do(protocol.Verified{Token: r.h.tokens}))
	if len(stores) != 1 {
		r.t.Fatal("not stored")
	}
	return r.do(protocol.Stored{Token: stores[0].Token, OK: true})
}

// A question waits until the item is stored here: then it goes on, and is answered,
// and answers from further on follow.
func TestReceiptsPassedOn(t *testing.T) {
	r := joined(t)
	it := item(1)
	r.want(r.ask(alice, it.ID), "")
	r.want(r.hold(alice, it), "who to bob, who to carol, deliver from alice")
	r.want(r.ask(bob, it.ID), "") // it is alice that is answered
	effects := r.wait(gather)
	r.want(effects, "storedBy to alice")
	answers, _ := sent[storedBy](effects)
	if len(answers) != 1 || !slices.Equal(answers[0].peers, []protocol.PeerID{self}) {
		t.Errorf("answers %v", answers)
	}
	r.hear(bob, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{bob, dave}})
	r.hear(carol, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{dave, carol}})
	answers, _ = sent[storedBy](r.wait(gather))
	if len(answers) != 1 || !slices.Equal(answers[0].peers, []protocol.PeerID{bob, dave, carol}) {
		t.Errorf("answers %v", answers)
	}
	r.want(r.wait(100*time.Millisecond), "")
	r.want(r.ask(alice, it.ID), "") // too soon
	r.wait(askAgain / 2)
	r.want(r.ask(alice, it.ID), "who to bob, who to carol")
	answers, _ = sent[storedBy](r.wait(gather))
	if len(answers) != 1 || len(answers[0].peers) != 4 {
		t.Errorf("a repeated question is answered with %v", answers)
	}
}

func TestReceiptsOfWhatIsStored(t *testing.T) {
	r := joined(t)
	it := item(1)
	r.hold(alice, it)
	r.want(r.ask(bob, it.ID), "who to alice, who to carol")
	r.want(r.wait(gather), "storedBy to bob")
}

// A question about nothing goes no further, be its ID like that of a stored item but for a
// bit at either end.
func TestReceiptsOfNothing(t *testing.T) {
	r := joined(t)
	rec := r.h.topics.get(protocol.TopicOf(square)).receipts
	id := item(1).ID
	rec.stored(r.now, id, &r.out)
	for _, i := range []int{0, len(id) - 1} {
		other := id
		other[i] ^= 1
		rec.takeWho(r.now, bob, who{other}, &r.out)
		if rec.asked.get(other).stored {
			t.Errorf("byte %d is another, and the item counts as stored", i)
		}
	}
	if rec.takeWho(r.now, bob, who{id}, &r.out); !rec.asked.get(id).stored {
		t.Error("what is stored does not count as stored")
	}
}

// The way back is cut: who asks next is answered.
func TestReceiptsAskerGone(t *testing.T) {
	r := joined(t)
	it := item(1)
	r.ask(alice, it.ID)
	r.hold(carol, it)
	r.do(protocol.LinkDown{Peer: alice})
	r.wait(time.Second)
	r.want(r.ask(bob, it.ID), "who to carol")
	r.want(r.wait(gather), "storedBy to bob")
}

// Strangers may neither ask nor answer.
func TestReceiptsOfStrangers(t *testing.T) {
	r := joined(t)
	r.link(dave)
	it := item(1)
	r.do(Published{Item: it})
	r.want(r.ask(dave, it.ID), "")
	r.do(AwaitReceipts{Topic: it.Topic, ID: it.ID, Until: protocol.Never})
	r.want(r.hear(dave, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{dave}}), "")
}

// This host's own question: put to all, and to those that come later, repeated ever
// more rarely, until its time is over.
func TestAwaitReceipts(t *testing.T) {
	r := joined(t)
	it := item(1)
	r.do(Published{Item: it})
	await := AwaitReceipts{Topic: it.Topic, ID: it.ID, Until: r.now.Add(time.Minute)}
	r.want(r.do(await), "who to alice, who to bob, who to carol")
	r.want(r.hear(bob, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{bob, self}}), "receipts bob")
	r.want(r.hear(bob, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{bob}}), "")
	r.want(r.hear(carol, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{bob, carol}}), "receipts carol")
	r.want(r.do(await), "who to alice, who to bob, who to carol, receipts bob+carol") // another waits for it
	r.link(dave)
	joining := r.hear(dave, square, protocol.ObjectView, gossipmembership.Neighbor{Nonce: 1, Degree: 1})
	if _, to := sent[who](joining); !slices.Equal(to, []protocol.PeerID{dave}) {
		t.Errorf("a new neighbour joins: asked %s", names(to))
	}
	asked := 0
	for range 70 * 5 {
		for _, p := range []protocol.PeerID{alice, bob, carol, dave} {
			r.hear(p, "", protocol.ObjectHost, pong{})
		}
		_, to := sent[who](r.wait(200 * time.Millisecond))
		asked += len(to)
	}
	if asked < 4*4 || asked > 6*4 { // after 2, 6, 14, 29, 44, 59 s
		t.Errorf("asked %d times in a minute", asked)
	}
	r.want(r.hear(bob, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{dave}}), "")
	if r.h.topics.get(it.Topic).receipts.deadline() != protocol.Never {
		t.Error("the question is not forgotten")
	}
	r.do(AwaitReceipts{Topic: it.Topic, ID: it.ID, Until: r.now - 1})
	r.do(AwaitReceipts{Topic: protocol.TopicOf("nowhere"), ID: it.ID, Until: protocol.Never})
}

// A question that another put first becomes this host's: what is known is told.
func TestAwaitWhatAnotherAsks(t *testing.T) {
	r := joined(t)
	it := item(1)
	r.ask(alice, it.ID)
	r.hold(carol, it)
	r.hear(bob, square, protocol.ObjectReceipts, storedBy{it.ID, []protocol.PeerID{bob}})
	r.want(r.do(AwaitReceipts{Topic: it.Topic, ID: it.ID, Until: protocol.Never}), "who to alice, who to bob, who to carol, receipts bob")
}

// A flood of questions about nothing goes no further than here, and leaves this
// host's own and others' questions alone; one about what exists is cut to its rate.
func TestReceiptsFlood(t *testing.T) {
	r := joined(t)
	mine, bobs := item(1), item(2)
	r.do(Published{Item: mine})
	r.do(AwaitReceipts{Topic: mine.Topic, ID: mine.ID, Until: protocol.Never})
	r.ask(bob, bobs.ID)
	for n := range whoBurst {
		r.want(r.ask(alice, item(1000+n).ID), "")
	}
	asked := &r.h.topics.get(mine.Topic).receipts.asked
	if n := len(asked.others); n != MaxAsksPerPeer+1 {
		t.Errorf("%d questions, want %d of alice and one of bob", n, MaxAsksPerPeer)
	}
	if asked.get(item(1000).ID) != nil || asked.get(item(1000+whoBurst-1).ID) == nil {
		t.Error("it is not the oldest of the flood that goes")
	}
	if asked.get(mine.ID) == nil || asked.get(bobs.ID) == nil {
		t.Error("a flood has pushed out others' questions")
	}
	last := asked.others[len(asked.others)-1].id
	r.ask(alice, item(9999).ID)
	if asked.others[len(asked.others)-1].id != last {
		t.Error("the flood is not cut to its rate")
	}
}

func TestReceiptBounds(t *testing.T) {
	r := joined(t)
	rec := r.h.topics.get(protocol.TopicOf(square)).receipts
	for n := range MaxOwnAsks + 1 {
		r.do(AwaitReceipts{Topic: protocol.TopicOf(square), ID: item(n).ID, Until: protocol.Never})
	}
	if len(rec.asked.own) != MaxOwnAsks || rec.asked.get(item(0).ID) != nil {
		t.Errorf("%d own questions", len(rec.asked.own))
	}
	id := item(1).ID
	for n := range 2 {
		r.hear(bob, square, protocol.ObjectReceipts, storedBy{id, peers(n*MaxReceiptPeers, MaxReceiptPeers)})
	}
	if n := len(rec.asked.get(id).known); n != MaxReceiptPeers {
		t.Errorf("%d peers are counted for one item", n)
	}
	for n := range MaxAsks + 1 {
		rec.takeWho(r.now, peer(n/MaxAsksPerPeer), who{item(10000 + n).ID}, &r.out)
	}
	if len(rec.asked.others) != MaxAsks || rec.asked.get(item(10000).ID) != nil {
		t.Errorf("%d questions of others", len(rec.asked.others))
	}
	for n := range MaxAsks {
		rec.takeStoredBy(r.now, storedBy{item(10001 + n).ID, peers(0, MaxReceiptPeers)})
	}
	if rec.asked.counted != MaxCounted {
		t.Errorf("%d peers are counted for others", rec.asked.counted)
	}
	for n := range MaxRecentStored + 1 {
		rec.stored(r.now, item(50000+n).ID, &r.out)
	}
	if n := len(rec.recent); n > MaxRecentStored || n < MaxRecentStored/2 {
		t.Errorf("%d stored lately", n)
	}
	rec.due = rec.deadline() // as withReceipts does
	r.wait(askLife + 5*time.Second)
	if len(rec.asked.others) > 0 || rec.asked.counted != 0 {
		t.Errorf("%d questions of others after their time, %d peers counted", len(rec.asked.others), rec.asked.counted)
	}
}

func peers(first, n int) (list []protocol.PeerID) {
	for i := range n {
		list = append(list, peer(first+i))
	}
	return list
}
