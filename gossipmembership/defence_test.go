package gossipmembership

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Strangers get free places or none; two more are for newcomers.
func TestInboundPlaces(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 4)
	x.link(5)
	x.want(x.hear(5, Neighbor{Nonce: 5, Degree: 1, Want: 3}), "no+1")
	x.want(x.hear(5, Neighbor{Nonce: 6, Degree: 1, Want: 3}), "no+0") // not again for 10 s
	x.link(6)
	x.link(7)
	x.link(8)
	x.want(x.hear(6, Neighbor{Nonce: 6}), "up", "yes")
	x.want(x.hear(7, Neighbor{Nonce: 7}), "up", "yes")
	x.want(x.hear(8, Neighbor{Nonce: 8}), "no+0")
	x.want(x.hear(7, Neighbor{Nonce: 9}), "yes") // asked again, accepted again
	if got := x.v.inbound(); got != 6 {
		t.Errorf("%d inbound, want 6", got)
	}
}

// A newcomer's place is relieved once it has other neighbours, and nobody else's.
func TestOnlyNewcomersAreRelieved(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 4)
	x.link(5)
	x.want(x.hear(5, Neighbor{Nonce: 5}), "up", "yes")
	for n := 1; n <= 4; n++ {
		x.hear(n, Present{Degree: 8})
	}
	x.hear(5, Present{Degree: 1})
	x.want(only(x.wait(80*time.Second), "bye:relieved"))
	x.hear(5, Present{Degree: 6})
	bye := only(x.wait(80*time.Second), "bye:relieved")
	x.want(bye, "bye:relieved")
	if to := bye[0].(protocol.Send).To; to != testPeer(5) {
		t.Errorf("%v is relieved", to)
	}
}

// A flood of strangers evicts nobody, whatever they say and however often.
func TestFloodEvictsNobody(t *testing.T) {
	sweep(t, 2, func(t *testing.T, seed uint64) {
		w := newTestNet(t, seed, 140, ViewConfig{})
		for i := 40; i < 140; i++ {
			w.adverse[i] = true
		}
		for i, h := range w.hosts[:40] {
			w.start(h, max(0, i-1))
			w.run(200 * time.Millisecond)
		}
		w.run(3 * time.Minute)
		victim := w.hosts[5]
		before := victim.view.Neighbors()
		clear(victim.downs)
		for round := range 50 {
			for i := 40; i < 140; i++ {
				if round == 0 {
					w.link(w.hosts[i], victim)
				}
				degree := 0
				if i%2 == 0 {
					degree = 7
				}
				w.send(w.hosts[i], victim.id, Neighbor{Nonce: uint64(round), Degree: degree, Want: 8})
				w.send(w.hosts[i], victim.id, NeighborReply{Nonce: uint64(round), Accept: true, Records: []Record{testRecord(i, 1)}})
				w.send(w.hosts[i], victim.id, Disconnect{Reason: ReasonRelieved})
				w.send(w.hosts[i], victim.id, Present{Degree: 1})
				w.send(w.hosts[i], victim.id, Shuffle{Nonce: uint64(round), Records: []Record{testRecord(i, 1)}})
			}
			w.run(300 * time.Millisecond)
		}
		for _, n := range before {
			if why, lost := victim.downs[n]; lost && why != "rotated" {
				t.Errorf("neighbour %v has lost its place: %s", n, why)
			}
		}
		honest := 0
		for _, n := range victim.view.active {
			if n.outbound && w.by[n.peer].n < 40 {
				honest++
			}
		}
		if honest < victim.view.cfg.TargetOutbound {
			t.Errorf("%d honest neighbours of the victim's choice, want %d", honest, victim.view.cfg.TargetOutbound)
		}
	})
}

// Shuffles are answered for neighbours, once a second, and without what would
// make others dial unverified addresses.
func TestShuffleAnswers(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 2)
	x.book.Hint(testPeer(2), []string{"address"}) // no record: not passed on
	effects := x.hear(1, Shuffle{Nonce: 3, Degree: 2, Records: []Record{testRecord(1, 4), testRecord(9, 4)}})
	x.want(only(effects, "shuffled"), "shuffled")
	reply := only(effects, "shuffled")[0].(protocol.Send).Msg.(ShuffleReply)
	if reply.Nonce != 3 || len(reply.Records) != 1 || reply.Records[0].Peer != testPeer(selfN) {
		t.Errorf("reply %+v", reply)
	}
	if _, ok := x.book.Record(testPeer(9)); !ok || x.v.memberIndex(testPeer(9)) < 0 {
		t.Error("has not learnt from a neighbour's shuffle")
	}
	x.want(only(x.hear(1, Shuffle{Nonce: 4}), "shuffled"))
	x.wait(shuffleGap)
	x.want(only(x.hear(1, Shuffle{Nonce: 5}), "shuffled"), "shuffled")
}

// The answer to a shuffle is taken from the peer asked, with its nonce, in time,
// and once.
func TestShuffleReplyMustMatch(t *testing.T) {
	tests := []struct {
		name  string
		from  func(asked int) int
		nonce uint64
		late  time.Duration
		twice bool
		want  bool
	}{
		{name: "as asked", want: true},
		{name: "another neighbour's", from: func(asked int) int { return 3 - asked }},
		{name: "another nonce", nonce: 1},
		{name: "late", late: 3 * time.Second},
		{name: "the second", twice: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := newViewTest(t, ViewConfig{})
			x.inbound(1, 2)
			var shuffle []protocol.Effect
			for len(shuffle) == 0 {
				shuffle = only(x.wait(100*time.Millisecond), "shuffle")
			}
			from := 1
			if shuffle[0].(protocol.Send).To == testPeer(2) {
				from = 2
			}
			nonce := nonceOf(shuffle) + test.nonce
			if test.from != nil {
				from = test.from(from)
			}
			if test.twice {
				x.hear(from, ShuffleReply{Nonce: nonce})
			}
			x.now = x.now.Add(test.late)
			x.hear(from, ShuffleReply{Nonce: nonce, Degree: 2, Records: []Record{testRecord(9, 1)}})
			if got := x.v.memberIndex(testPeer(9)) >= 0; got != test.want {
				t.Errorf("learnt from it: %v, want %v", got, test.want)
			}
		})
	}
}

func TestSilentNeighborIsDropped(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 1)
	x.want(only(x.wait(209*time.Second), "down:silent"))
	x.want(only(x.wait(2*time.Second), "down:silent"), "down:silent")
}

// A rotation puts a random member in the place of a neighbour of this peer's choice.
func TestRotation(t *testing.T) {
	x := newViewTest(t, ViewConfig{MinActive: 3})
	for n := 1; n <= 3; n++ {
		x.outbound(n)
	}
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(4)}}))
	x.want(only(x.wait(10*time.Second), "dial"), "dial")
	effects := x.do(protocol.LinkUp{Link: protocol.Link{Peer: testPeer(4), Outbound: true}})
	x.want(effects, "ask")
	x.want(x.hear(4, NeighborReply{Nonce: nonceOf(effects), Accept: true}),
		"bye:rotated", "down:rotated", "close", "up")
	if len(x.v.active) != 3 || x.v.missing() != 0 {
		t.Errorf("%d neighbours after a rotation", len(x.v.active))
	}
}

// A rotation whose request crosses the other's own is one all the same.
func TestRotationCrossed(t *testing.T) {
	x := newViewTest(t, ViewConfig{MinActive: 3})
	for n := 1; n <= 3; n++ {
		x.outbound(n)
	}
	x.link(4)
	x.do(Candidates{Peers: []PeerID{testPeer(4)}})
	for len(x.v.asks) == 0 {
		x.wait(100 * time.Millisecond)
	}
	x.want(x.hear(4, Neighbor{Nonce: 1, Degree: 3}), "bye:rotated", "down:rotated", "close", "up", "yes")
}

// What others have chosen since makes a link of one's own choice superfluous, and
// it is given back where the other can spare it.
func TestTrim(t *testing.T) {
	x := newViewTest(t, ViewConfig{MinActive: 3, TargetOutbound: 2})
	x.outbound(1)
	x.outbound(2)
	x.outbound(3)
	x.inbound(4, 5)
	x.v.trim(x.now, &x.out)
	x.want(x.take()) // none can spare it
	x.hear(2, Present{Degree: 4})
	x.hear(5, Present{Degree: 8})
	x.v.trim(x.now, &x.out)
	effects := x.take()
	x.want(effects, "bye:rotated", "down:rotated", "close")
	if to := effects[0].(protocol.Send).To; to != testPeer(2) {
		t.Errorf("%v is given back", to)
	}
	x.hear(1, Present{Degree: 8})
	x.v.trim(x.now, &x.out)
	x.want(x.take()) // two of its choice are its target
}

// A peer that is being asked may say that it is one's neighbour before it answers.
func TestPresentFromPeerBeingAsked(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.link(1)
	ask := x.do(Candidates{Peers: []PeerID{testPeer(1)}})
	x.want(x.hear(1, Present{Degree: 1}))
	x.want(x.hear(1, NeighborReply{Nonce: nonceOf(ask), Accept: true}), "up")
}

func TestRotationRefused(t *testing.T) {
	x := newViewTest(t, ViewConfig{MinActive: 3})
	for n := 1; n <= 3; n++ {
		x.outbound(n)
	}
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(4)}}))
	x.wait(10 * time.Second)
	effects := x.do(protocol.LinkUp{Link: protocol.Link{Peer: testPeer(4), Outbound: true}})
	x.want(x.hear(4, NeighborReply{Nonce: nonceOf(effects), Degree: 8}), "close")
	if len(x.v.active) != 3 {
		t.Errorf("%d neighbours after a refusal", len(x.v.active))
	}
}

// Neighbours that fall silent make room for others, and coming back they must not
// have taken what belongs to the peer's own choice.
func TestSilentStrangersDoNotWidenTheDoor(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.inbound(1, 4)
	for n := 1; n <= 4; n++ {
		x.do(protocol.LinkSuspected{Peer: testPeer(n)})
	}
	for n := 5; n <= 20; n++ {
		x.link(n)
		x.hear(n, Neighbor{Nonce: uint64(n), Degree: n % 2})
	}
	limit := x.v.cfg.MaxInbound + x.v.cfg.Overflow
	if got := x.v.inbound(); got <= 4 || got > limit {
		t.Fatalf("%d inbound neighbours, four of them silent; want 5 to %d", got, limit)
	}
	for n := 1; n <= 4; n++ {
		x.do(protocol.LinkRestored{Peer: testPeer(n)})
	}
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(31), testPeer(32), testPeer(33)}}), "dial", "dial")
}

// Who comes and goes does not drive the peer to exchange neighbours of its choice.
func TestComingAndGoingDoesNotRotate(t *testing.T) {
	x := newViewTest(t, ViewConfig{MinActive: 3})
	for n := 1; n <= 3; n++ {
		x.outbound(n)
	}
	x.wait(time.Second)
	at := x.v.rotateAt
	x.inbound(10, 10)
	x.do(protocol.LinkSuspected{Peer: testPeer(10)})
	x.do(protocol.LinkDown{Peer: testPeer(10), Reason: "gone"})
	if x.v.rotateAt != at {
		t.Errorf("a stranger's going brings a rotation forward by %v", at.Sub(x.v.rotateAt))
	}
	x.do(protocol.LinkDown{Peer: testPeer(1), Reason: "gone"})
	if x.v.rotateAt >= at {
		t.Error("the loss of a neighbour of its choice does not")
	}
}
