package gossipmembership

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// After the first refusals the pause doubles with each, to a bound that depends on how many
// neighbours there are, and a loss ends it.
func TestPace(t *testing.T) {
	steady := func(d time.Duration) time.Duration { return d }
	for _, c := range []struct {
		refusals, speaking int
		want               time.Duration
	}{
		{0, 5, 0},
		{freeRefusals, 5, 0},
		{freeRefusals + 1, 5, time.Second},
		{freeRefusals + 3, 5, 4 * time.Second},
		{freeRefusals + 40, 5, paceEnough},
		{freeRefusals + 40, fewNeighbors, paceFew},
		{freeRefusals + 1, fewNeighbors, time.Second},
		{freeRefusals + 40, 0, 0},
	} {
		var p pace
		at := protocol.Time(5 * time.Second)
		for range c.refusals {
			p.refused(at, steady)
		}
		if got := p.next(c.speaking).Sub(p.since); got != c.want {
			t.Errorf("after %d refusals, with %d neighbours, the pause is %v, want %v", c.refusals, c.speaking, got, c.want)
		}
		if p.reset(); p.next(c.speaking) > at {
			t.Errorf("after a loss the next request waits until %v", p.next(c.speaking))
		}
	}
}

// A view that is one neighbour short, where everybody refuses, does not ask one after
// the other; when it loses a neighbour it asks at once.
func TestRefusedViewSlowsDown(t *testing.T) {
	x := newViewTest(t, ViewConfig{MinActive: 6, RotateEvery: time.Hour, RecontactEvery: time.Hour, ShuffleEvery: time.Hour, PresentEvery: time.Hour})
	x.inbound(1, 4)
	var others []PeerID
	for n := 100; n < 130; n++ {
		others = append(others, testPeer(n))
	}
	asked := 0
	refuse := func(effects []protocol.Effect) {
		for len(effects) > 0 {
			e := effects[0]
			effects = effects[1:]
			if d, ok := e.(protocol.Dial); ok {
				asked++
				ask := x.do(protocol.LinkUp{Link: protocol.Link{Peer: d.Peer, Outbound: true}})
				effects = append(effects, x.do(protocol.Received{From: protocol.Origin{Peer: d.Peer, Authenticated: true},
					Msg: NeighborReply{Nonce: nonceOf(ask)}, At: x.now})...)
				effects = append(effects, x.do(protocol.LinkDown{Peer: d.Peer, Reason: "unused"})...)
			}
		}
	}
	refuse(x.do(Candidates{Peers: others}))
	for range 60 {
		refuse(x.wait(time.Second))
		for n := 1; n <= 4; n++ {
			x.hear(n, Present{Degree: 5})
		}
	}
	if asked < freeRefusals || asked > 2*freeRefusals+10 {
		t.Errorf("asked %d members in a minute, want some forty", asked)
	}
	before := asked
	refuse(x.do(protocol.LinkDown{Peer: testPeer(1), Reason: "dead"}))
	refuse(x.wait(time.Second))
	if asked == before {
		t.Error("a loss makes it ask nobody")
	}
}

// walled is a book by which some peers cannot be dialled.
type walled struct {
	*SimpleBook
	behind map[PeerID]bool
}

func (b walled) Dialable(p PeerID) bool { return !b.behind[p] }

// Who cannot be dialled is no member to try, unless there is a link.
func TestUndialableIsNoMember(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.v.book = walled{x.book, map[PeerID]bool{testPeer(1): true, testPeer(3): true}}
	x.do(protocol.LinkUp{Link: protocol.Link{Peer: testPeer(3)}})
	effects := x.do(Candidates{Peers: []PeerID{testPeer(1), testPeer(2), testPeer(3)}})
	for _, e := range effects {
		if d, ok := e.(protocol.Dial); ok && d.Peer != testPeer(2) {
			t.Errorf("dials %v", d.Peer)
		}
	}
	if x.v.memberIndex(testPeer(1)) >= 0 || x.v.memberIndex(testPeer(2)) < 0 || x.v.memberIndex(testPeer(3)) < 0 {
		t.Errorf("members to try: %v", x.v.passive)
	}
}
