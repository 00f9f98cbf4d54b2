package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

func topics(n int) (ids []protocol.TopicID) {
	for i := range n {
		ids = append(ids, protocol.TopicOf(fmt.Sprint("topic ", i)))
	}
	slices.SortFunc(ids, compareTopics)
	return ids
}

// A Find is answered for the topics joined, with this host and its neighbours, and
// walks on as long as it may.
func TestTakeFind(t *testing.T) {
	asked := []protocol.TopicID{protocol.TopicOf("nowhere"), protocol.TopicOf(square)}
	slices.SortFunc(asked, compareTopics)
	tests := []struct {
		name  string
		ttl   uint8
		last  bool
		links []protocol.PeerID
		want  string
		onTTL uint8
	}{
		{"walks on", 4, false, []protocol.PeerID{dave, bob}, "find to bob, found to dave", 3},
		{"a longer claim is cut", 200, false, []protocol.PeerID{dave, bob}, "find to bob, found to dave", MaxFindTTL - 1},
		{"the last host", 1, false, []protocol.PeerID{dave, bob}, "found to dave", 0},
		{"no host at all", 0, false, []protocol.PeerID{dave, bob}, "found to dave", 0},
		{"nowhere to go", 4, false, []protocol.PeerID{dave}, "found to dave", 0},
		{"only the last is to answer", 4, true, []protocol.PeerID{dave, bob}, "find to bob", 3},
		{"and this is it", 1, true, []protocol.PeerID{dave, bob}, "found to dave", 0},
		{"and it can go no further", 4, true, []protocol.PeerID{dave}, "found to dave", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.link(test.links...)
			r.do(Join{Name: square})
			effects := r.hear(dave, "", protocol.ObjectHost, find{nonce: 7, ttl: test.ttl, last: test.last, topics: asked})
			words := strings.Split(say(effects), ", ") // the order does not matter
			slices.Sort(words)
			if got := strings.Join(words, ", "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if on, _ := sent[find](effects); len(on) > 0 && (on[0].ttl != test.onTTL || on[0].last != test.last || !slices.Contains(on[0].topics, protocol.TopicOf("nowhere")) || test.last && len(on[0].topics) != 2) {
				t.Errorf("goes on as %+v, want a ttl of %d", on[0], test.onTTL)
			}
			answers, _ := sent[found](effects)
			if strings.Contains(test.want, "found") != (len(answers) == 1) {
				t.Fatalf("answered %v", answers)
			}
			if len(answers) > 0 && (answers[0].topic != protocol.TopicOf(square) || len(answers[0].records) != 1 || answers[0].records[0].Peer != self) {
				t.Errorf("answered %v", answers)
			}
			r.want(r.hear(dave, "", protocol.ObjectHost, find{nonce: 7, ttl: 4, topics: asked}), "") // a loop
		})
	}
}

// The answer names neighbours, never the one that asks, and no more than the bound.
func TestFoundNamesNeighbours(t *testing.T) {
	r := joined(t)
	var recs []gossipmembership.Record
	for _, p := range []protocol.PeerID{alice, bob, carol} {
		recs = append(recs, testRecord(p))
	}
	r.do(Contacts{Records: recs})
	answers, _ := sent[found](r.hear(alice, "", protocol.ObjectHost, find{nonce: 7, ttl: 1, topics: []protocol.TopicID{protocol.TopicOf(square)}}))
	if len(answers) != 1 || len(answers[0].records) != min(3, MaxFoundRecords) {
		t.Fatalf("got %v", answers)
	}
	for i, rec := range answers[0].records {
		if rec.Peer == alice || (i == 0) != (rec.Peer == self) {
			t.Errorf("record %d is %s's", i, string(rec.Peer))
		}
	}
}

// A host that is the last of a walk to its last names itself and others too.
func TestLastFoundNamesMembers(t *testing.T) {
	r := joined(t)
	r.do(Contacts{Records: []gossipmembership.Record{testRecord(bob), testRecord(carol)}})
	answers, _ := sent[found](r.hear(alice, "", protocol.ObjectHost, find{nonce: 7, ttl: 1, last: true, topics: []protocol.TopicID{protocol.TopicOf(square)}}))
	if len(answers) != 1 || len(answers[0].records) != 3 || answers[0].records[0].Peer != self {
		t.Errorf("answered %v", answers)
	}
}

// Answers go the walk's way back: from where it went, for what it sought, and no
// more than it visits hosts.
func TestFoundGoesBack(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice, bob, carol)
	ids := topics(2)
	effects := r.hear(alice, "", protocol.ObjectHost, find{nonce: 7, ttl: 3, topics: ids[:1]})
	_, to := sent[find](effects)
	if len(to) != 1 {
		t.Fatalf("got %s", say(effects))
	}
	next, third := to[0], bob
	if next == bob {
		third = carol
	}
	answer := found{nonce: 7, topic: ids[0], records: []gossipmembership.Record{testRecord(dave)}}
	r.want(r.hear(third, "", protocol.ObjectHost, answer), "")
	r.want(r.hear(alice, "", protocol.ObjectHost, answer), "")
	r.want(r.hear(next, "", protocol.ObjectHost, found{nonce: 8, topic: ids[0]}), "")
	r.want(r.hear(next, "", protocol.ObjectHost, found{nonce: 7, topic: ids[1]}), "")
	r.want(r.hear(next, "", protocol.ObjectHost, answer), "found to alice")
	r.want(r.hear(next, "", protocol.ObjectHost, answer), "found to alice") // the next but one
	r.want(r.hear(next, "", protocol.ObjectHost, answer), "")               // the walk ended there
	if _, ok := r.h.book.Record(dave); ok {
		t.Error("what was only passed on was taken in")
	}

	r.hear(alice, "", protocol.ObjectHost, find{nonce: 9, ttl: 2, topics: ids})
	l := r.h.links.get(alice)
	next = l.walks.find(r.now, 9).to
	r.do(protocol.LinkDown{Peer: alice})
	r.link(alice)
	r.want(r.hear(next, "", protocol.ObjectHost, found{nonce: 9, topic: ids[0]}), "")

	r.hear(alice, "", protocol.ObjectHost, find{nonce: 10, ttl: 2, topics: ids})
	next = r.h.links.get(alice).walks.find(r.now, 10).to
	r.now = r.now.Add(walkLife)
	if late, _ := sent[found](r.hear(next, "", protocol.ObjectHost, found{nonce: 10, topic: ids[0]})); len(late) > 0 {
		t.Error("a late answer is passed on")
	}
}

// This host's own walks: an answer is taken in where it was sought, and only there.
func TestOwnWalk(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice, bob)
	effects := r.do(Join{Name: square})
	finds, to := sent[find](effects)
	if len(finds) != findFanout || finds[0].nonce == finds[1].nonce || to[0] == to[1] || finds[0].ttl != MaxFindTTL {
		t.Fatalf("got %v to %s", finds, names(to))
	}
	answer := func(nonce uint64, p protocol.PeerID) found {
		return found{nonce: nonce, topic: protocol.TopicOf(square), records: []gossipmembership.Record{testRecord(p)}}
	}
	r.hear(to[1], "", protocol.ObjectHost, answer(finds[0].nonce, peer(1))) // not where it went
	r.hear(to[0], "", protocol.ObjectHost, answer(12345, peer(2)))          // unsolicited
	r.hear(to[0], "", protocol.ObjectHost, answer(finds[0].nonce, peer(3)))
	for n, want := range map[int]bool{1: false, 2: false, 3: true} {
		if _, ok := r.h.book.Record(peer(n)); ok != want {
			t.Errorf("record %d taken in: %v, want %v", n, ok, want)
		}
	}
	for n := range 2 * MaxFindTTL {
		r.hear(to[0], "", protocol.ObjectHost, answer(finds[0].nonce, peer(100+n)))
	}
	if _, ok := r.h.book.Record(peer(100 + MaxFindTTL)); ok {
		t.Error("more answers than the walk visits hosts were taken in")
	}
	r.do(Leave{Topic: protocol.TopicOf(square)})
	r.hear(to[1], "", protocol.ObjectHost, answer(finds[1].nonce, peer(4)))
	if _, ok := r.h.book.Record(peer(4)); ok {
		t.Error("an answer for a topic left was taken in")
	}
}

// Members are sought at once over a new link, ever more rarely, and at once again
// when the last neighbour is gone.
func TestFindPace(t *testing.T) {
	r := newRig(t, Config{Linger: 24 * time.Hour})
	r.do(Join{Name: square})
	if finds, _ := sent[find](r.wait(time.Minute)); len(finds) > 0 {
		t.Error("a Find without a link")
	}
	keep := func(d time.Duration) (n int) { // alice speaks all the while
		for end := r.now.Add(d); r.now < end; {
			effects := r.hear(alice, square, protocol.ObjectView, gossipmembership.Present{Degree: 1})
			finds, _ := sent[find](append(effects, r.wait(200*time.Millisecond)...))
			n += len(finds)
		}
		return n
	}
	finds, _ := sent[find](r.do(protocol.LinkUp{Link: protocol.Link{Peer: alice}}))
	if len(finds) == 0 {
		t.Error("a new link is not asked")
	}
	if n := keep(time.Minute); n < 4 || n > 12 {
		t.Errorf("%d Finds in a minute without neighbours", n)
	}
	r.member(square, alice)
	keep(10 * time.Minute)
	if n := keep(20 * time.Minute); n < 3 || n > 6 {
		t.Errorf("%d Finds in 20 minutes with a neighbour", n)
	}
	r.hear(alice, square, protocol.ObjectView, gossipmembership.Disconnect{})
	if n := keep(1200 * time.Millisecond); n == 0 {
		t.Error("no Find when the last neighbour is gone")
	}
}

// A flood of Finds by one link is cut to its rate, and takes nothing from others'.
func TestFindFlood(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.link(alice, bob, carol)
	r.hear(alice, "", protocol.ObjectHost, find{nonce: 1, ttl: 3, topics: topics(1)})
	next := r.h.links.get(alice).walks.find(r.now, 1).to
	passed := 0
	for n := range 1000 {
		finds, _ := sent[find](r.hear(bob, "", protocol.ObjectHost, find{nonce: uint64(1000 + n), ttl: 3, topics: topics(1)}))
		passed += len(finds)
	}
	if passed != walkBurst {
		t.Errorf("%d of 1000 Finds in no time go on, want %d", passed, walkBurst)
	}
	most := 0
	for n := range 1100 {
		r.hear(bob, "", protocol.ObjectHost, find{nonce: uint64(5000 + n), ttl: 3, topics: topics(1)})
		r.wait(5 * time.Millisecond)
		most = max(most, len(r.h.links.get(bob).walks))
	}
	if most != MaxWalksPerLink {
		t.Errorf("%d walks of one link are remembered, want the bound", most)
	}
	if w := r.h.links.get(alice).walks.find(r.now, 1); w == nil {
		t.Error("another link's walk is forgotten")
	} else {
		r.want(r.hear(next, "", protocol.ObjectHost, found{nonce: 1, topic: topics(1)[0]}), "found to alice")
	}
}

func TestMaxOwnWalks(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	for n := range MaxTopics {
		r.h.Handle(r.now, Join{Name: fmt.Sprint("topic ", n)}, &r.out)
	}
	for n := range 16 {
		r.link(peer(n)) // each is asked for all topics
		finds, _ := sent[find](r.settle())
		for _, f := range finds {
			if len(f.topics) > MaxFindTopics {
				t.Fatalf("a Find for %d topics", len(f.topics))
			}
		}
	}
	if n := len(r.h.find.own); n != MaxOwnWalks {
		t.Errorf("%d own walks", n)
	}
}

// TestWalksLetGo: what is remembered of walks does not stay when their time is over.
func TestWalksLetGo(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.do(Join{Name: square})
	r.link(alice)
	r.link(bob)
	r.hear(alice, "", protocol.ObjectHost, find{nonce: 7, ttl: 2, topics: []protocol.TopicID{protocol.TopicOf(square)}})
	if l := r.h.links.get(alice); len(l.walks) == 0 || len(r.h.find.own) == 0 {
		t.Fatalf("%d walks by alice, %d own", len(l.walks), len(r.h.find.own))
	}
	for range 100 {
		r.now = r.now.Add(walkLife / 50)
		r.hear(alice, "", protocol.ObjectHost, pong{})
		r.hear(bob, "", protocol.ObjectHost, pong{})
		if r.h.links.get(alice).walks == nil {
			return
		}
	}
	t.Error("the walk that came by alice is remembered for ever")
}

// A walk goes on for what nobody has answered for, and for three of four topics
// that somebody has: one that all take part in is asked of three hosts in the mean.
func TestWalksEndWhereTheyAreAnswered(t *testing.T) {
	r := newRig(t, Config{})
	r.do(Join{Name: square})
	known, unknown := protocol.TopicOf(square), protocol.TopicOf("nowhere")
	const tries = 1000
	on := map[protocol.TopicID]int{}
	for range tries {
		for _, id := range r.h.leadOn(find{topics: []protocol.TopicID{known, unknown}}) {
			on[id]++
		}
	}
	if on[unknown] != tries || on[known] < tries*3/4-100 || on[known] > tries*3/4+100 {
		t.Errorf("of %d walks %d go on for a topic answered for, %d for another", tries, on[known], on[unknown])
	}
	if all := r.h.leadOn(find{last: true, topics: []protocol.TopicID{known}}); len(all) != 1 {
		t.Error("a walk to its last host ends before it")
	}
}
