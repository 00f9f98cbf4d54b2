package omni

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// In an open topic somebody becomes the root where nobody is; in a feed that is left to
// its author for long.
func TestClaims(t *testing.T) {
	open, feed := newRig(t, "self", ""), newRig(t, "self", "author")
	open.wait(10 * time.Second)
	feed.wait(10 * time.Second)
	if !open.m.Position().Root || feed.m.Position().Root {
		t.Errorf("after 10 s alone: root of an open topic %v, of another's feed %v", open.m.Position().Root, feed.m.Position().Root)
	}
}

// A publisher takes the root's place from one that publishes nothing, and the way
// between the two is turned round: the old parent is told before it is left.
func TestPublisherBecomesRoot(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.in(protocol.Accepted{Item: item("self", 1)})
	r.wait(4 * time.Second)
	p := r.m.Position()
	if !p.Root || term(r.m.epoch) != 2 {
		t.Fatalf("position %+v, term %d, want the root's of term 2", p, term(r.m.epoch))
	}
	offers := sent[Offer](r, "p")
	if len(offers) == 0 || !offers[len(offers)-1].Publishes || len(sent[Leave](r, "p")) == 0 {
		t.Errorf("the old parent was told %v", offers)
	}
}

// A root steps down for a later term, and joins that tree.
func TestLaterTermWins(t *testing.T) {
	r := newRig(t, "self", "")
	r.wait(10 * time.Second)
	r.member("x")
	later := at("other", 1, 10*ms, "other")
	later.Epoch = 9 << 32
	r.from("x", Offer{later})
	if r.m.Position().Root {
		t.Fatal("still the root")
	}
	r.untilJoin("x")
	r.from("x", Accept{later})
	if p := r.m.Position(); p.Parent != "x" {
		t.Errorf("position %+v, want x as parent", p)
	}
}

// A peer whose root is gone, and whose neighbours have heard of no beat since, takes its
// place; with a later beat it does not.
func TestRootLost(t *testing.T) {
	for _, lives := range []bool{false, true} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		r.member("n")
		r.in(protocol.LinkDown{Peer: "p"})
		s := at("root", 1, 60*ms, "root")
		if lives {
			s = at("root", 5, 60*ms, "root")
			s.Spare = 0
		}
		for range 12 {
			r.wait(500 * ms)
			r.from("n", Refuse{Full, s})
		}
		if got := r.m.Position().Root; got == lives {
			t.Errorf("root lives %v: became root %v", lives, got)
		}
	}
}

// The root begins a beat on request, but not for an epoch that is not its own.
func TestRenew(t *testing.T) {
	r := newRig(t, "author", "author")
	r.adopt("a")
	for _, tc := range []struct {
		epoch uint64
		want  int
	}{{1<<32 | 1, 1}, {1 << 40, 0}, {0, 0}} {
		r.clear()
		before := r.m.epoch
		r.from("a", Renew{tc.epoch})
		r.wait(10 * ms)
		if got := len(sent[Same](r, "a")); got != tc.want || r.m.epoch != before+uint64(tc.want) {
			t.Errorf("asked for one later than %x: %d beats, want %d", tc.epoch, got, tc.want)
		}
	}
}

// An orphan that stood below another root asks for a beat beyond the last that it told of;
// the wish reaches the root, which goes on from there, in a new term if it must.
func TestRenewBeyond(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.from("c", Renew{r.m.epoch + 5})
	if got := sent[Renew](r, "p"); len(got) != 1 || got[0].Epoch != r.m.epoch+5 {
		t.Errorf("passed on: %v", got)
	}
	r.wait(time.Second)
	r.clear()
	r.from("c", Renew{r.m.epoch - 1})
	r.from("c", Renew{r.m.epoch + maxSkip + 1})
	if got := sent[Renew](r, "p"); len(got) != 0 {
		t.Errorf("passed on: %v, though one is told already, and one is out of reach", got)
	}
	root := newRig(t, "author", "author")
	root.adopt("c")
	root.clear()
	for _, skip := range []uint64{7, 1<<32 + 7} {
		root.wait(time.Second)
		asked := root.m.epoch + skip
		root.clear()
		root.from("c", Renew{asked})
		root.wait(ms)
		if n := len(sent[Beat](root, "c")) + len(sent[Same](root, "c")); n == 0 || root.m.epoch <= asked {
			t.Errorf("asked for a beat beyond %d, the root says %d, at %d", asked, n, root.m.epoch)
		}
	}
}
