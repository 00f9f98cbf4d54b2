package gossip

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestPublishFloodsThenAnnounces(t *testing.T) {
	s := newScript(t, "abc")
	s.do(accept("", "x"), "a<carry:x b<carry:x c<carry:x")
	s.lazy("bc")
	s.do(accept("", "y"), "a<carry:y")
	s.pass(9*time.Millisecond, "")
	s.do(accept("", "z"), "a<carry:z")
	s.pass(time.Millisecond, "b<lazy:yz c<lazy:yz") // both in one message
}

func TestForwardsToNobodyWhoHasIt(t *testing.T) {
	s := newScript(t, "abcd")
	s.lazy("cd")
	s.do(carry("a", "x"), "a>x")
	s.do(ihave("c", true, "x"), "")
	s.do(accept("a", "x"), "b<carry:x")
	s.do(ihave("d", true, "x"), "") // before ours is sent
	s.pass(time.Second, "")
}

func TestHopsAreCounted(t *testing.T) {
	s := newScript(t, "ab")
	for _, tc := range []struct{ in, out uint8 }{{0, 1}, {7, 8}, {255, 255}} {
		s.m.Handle(s.now, from("a", protocol.Carry{Item: testItem("x"), Hops: tc.in}), &s.out)
		for _, e := range s.out.Take() {
			if a, ok := e.(protocol.Arrive); ok && a.Hops != tc.out {
				t.Errorf("an item that crossed %d links arrives with %d, want %d", tc.in, a.Hops, tc.out)
			}
		}
	}
	s.m.Handle(s.now, protocol.Accepted{Item: testItem("x"), From: "a", Hops: 8}, &s.out)
	if c := s.out.Take()[0].(protocol.Send).Msg.(protocol.Carry); c.Hops != 8 {
		t.Errorf("passed on with %d hops, want 8", c.Hops)
	}
}

func TestCongestedIsToldLater(t *testing.T) {
	s := newScript(t, "ab")
	s.do(protocol.Congested{Peer: "b"}, "")
	s.do(accept("", "x"), "a<carry:x") // a is not held up
	s.do(accept("", "y"), "a<carry:y")
	s.pass(time.Second, "")
	s.do(protocol.Drained{Peer: "b"}, "")
	s.pass(0, "b<have:xy")
	s.do(accept("", "z"), "a<carry:z b<carry:z")
}

func TestDroppedIsAnnounced(t *testing.T) {
	s := newScript(t, "a")
	s.do(accept("", "x"), "a<carry:x")
	s.do(protocol.SendDropped{Peer: "a", Class: protocol.Fresh, Item: testItem("x")}, "")
	s.do(protocol.SendDropped{Peer: "a", Class: protocol.Control}, "")
	s.do(protocol.SendDropped{Peer: "q", Class: protocol.Fresh, Item: testItem("x")}, "")
	s.pass(time.Second, "a<have:x")
}

func TestRepairedIsNotPushed(t *testing.T) {
	repaired := func(item string) protocol.Input {
		return protocol.Accepted{Item: testItem(item), From: "a", Via: protocol.ObjectRepair, Repaired: true}
	}
	t.Run("of unknown age", func(t *testing.T) {
		s := newScript(t, "abc")
		s.do(repaired("x"), "")
		s.pass(time.Second, "")
	})
	t.Run("announced lately", func(t *testing.T) {
		s := newScript(t, "abc")
		s.do(ihave("b", true, "x"), "") // and the link to b is lazy now
		s.do(repaired("x"), "")
		s.pass(time.Second, "c<have:x")
	})
	t.Run("asked for here", func(t *testing.T) {
		s := newScript(t, "abc")
		s.do(ihave("b", true, "x"), "")
		s.pass(63*time.Millisecond, "b<once:x")
		s.do(answer("b", "x"), "b>x")
		s.do(protocol.Accepted{Item: testItem("x"), From: "b", Via: protocol.ObjectGossip, Repaired: true},
			"a<carry:x c<carry:x")
	})
}

func TestAnswersAGraft(t *testing.T) {
	s := newScript(t, "ab")
	s.do(accept("", "x"), "a<carry:x b<carry:x")
	s.lazy("b")
	s.do(graftOf("b", true, "x", "y"), "b<fetch:x") // y was never here
	s.do(accept("", "p"), "a<carry:p")              // asked once: still lazy
	s.pass(10*time.Millisecond, "b<lazy:p")
	s.do(graftOf("b", false, "x"), "b<fetch:x")
	s.do(accept("", "q"), "a<carry:q b<carry:q")
	s.do(graftOf("b", false, "x"), "") // MaxAnswers
	s.do(graftOf("c", false, "q"), "") // a stranger
	s.pass(31*time.Second, "")
	s.do(graftOf("a", false, "q"), "") // too old
}

func TestOldIsNotAnnounced(t *testing.T) {
	s := newScript(t, "a")
	s.do(protocol.Congested{Peer: "a"}, "")
	s.do(accept("", "x"), "")
	s.pass(31*time.Second, "")
	s.do(accept("", "y"), "")
	s.do(protocol.Drained{Peer: "a"}, "")
	s.pass(0, "a<have:y")
}

func TestDrainAnnouncesAtOnce(t *testing.T) {
	s := newScript(t, "ab")
	s.lazy("b")
	s.do(accept("", "x"), "a<carry:x")
	s.do(protocol.Drain{}, "b<lazy:x")
	s.pass(time.Second, "")
}
