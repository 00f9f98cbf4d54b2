package gossipmembership

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A member that does not answer is tried with doubling back-off, then counts as
// lost, and is never forgotten.
func TestBackOffThenLost(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.want(x.do(Candidates{Peers: []PeerID{testPeer(1)}}), "dial")
	for i, nominal := range []time.Duration{1, 2, 4, 8} {
		x.want(x.do(protocol.DialFailed{Peer: testPeer(1)}), "close")
		nominal *= time.Second
		x.want(only(x.wait(nominal*3/4-time.Millisecond), "dial"))
		if got := x.wait(nominal/2 + 2*time.Millisecond); len(only(got, "dial")) != 1 {
			t.Fatalf("try %d: %q", i+2, words(got))
		}
	}
	x.want(x.do(protocol.DialFailed{Peer: testPeer(1)}), "close")
	if len(x.v.lost) != 1 || len(x.v.passive) != 0 {
		t.Fatalf("%d lost, %d passive", len(x.v.lost), len(x.v.passive))
	}
	x.want(only(x.wait(15*time.Second), "dial"), "dial") // alone: lost ones at once
	x.do(protocol.DialFailed{Peer: testPeer(1)})
	if x.link(1); len(x.v.lost) != 0 || len(x.v.asks) != 1 {
		t.Errorf("a lost member that has linked is not asked")
	}
}

func TestBackoffBounds(t *testing.T) {
	for tries, want := range map[int]time.Duration{1: minRetry, 2: 2 * minRetry, 6: 32 * minRetry, 7: maxRetry, 1000: maxRetry} {
		if got := backoff(tries); got != want {
			t.Errorf("backoff(%d) = %v, want %v", tries, got, want)
		}
	}
}

func TestLostAreBoundedAndExpire(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	for n := 1; n <= 3*x.v.cfg.MaxLost; n++ {
		x.v.remember(x.now, member{peer: testPeer(n)})
		x.v.lose(x.now, testPeer(n))
	}
	if got := len(x.v.lost); got != x.v.cfg.MaxLost {
		t.Fatalf("%d lost members, want %d", got, x.v.cfg.MaxLost)
	}
	x.now = x.now.Add(lostFor)
	x.v.expireLost(x.now)
	if got := len(x.v.lost); got != 0 {
		t.Errorf("%d lost members after %v", got, lostFor)
	}
}

func TestPassiveViewDisplacesWorstFirst(t *testing.T) {
	x := newViewTest(t, ViewConfig{MaxPassive: 4})
	x.v.passive = []member{
		{peer: testPeer(1), tested: true},
		{peer: testPeer(2), failures: 1},
		{peer: testPeer(3), failures: 3, tested: true},
		{peer: testPeer(4)},
	}
	for i, gone := range []int{3, 2, 4} {
		x.v.remember(x.now, member{peer: testPeer(10 + i), tested: true})
		if x.v.memberIndex(testPeer(gone)) >= 0 || len(x.v.passive) != 4 {
			t.Fatalf("newcomer %d has not displaced %d", i, gone)
		}
	}
	for _, failing := range []int{2, 3} {
		if x.v.lostIndex(testPeer(failing)) < 0 {
			t.Errorf("%d, which fails, is forgotten", failing)
		}
	}
}

// A member that did not answer, and of which a newer record comes, has been heard
// by somebody since: it is tried again at once.
func TestNewerRecordGivesHope(t *testing.T) {
	x := newViewTest(t, ViewConfig{})
	x.book.Learn(x.now, testRecord(1, 5), testPeer(1))
	for seq, hope := range map[uint64]bool{5: false, 6: true} {
		x.v.passive = []member{{peer: testPeer(1), failures: 3, tries: 3, retryAt: protocol.Never}}
		x.v.learn(x.now, []Record{testRecord(1, seq)}, testPeer(2))
		if got := x.v.passive[0].failures == 0; got != hope {
			t.Errorf("record %d: hope is %v, want %v", seq, got, hope)
		}
		x.book = newTestBook(0)
		x.book.Learn(x.now, testRecord(1, 5), testPeer(1))
		x.v.book = x.book
	}
}
