package core

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

const minute = time.Minute

func TestMisconduct(t *testing.T) {
	r := newRig(t, Config{InvalidLimit: 2, BanFor: time.Minute, Linger: time.Hour})
	r.link(alice)
	r.want(r.do(Misconduct{Peer: alice}), "")
	r.now = r.now.Add(minute) // forgiven
	r.link(alice)
	r.want(r.do(Misconduct{Peer: alice}), "")
	r.want(r.do(Misconduct{Peer: alice}), "ban alice, close alice")
	r.want(r.do(Misconduct{Peer: alice}), "") // once is enough
	r.want(r.do(Misconduct{Peer: alice}), "")
	r.want(r.do(protocol.LinkUp{Link: protocol.Link{Peer: alice}}), "close alice")
	r.do(Contacts{Records: []gossipmembership.Record{testRecord(alice)}})
	if dials := of[Dial](r.wait(30 * time.Second)); len(dials) > 0 {
		t.Error("a banned peer is dialled")
	}
	r.now = r.now.Add(minute)
	r.want(r.do(protocol.LinkUp{Link: protocol.Link{Peer: alice}}), "")
}

func TestMaxBannedAndCharged(t *testing.T) {
	r := newRig(t, Config{})
	for n := range MaxCharged + 1 {
		r.do(Misconduct{Peer: peer(n)})
	}
	if n := len(r.h.charged.list); n != MaxCharged || r.h.charged.list[0].peer != peer(1) {
		t.Errorf("%d are charged", n)
	}
	r = newRig(t, Config{InvalidLimit: 1})
	for n := range MaxBanned + 1 {
		r.do(Misconduct{Peer: peer(n)})
	}
	if n := len(r.h.banned.list); n != MaxBanned || r.h.banned.has(r.now, peer(0)) || !r.h.banned.has(r.now, peer(1)) {
		t.Errorf("%d are banned", n)
	}
}

// Strangers take turns: none is closed that some group uses, and places are left for
// this host's own choice.
func TestMaxLinks(t *testing.T) {
	r := newRig(t, Config{})
	r.do(Join{Name: square})
	r.member(square, alice)
	for n := range 2 * MaxLinks {
		r.link(peer(n))
		r.now++
	}
	if n := r.h.links.inbound(); n != MaxInboundLinks {
		t.Errorf("%d inbound links", n)
	}
	if r.h.links.get(alice) == nil {
		t.Error("strangers have pushed out a neighbour")
	}
	for n := range 2 * MaxLinks {
		r.do(protocol.LinkUp{Link: protocol.Link{Peer: peer(1000 + n), Outbound: true}})
	}
	if n := len(r.h.links.order); n > MaxLinks || n < MaxLinks-1 || r.h.links.get(alice) == nil {
		t.Errorf("%d links", n)
	}
}

// Where all links are of use, a newcomer is turned away, and who dialled hears it.
func TestNoRoom(t *testing.T) {
	r := newRig(t, Config{})
	for n := range MaxLinks {
		r.do(protocol.LinkUp{Link: protocol.Link{Peer: peer(n), Outbound: true}})
		r.h.claim(r.now, peer(n), hostGroup, &r.out)
	}
	r.settle()
	r.want(r.do(protocol.LinkUp{Link: protocol.Link{Peer: alice}}), "close alice")
	r.want(r.do(Contacts{Records: []gossipmembership.Record{testRecord(bob)}}), "dial bob")
	effects := r.do(protocol.LinkUp{Link: protocol.Link{Peer: bob, Outbound: true}})
	r.want(effects, "close bob")
	failed := slices.ContainsFunc(of[protocol.Event](effects), func(e protocol.Event) bool { return e.Name == "view.dial-failed" })
	if !failed || len(r.h.claims[bob]) > 0 {
		t.Error("the view still waits for the link")
	}
}

func TestLinger(t *testing.T) {
	r := newRig(t, Config{Linger: time.Second})
	r.do(Join{Name: square})
	r.member(square, alice)
	r.link(bob)
	r.want(r.sleep(999*time.Millisecond), "")
	r.want(r.sleep(time.Millisecond), "close bob")
	r.hear(alice, "", protocol.ObjectHost, pong{})
	r.hear(alice, square, protocol.ObjectView, gossipmembership.Disconnect{})
	r.wait(900 * time.Millisecond)
	if r.h.links.get(alice) == nil {
		t.Error("a link is closed before its time")
	}
	r.wait(200 * time.Millisecond)
	if r.h.links.get(alice) != nil {
		t.Error("a link without use stays")
	}
}

// Leaving a topic releases its claims, on links and on dials that still wait.
func TestLeaveReleases(t *testing.T) {
	r := newRig(t, Config{})
	r.do(Join{Name: square})
	r.member(square, alice)
	r.do(Contacts{Topic: protocol.TopicOf(square), Records: []gossipmembership.Record{testRecord(bob)}})
	r.h.leave(r.now, protocol.TopicOf(square))
	r.h.settle(r.now, &r.out)
	r.settle()
	for p, groups := range r.h.claims {
		if slices.Contains(groups, protocol.TopicOf(square)) {
			t.Errorf("%s is still claimed", string(p))
		}
	}
	r.do(Leave{Topic: protocol.TopicOf(square)})
}

func TestReplacedLink(t *testing.T) {
	r := joined(t)
	r.link(alice) // without LinkDown
	if slices.Contains(r.h.Neighbours(protocol.TopicOf(square)), alice) {
		t.Error("the new link is taken for the old one")
	}
	r.do(protocol.LinkDown{Peer: dave})
}

// A greeting makes its sender known, but no candidate; a ticket does both. Who has
// dialled in has not been reached.
func TestContacts(t *testing.T) {
	r := newRig(t, Config{})
	r.want(r.do(Contacts{From: alice, Records: []gossipmembership.Record{testRecord(alice)}}), "")
	if _, ok := r.h.book.Record(alice); !ok {
		t.Error("a greeting is not remembered")
	}
	hint := testRecord(bob)
	hint.Seq = 0
	r.want(r.do(Contacts{Records: []gossipmembership.Record{hint, testRecord(self)}}), "dial bob")
	r.link(alice)
	if got := r.h.Contacts(10); len(got) > 0 {
		t.Errorf("%s counts as reached", string(got[0].Peer))
	}
	r.do(protocol.LinkUp{Link: protocol.Link{Peer: bob, Outbound: true}})
	if got := r.h.Contacts(10); len(got) != 1 || got[0].Peer != bob {
		t.Errorf("%d count as reached", len(got))
	}
}

// Dials: so many at once, the next as soon as one ends in whatever way, and no more
// wait than the bound.
func TestDials(t *testing.T) {
	r := newRig(t, Config{})
	var dialled []protocol.PeerID
	note := func(effects []protocol.Effect) {
		for _, d := range of[Dial](effects) {
			dialled = append(dialled, d.Peer)
		}
	}
	want := func(n int) {
		t.Helper()
		if len(dialled) != n {
			t.Fatalf("%d dialled, want %d", len(dialled), n)
		}
	}
	claim := func(n int) {
		p := peer(n)
		r.h.book.Learn(r.now, testRecord(p), alice)
		r.h.claim(r.now, p, hostGroup, &r.out)
		r.h.settle(r.now, &r.out)
		note(r.settle())
	}
	for n := range MaxDials + MaxDialQueue {
		claim(n)
	}
	want(MaxDials)
	claim(MaxDials + MaxDialQueue)
	if len(r.h.claims[peer(MaxDials+MaxDialQueue)]) > 0 {
		t.Error("a dial beyond the bound is still claimed")
	}
	note(r.do(protocol.LinkUp{Link: protocol.Link{Peer: peer(0), Outbound: true}}))
	want(MaxDials + 1)
	note(r.do(protocol.DialFailed{Peer: peer(1), Reason: "refused"}))
	want(MaxDials + 2)
	r.h.release(r.now, peer(MaxDials+2), hostGroup) // waits, and is wanted no more
	for _, e := range r.wait(dialPatience) {        // the driver says nothing
		note([]protocol.Effect{e})
	}
	if slices.Contains(dialled, peer(MaxDials+2)) {
		t.Error("a dial that nobody wants any more is made")
	}
	want(2*MaxDials + 2)
	note(r.wait(5 * dialPatience))
	for n := range MaxDials + MaxDialQueue {
		if n != MaxDials+2 && !slices.Contains(dialled, peer(n)) {
			t.Errorf("%s was never dialled", string(peer(n)))
		}
	}
}

// A dial that comes to nothing for want of an address takes no other's turn.
func TestDialWithoutAddressTakesNoTurn(t *testing.T) {
	r := newRig(t, Config{})
	for n := range MaxDials + 2 {
		if n != MaxDials {
			r.h.book.Learn(r.now, testRecord(peer(n)), alice)
		}
		r.h.claim(r.now, peer(n), hostGroup, &r.out) // that of MaxDials waits, without an address
	}
	r.settle()
	r.want(r.do(protocol.DialFailed{Peer: peer(0), Reason: "refused"}), "dial "+string(peer(MaxDials+1)))
}

func TestDialWithoutAddress(t *testing.T) {
	r := newRig(t, Config{})
	hint := gossipmembership.Record{Peer: alice}
	r.want(r.do(Contacts{Records: []gossipmembership.Record{hint}}), "")
	if len(r.h.claims) > 0 || len(r.h.dials.list) > 0 {
		t.Error("a dial without an address is not over")
	}
}

// Who asks others about a silent peer: only answers of those that were asked count,
// each once.
func TestConfirmations(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice, bob, carol, dave, peer(1), peer(2))
	var asked []protocol.PeerID
	for range 30 { // all but alice speak
		for _, p := range []protocol.PeerID{bob, carol, dave, peer(1), peer(2)} {
			r.hear(p, "", protocol.ObjectHost, pong{})
		}
		_, to := sent[ask](r.wait(50 * time.Millisecond))
		asked = append(asked, to...)
	}
	if len(asked) != confirmersWanted {
		t.Fatalf("%d were asked", len(asked))
	}
	confirmed := func() int { return r.h.links.get(alice).live.confirmed }
	for _, p := range []protocol.PeerID{bob, carol, dave, peer(1), peer(2)} {
		before := confirmed()
		r.hear(p, "", protocol.ObjectHost, askReply{target: alice})
		r.hear(p, "", protocol.ObjectHost, askReply{target: alice})
		want := before
		if slices.Contains(asked, p) {
			want++
		}
		if confirmed() != want {
			t.Errorf("%s says twice what it was asked %v: %d confirmations, want %d", string(p), slices.Contains(asked, p), confirmed(), want)
		}
	}
	r.hear(alice, "", protocol.ObjectHost, askReply{target: alice})
	if l := r.h.links.get(alice); l.live.suspected || l.live.confirmed > 0 {
		t.Error("a peer that speaks is still suspected")
	}
	r.hear(bob, "", protocol.ObjectHost, askReply{target: alice})
	r.hear(bob, "", protocol.ObjectHost, askReply{target: "nobody"})
}

// Who is asked pings the third, and answers what it finds.
func TestAsked(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice, bob, carol)
	r.want(r.hear(bob, "", protocol.ObjectHost, ask{alice}), "ping to alice")
	r.want(r.hear(bob, "", protocol.ObjectHost, ask{alice}), "")
	r.want(r.hear(carol, "", protocol.ObjectHost, ask{alice}), "ping to alice")
	r.want(r.hear(alice, "", protocol.ObjectHost, pong{}), "askReply to bob, askReply to carol")
	r.want(r.hear(bob, "", protocol.ObjectHost, ask{bob}), "")
	r.want(r.hear(bob, "", protocol.ObjectHost, ask{dave}), "")
	r.hear(bob, "", protocol.ObjectHost, ask{alice})
	r.wait(1200 * time.Millisecond)
	r.hear(bob, "", protocol.ObjectHost, pong{})
	r.hear(carol, "", protocol.ObjectHost, pong{})
	replies, to := sent[askReply](r.wait(400 * time.Millisecond))
	if len(replies) != 1 || replies[0].heard || to[0] != bob {
		t.Errorf("got %v to %v, want one that says not heard", replies, names(to))
	}
}

// A flood of questions about third peers costs these no flood.
func TestAskFlood(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice, bob)
	pings := 0
	for range 1000 {
		list, to := sent[ping](r.hear(bob, "", protocol.ObjectHost, ask{alice}))
		for i := range list {
			if to[i] == alice {
				pings++
			}
		}
		r.hear(alice, "", protocol.ObjectHost, pong{})
	}
	if pings > askBurst {
		t.Errorf("1000 questions in no time bring %d pings", pings)
	}
	for n := range MaxAskers + 1 {
		r.link(peer(n))
		r.hear(peer(n), "", protocol.ObjectHost, ask{alice})
	}
	if n := len(r.h.links.get(alice).doubt.askers); n != MaxAskers {
		t.Errorf("%d wait for word of one link", n)
	}
}

func TestMaxTopics(t *testing.T) {
	r := newRig(t, Config{})
	for n := range MaxTopics + 1 {
		r.h.Handle(r.now, Join{Name: fmt.Sprint("topic ", n)}, &r.out)
	}
	r.settle()
	if n := len(r.h.topics.order); n != MaxTopics {
		t.Errorf("%d topics", n)
	}
	if r.h.Neighbours(protocol.TopicOf("topic 1024")) != nil || len(r.h.Explain(r.now).Topics) != MaxTopics {
		t.Error("a topic beyond the bound exists")
	}
}

// A topic joined late hears which links are silent: such a peer is not asked to
// become a neighbour.
func TestJoinKnowsSuspicions(t *testing.T) {
	for _, silent := range []bool{false, true} {
		r := newRig(t, Config{Linger: time.Hour})
		r.link(alice)
		if silent {
			r.wait(2 * time.Second)
		}
		r.do(Join{Name: square})
		asked := 0
		for _, e := range of[protocol.Send](r.do(Contacts{Topic: protocol.TopicOf(square), Records: []gossipmembership.Record{testRecord(alice)}})) {
			if _, ok := e.Msg.(gossipmembership.Neighbor); ok && e.Topic == protocol.TopicOf(square) {
				asked++
			}
		}
		if (asked == 0) != silent {
			t.Errorf("silent %v: asked %d times", silent, asked)
		}
	}
}
