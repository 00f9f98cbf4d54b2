package gossip

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// The neighbours are 20 ms away: an announced item is waited for 50 to 62.5 ms
// (Flush, two round trips, a quarter by lot), an answer for 60 ms.

func TestMissingIsAskedFor(t *testing.T) {
	s := newScript(t, "ab")
	s.do(ihave("b", false, "x"), "")
	s.pass(49*time.Millisecond, "")
	s.pass(14*time.Millisecond, "b<graft:x")
}

func TestPushedInTimeIsNotAskedFor(t *testing.T) {
	s := newScript(t, "ab")
	s.do(ihave("b", true, "x"), "")
	s.pass(40*time.Millisecond, "")
	s.do(carry("a", "x"), "a>x")
	s.do(accept("a", "x"), "")
	s.pass(time.Minute, "")
}

func TestNextAnnouncerIsAsked(t *testing.T) {
	s := newScript(t, "a")
	s.do(join("b", 40*time.Millisecond), "")
	s.do(join("c", 10*time.Millisecond), "")
	s.lazy("abc")
	s.do(ihave("b", true, "x"), "")
	s.do(ihave("c", true, "x"), "")
	s.pass(251*time.Millisecond, "c<once:x") // InitialWait, and then the nearest
	s.pass(60*time.Millisecond, "b<once:x")
	s.pass(time.Minute, "c<graft:x b<graft:x") // by lot no longer once; then it gives up
	if n := s.m.wants.len(); n != 0 {
		t.Errorf("%d items still wanted", n)
	}
	if n := s.m.find("c"); n.stats.unanswered != 2 || n.backoff != 2 {
		t.Errorf("c left %d unanswered and is backed off %d times, want 2 and 2", n.stats.unanswered, n.backoff)
	}
}

func TestManyAreAskedForInOneMessage(t *testing.T) {
	s := newScript(t, "ab")
	s.lazy("b")
	s.do(ihave("b", true, "x", "y", "z"), "")
	s.m.Advance(s.now.Add(70*time.Millisecond), &s.out)
	got := s.out.Take()
	if len(got) != 2 || len(got[0].(protocol.Send).Msg.(Graft).Items) != 3 {
		t.Errorf("got %v, want one Graft of three items and its event", got)
	}
}

func TestWaitFollowsLateness(t *testing.T) {
	s := newScript(t, "ab")
	s.lazy("b")
	for range 100 { // always 8 ms late
		it := protocol.NewItem(topicName, "author", uint64(s.now), nil)
		s.do(from("b", IHave{Lazy: true, Items: []Announcement{{it.ID, len(it.Bytes)}}}), "")
		s.pass(8*time.Millisecond, "")
		s.m.Handle(s.now, from("a", protocol.Carry{Item: it}), &s.out)
		s.m.Handle(s.now, protocol.Accepted{Item: it, From: "a"}, &s.out)
		s.out.Take()
		s.pass(30*time.Millisecond, "")
	}
	if w := s.m.wait(); w < 7*time.Millisecond || w > 10*time.Millisecond {
		t.Errorf("waits %v for copies that are 8 ms late", w)
	}
	// A copy that comes after it was asked for elsewhere lengthens the wait.
	s.do(ihave("b", true, "x"), "")
	s.pass(20*time.Millisecond, "b<once:x")
	s.do(answer("b", "x"), "b>x")
	s.do(protocol.Accepted{Item: testItem("x"), From: "b", Repaired: true}, "a<carry:x")
	s.pass(20*time.Millisecond, "")
	s.do(carry("a", "x"), "a>x")
	s.do(refuse("a", "x"), "") // a is not pruned: b's link is lazy
	if w := s.m.wait(); w < 30*time.Millisecond {
		t.Errorf("waits %v after a copy that was 40 ms late", w)
	}
}

func TestLargeItemsAreGivenTime(t *testing.T) {
	s := newScript(t, "ab")
	s.do(from("b", IHave{Items: []Announcement{{idOf("x"), 1 << 19}}}), "")
	s.pass(549*time.Millisecond, "") // half a MiB at 1 MiB/s
	s.pass(14*time.Millisecond, "b<graft:x")
	s.pass(546*time.Millisecond, "") // and as much for the answer
	// Who says that it is smaller is believed, for a liar could only shorten the wait.
	s = newScript(t, "abc")
	s.do(from("b", IHave{Items: []Announcement{{idOf("x"), 1 << 19}}}), "")
	s.do(from("c", IHave{Items: []Announcement{{idOf("x"), 100}}}), "")
	s.pass(63*time.Millisecond, "b<graft:x")
}

func TestAnswerTimeIsMeasured(t *testing.T) {
	s := newScript(t, "a")
	n := s.m.find("a")
	if got := n.patience(); got != 60*time.Millisecond {
		t.Errorf("patience %v before the first answer, want 3 round trips", got)
	}
	for _, it := range []string{"p", "q", "r", "s", "t", "u", "v", "w", "x", "y"} {
		s.do(ihave("a", false, it), "")
		s.pass(70*time.Millisecond, "a<graft:"+it)
		s.do(answer("a", it), "a>"+it)
		s.do(accept("a", it), "")
	}
	if got := n.patience(); got < 30*time.Millisecond || got > 60*time.Millisecond {
		t.Errorf("patience %v after ten quick answers, want 30 to 60 ms", got)
	}
	s.do(protocol.LinkRTT{Peer: "a", RTT: 500 * time.Millisecond}, "")
	if got := n.patience(); got < 500*time.Millisecond {
		t.Errorf("patience %v over a link of 500 ms", got)
	}
}

func TestRejected(t *testing.T) {
	t.Run("forged: another is asked", func(t *testing.T) {
		s := newScript(t, "ab")
		s.do(carry("a", "x"), "a>x")
		s.do(ihave("b", false, "x"), "")
		s.do(protocol.Rejected{ID: idOf("x"), From: "a"}, "")
		s.pass(time.Millisecond, "b<graft:x")
	})
	t.Run("forged: a duplicate of it may be good", func(t *testing.T) {
		s := newScript(t, "ab")
		s.do(carry("a", "x"), "a>x")
		s.do(carry("b", "x"), "b>x")
		s.do(refuse("b", "x"), "b<prune") // it cannot know yet
		s.do(protocol.Rejected{ID: idOf("x"), From: "a"}, "")
		s.pass(time.Millisecond, "b<once:x")
	})
	t.Run("forged: nobody else has it", func(t *testing.T) {
		s := newScript(t, "ab")
		s.do(carry("a", "x"), "a>x")
		s.do(protocol.Rejected{ID: idOf("x"), From: "a"}, "")
		s.pass(time.Minute, "")
		if n := s.m.wants.len(); n != 0 {
			t.Errorf("%d items still wanted", n)
		}
	})
	t.Run("no room: asked for again", func(t *testing.T) {
		s := newScript(t, "ab")
		s.do(carry("a", "x"), "a>x")
		s.do(protocol.Rejected{ID: idOf("x"), From: "a", Retry: true}, "")
		s.pass(retryAfter-1, "")
		s.pass(1, "a<graft:x")
	})
}

// The container knows more than this machine remembers.
func TestKnownToTheContainerAlone(t *testing.T) {
	s := newScript(t, "ab")
	s.do(carry("a", "x"), "a>x")
	s.do(refuse("a", "x"), "") // says nothing against a's pushes
	s.do(ihave("b", false, "x"), "")
	s.pass(time.Second, "") // and is not asked for
	// It was only being judged for another object, and is passed on now.
	s.do(protocol.Accepted{Item: testItem("x"), From: "q", Via: protocol.FirstPatchObject}, "")
	s.do(carry("b", "y"), "b>y")
	s.do(refuse("b", "y"), "")
	s.do(protocol.Accepted{Item: testItem("y"), From: "q", Via: protocol.FirstPatchObject}, "a<carry:y")
}

func TestStrangersItemIsHandedUp(t *testing.T) {
	s := newScript(t, "a")
	s.do(carry("q", "x"), "q>x")
	s.do(refuse("q", "x"), "")
	s.do(ihave("q", true, "y"), "")
	s.do(from("q", Prune{}), "")
	s.pass(time.Minute, "")
}
