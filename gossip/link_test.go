package gossip

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// eager is which neighbours' links are held eager.
func (s *script) eager(want string) {
	s.t.Helper()
	got := ""
	for _, n := range s.m.neighbours {
		if n.eager {
			got += string(n.peer)
		}
	}
	if got != want {
		s.t.Errorf("at %v: eager links to %q, want %q", time.Duration(s.now), got, want)
	}
}

func TestDuplicatePrunes(t *testing.T) {
	s := newScript(t, "abc")
	s.do(carry("a", "x"), "a>x")
	s.do(accept("a", "x"), "b<carry:x c<carry:x")
	s.do(carry("b", "x"), "b>x")
	s.do(refuse("b", "x"), "b<prune")
	s.eager("ac")
}

func TestDuplicateOfOwnPrunes(t *testing.T) {
	s := newScript(t, "ab")
	s.do(accept("", "x"), "a<carry:x b<carry:x")
	s.do(carry("b", "x"), "b>x")
	s.do(refuse("b", "x"), "b<prune")
}

// Copies of two items cross: the first of x came from a, the first of y from b.
func TestCrossingDuplicatesLeaveAParent(t *testing.T) {
	s := newScript(t, "ab")
	s.do(carry("a", "x"), "a>x")
	s.do(accept("a", "x"), "b<carry:x")
	s.do(carry("b", "y"), "b>y")
	s.do(accept("b", "y"), "a<carry:y")
	s.do(carry("a", "y"), "a>y")
	s.do(refuse("a", "y"), "a<prune")
	s.do(carry("b", "x"), "b>x")
	s.do(refuse("b", "x"), "")
	s.eager("b")
}

func TestDuplicateOfRepairedPrunesNobody(t *testing.T) {
	s := newScript(t, "ab")
	s.do(protocol.Accepted{Item: testItem("x"), From: "b", Via: protocol.ObjectRepair, Repaired: true}, "")
	s.do(carry("a", "x"), "a>x")
	s.do(refuse("a", "x"), "")
	s.eager("ab")
}

// While publishers cross, a Prune is held back for up to four round trips.
func TestPruneIsHeldBackWherePublishersCross(t *testing.T) {
	s := newScript(t, "ab")
	deliver := func(author protocol.PeerID, seq uint64, by protocol.PeerID) *protocol.Item {
		it := protocol.NewItem(topicName, author, seq, nil)
		s.m.Handle(s.now, from(string(by), protocol.Carry{Item: it}), &s.out)
		s.m.Handle(s.now, protocol.Accepted{Item: it, From: by}, &s.out)
		s.out.Take()
		return it
	}
	deliver("author1", 1, "a")
	for i := range uint64(50) {
		it := deliver("author2", i, "a")
		s.m.Handle(s.now, from("b", protocol.Carry{Item: it}), &s.out)
		s.out.Take()
		s.m.Handle(s.now, protocol.Duplicate{ID: it.ID, From: "b"}, &s.out)
		s.out.Take()
		if deliver("author1", 100+i, "a"); !s.m.find("b").eager {
			if i == 0 {
				t.Error("pruned at once")
			}
			return
		}
		s.pass(5*time.Millisecond, "")
	}
	t.Error("not pruned within 250 ms")
}

func TestRunOfDuplicatesEndsWithAFirstCopy(t *testing.T) {
	s := newScript(t, "ab")
	n := s.m.find("b")
	s.m.crossed.until = protocol.Never
	if s.m.ripe(s.now, n) {
		t.Fatal("ripe at once")
	}
	s.do(carry("b", "x"), "b>x")
	s.do(accept("b", "x"), "a<carry:x")
	if n.run.open {
		t.Error("a first copy did not end the run")
	}
	s.m.crossed.until = protocol.Never
	s.m.ripe(s.now, n)
	first := n.run.prune
	s.now = s.now.Add(runGap)
	s.m.ripe(s.now, n)
	if n.run.prune == first {
		t.Error("a long pause did not end the run")
	}
}

func TestPushOverLazyLink(t *testing.T) {
	s := newScript(t, "ab")
	s.lazy("b")
	s.do(carry("b", "x"), "b>x") // b holds the link eager, and its copy is the first
	s.do(accept("b", "x"), "a<carry:x")
	s.eager("ab")

	s = newScript(t, "ab")
	s.lazy("b")
	s.do(carry("a", "x"), "a>x")
	s.do(accept("a", "x"), "")
	s.pass(10*time.Millisecond, "b<lazy:x")
	s.do(carry("b", "x"), "b>x") // b has not heard of the Prune
	s.do(refuse("b", "x"), "b<prune")
	s.do(refuse("b", "x"), "") // in flight
	s.pass(time.Second, "")
	s.do(refuse("b", "x"), "b<prune") // lost, it seems
}

func TestGivesInToALazyEnd(t *testing.T) {
	s := newScript(t, "ab")
	s.do(ihave("b", true, "x"), "")
	s.eager("a")
	s.do(ihave("a", false, "x"), "") // not lazy: a only did not push this one
	s.eager("a")
}

func TestLostGraftIsRepeated(t *testing.T) {
	s := newScript(t, "abc")
	s.lazy("bc")
	s.do(leave("a"), "b<graft:")
	s.do(ihave("b", true), "") // sent before the Graft arrived
	s.eager("b")
	for range maxGrafting - 1 {
		s.pass(100*time.Millisecond, "")
		s.do(ihave("b", true), "b<graft:")
	}
	s.pass(100*time.Millisecond, "")
	s.do(ihave("b", true), "") // it will not have it
	s.eager("")
}

func TestSuspectedIsRoutedAround(t *testing.T) {
	s := newScript(t, "abc")
	s.do(join("d", 5*time.Millisecond), "")
	s.lazy("cd")
	s.do(ihave("a", false, "x"), "")
	s.do(ihave("d", true, "x"), "")
	s.do(protocol.LinkSuspected{Peer: "a"}, "d<graft:") // the nearest
	s.do(protocol.LinkSuspected{Peer: "a"}, "")
	s.eager("bd")
	s.pass(65*time.Millisecond, "d<graft:x") // not of a, who was first
	s.do(protocol.LinkRestored{Peer: "a"}, "")
	s.eager("bd")
}

func TestRestoredWhereNothingElseIsEager(t *testing.T) {
	s := newScript(t, "a")
	s.do(protocol.LinkSuspected{Peer: "a"}, "")
	s.do(protocol.LinkRestored{Peer: "a"}, "a<graft:")
}

func TestAskedOfASuspectMovesOn(t *testing.T) {
	s := newScript(t, "abc")
	s.do(protocol.LinkRTT{Peer: "b", RTT: 2 * time.Second}, "")
	s.lazy("ac")
	s.do(ihave("b", false, "y"), "")
	s.pass(2500*time.Millisecond, "b<graft:y") // the wait is maxWait and some
	s.do(ihave("c", true, "y"), "")
	s.do(protocol.LinkSuspected{Peer: "b"}, "a<graft:")
	s.pass(0, "c<once:y")
	s.do(protocol.LinkDown{Peer: "c"}, "")
	s.pass(0, "b<once:y")
}

func TestLostNeighbourIsForgotten(t *testing.T) {
	s := newScript(t, "abc")
	s.lazy("c")
	s.do(carry("b", "x"), "b>x")
	s.do(accept("b", "x"), "a<carry:x")
	s.do(ihave("b", false, "y"), "")
	s.do(carry("b", "z"), "b>z") // with the container when b goes
	s.do(protocol.LinkDown{Peer: "b"}, "c<graft:")
	s.do(leave("b"), "")
	s.do(join("d", 0), "") // takes b's slot, and has neither x nor y nor z
	s.do(accept("b", "z"), "a<carry:z c<carry:z d<carry:z")
	s.do(carry("a", "x"), "a>x")
	s.do(refuse("a", "x"), "")      // b, whose copy was first, has gone
	s.pass(time.Minute, "c<have:x") // and nobody is asked for y
}

// A lazy neighbour is always 30 ms ahead of what a pushes.
func TestFasterLinkIsSwappedIn(t *testing.T) {
	s := newScript(t, "abc")
	s.lazy("bc")
	grafted := ""
	items := 0
	for range 40 {
		it := protocol.NewItem(topicName, "author", uint64(s.now), nil)
		have := IHave{Lazy: true, Items: []Announcement{{it.ID, len(it.Bytes)}}}
		s.m.Handle(s.now, from("c", have), &s.out)
		s.now += 25 * ms
		s.m.Handle(s.now, from("b", have), &s.out) // not far enough ahead
		s.now += 5 * ms
		s.m.Handle(s.now, from("a", protocol.Carry{Item: it}), &s.out)
		s.m.Handle(s.now, protocol.Accepted{Item: it, From: "a"}, &s.out)
		items++
		for _, e := range s.out.Take() {
			if send, ok := e.(protocol.Send); ok && send.Msg.Kind() == KindGraft {
				grafted += string(send.To)
			}
		}
		if grafted != "" {
			break
		}
		s.pass(100*time.Millisecond, "")
	}
	if grafted != "c" || items < swapStreak || s.now < protocol.Time(swapAfter) {
		t.Fatalf("grafted %q after %d items, want c after %d", grafted, items, swapStreak)
	}
	// c's copy is the first now, and a's, the duplicate, prunes a.
	s.pass(100*time.Millisecond, "")
	s.do(carry("c", "x"), "c>x")
	s.do(accept("c", "x"), "a<carry:x")
	s.do(carry("a", "x"), "a>x")
	s.do(refuse("a", "x"), "a<prune")
}

// A member behind a relay is neither pushed to nor told of anything: repair is for it.
func TestRelayedMemberIsNone(t *testing.T) {
	s := newScript(t, "a")
	s.do(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: "r", Weight: 1, Relayed: true}}}, "")
	s.do(carry("a", "x"), "a>x")
	s.do(accept("a", "x"), "")
	s.do(accept("", "y"), "a<carry:y")
	s.do(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: "r", Gone: true}}}, "")
}
