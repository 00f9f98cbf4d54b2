package omni

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const ms = time.Millisecond

// The author of a feed is its root from the start, and takes children in.
func TestAuthorIsRoot(t *testing.T) {
	r := newRig(t, "author", "author")
	if p := r.m.Position(); !p.Root || p.RootLatency != 0 || p.Depth != 0 {
		t.Fatalf("position %+v, want the root's", p)
	}
	r.member("a")
	r.adopt("a")
	got := sent[Accept](r, "a")[0]
	if !got.Attached || got.Root != "author" || got.Wait <= 0 || len(got.Path) != 0 {
		t.Errorf("accepted with %+v", got)
	}
}

// Who is refused, and why.
func TestRefusals(t *testing.T) {
	join := Join{Epoch: 1 << 32, Feasible: maxLatency, Latency: 500 * ms, Weight: 1, Value: 1, RTT: 20 * ms}
	for _, tc := range []struct {
		name string
		edit func(*rig, *Join)
		want Reason
	}{
		{"no gain", func(_ *rig, j *Join) { j.Latency = 40 * ms }, NoGain},
		{"may be above: it told a lesser latency in this epoch", func(_ *rig, j *Join) { j.Epoch, j.Feasible = 1<<32|1, 30*ms }, Loop},
		{"may be above: it told a later epoch", func(_ *rig, j *Join) { j.Epoch = 1<<32 | 2 }, Loop},
		{"without a place of one's own", func(r *rig, _ *Join) { r.from("p", Leave{Moved}) }, Detached},
	} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		j := join
		tc.edit(r, &j)
		r.clear()
		r.from("c", j)
		got := sent[Refuse](r, "c")
		if len(got) != 1 || got[0].Reason != tc.want {
			t.Errorf("%s: answered %v, want a refusal, %v", tc.name, got, tc.want)
		}
	}
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.from("c", join)
	if len(sent[Accept](r, "c")) != 1 {
		t.Error("a Join with all that is right is refused")
	}
}

// The old parent is left only when the new one has said yes, so that nothing is missed.
func TestMakeBeforeBreak(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("q")
	r.from("q", Offer{at("root", 1, 10*ms, "root")})
	if len(sent[Join](r, "q")) != 1 || len(sent[Leave](r, "p")) != 0 {
		t.Fatalf("want a Join to q and no Leave yet: %v", r.did)
	}
	it := item("root", 1)
	r.push("p", it) // still comes
	r.from("q", Accept{at("root", 1, 10*ms, "root")})
	if got := sent[Leave](r, "p"); len(got) != 1 || got[0].Reason != Moved {
		t.Errorf("the old parent was told %v", got)
	}
	if got := sent[Digest](r, "q"); len(got) != 1 || got[0].Items[0].ID != short(it.ID) {
		t.Errorf("the new parent was told of %v, want what came lately", got)
	}
	if p := r.m.Position(); p.Parent != "q" || p.Moves != 2 || p.RootLatency >= 50*ms {
		t.Errorf("position %+v", p)
	}
}

// An Accept by one who stands behind the bar is declined: it may be below.
func TestAcceptBehindTheBar(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 10*ms)
	r.adopt("c") // which is told a latency of some 20 ms
	r.from("p", Leave{Left})
	r.member("q")
	r.from("q", Offer{at("root", 1, 60*ms, "root")})
	r.wait(300 * ms)
	r.from("q", Accept{at("root", 1, 60*ms, "root")})
	if r.m.Position().HasParent {
		t.Fatal("a parent that stands behind the bar")
	}
	r.untilJoin("q")
	r.from("q", Refuse{Loop, at("root", 1, 60*ms, "root")})
	if got := sent[Renew](r, "q"); len(got) != 1 || got[0].Epoch != 1<<32|1 {
		t.Fatalf("asked for a later beat by %v", got)
	}
	r.untilJoin("q")
	r.from("q", Accept{at("root", 2, 60*ms, "root")}) // a later beat proves that it is not below
	if p := r.m.Position(); p.Parent != "q" {
		t.Errorf("position %+v after a later beat, want q as parent", p)
	}
}

// Who has heard of a later beat from the old parent, and told nobody, forgets it with that
// parent: told afterwards, it would put this peer before its own new parent, and one above
// that one could come below this one.
func TestLaterBeatOfTheOldParent(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.in(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: "q", Weight: 1, RTT: 20 * ms}}})
	r.from("q", Offer{at("root", 1, 10*ms, "root", "above")})
	if len(sent[Join](r, "q")) != 1 {
		t.Fatalf("it did %v, want a Join to q", r.did)
	}
	r.from("p", Beat{at("root", 2, 50*ms, "root")})
	r.clear()
	r.from("q", Accept{at("root", 1, 10*ms, "root", "above")})
	if p := r.m.Position(); p.Parent != "q" {
		t.Fatalf("position %+v, want q as parent", p)
	}
	s := r.m.state(nil)
	if s.Epoch != 1<<32|1 || s.Latency <= 10*ms || len(s.Path) != 3 {
		t.Errorf("it tells %+v, though its parent stands at epoch 1", s)
	}
}

// A child whose loss is less than the newcomer's gain is asked for its place, which is
// locked until it has gone.
func TestSwap(t *testing.T) {
	r := newRig(t, "author", "author")
	r.in(protocol.BudgetChanged{UploadRate: 44_000}) // room for two
	if b := r.m.Position().DegreeBound; b != 2 {
		t.Fatalf("degree bound %d, want 2", b)
	}
	r.adopt("a")
	r.adopt("b")
	r.from("a", Report{Weight: 9, Value: 9, Other: 900 * ms})
	r.from("b", Report{Weight: 1, Value: 1, Other: 30 * ms})
	r.clear()
	r.from("c", Join{Epoch: 0, Feasible: maxLatency, Latency: 200 * ms, Weight: 5, Value: 5, RTT: 20 * ms})
	if got := sent[Yield](r, "b"); len(got) != 1 || len(sent[Yield](r, "a")) != 0 || len(sent[Accept](r, "c")) != 0 {
		t.Fatalf("want b asked to yield and c to wait: %v", r.did)
	}
	r.from("b", Leave{Moved})
	if len(sent[Accept](r, "c")) != 1 {
		t.Fatal("c did not get the place")
	}
	r.clear()
	r.from("d", Join{Epoch: 0, Feasible: maxLatency, Latency: 200 * ms, Weight: 5, Value: 5, RTT: 20 * ms})
	r.wait(swapWait + 100*ms) // nobody goes: the lock expires
	if got := sent[Refuse](r, "d"); len(got) != 1 || got[0].Reason != Full {
		t.Errorf("answered %v, want that it is full", got)
	}
}

// A cycle that somebody lies into being is noticed by the path.
func TestPathShowsCycle(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.from("p", Beat{at("root", 2, 50*ms, "root", "self")})
	if r.m.Position().HasParent {
		t.Error("a parent below oneself is kept")
	}
}

// Peers move at random, some of their messages are late: bars alone keep the tree free
// of cycles after every step.
func TestBarsExcludeCycles(t *testing.T) {
	for seed := range uint64(200) {
		g := newBarGame(seed)
		for range 400 {
			g.step()
			if c := g.cycle(); c >= 0 {
				t.Fatalf("seed %d: peer %d is above itself", seed, c)
			}
		}
	}
}

// A peer without a parent does not wait long for one that is far away, and is still glad
// of a place there that comes later, for a while.
func TestBelatedAccept(t *testing.T) {
	for _, tc := range []struct {
		late    time.Duration
		welcome bool
	}{{500 * ms, true}, {belatedFor + time.Second, false}} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		r.from("p", Leave{Left})
		r.member("q")
		r.from("q", Offer{at("root", 2, 10*ms, "root")})
		r.untilJoin("q")
		r.wait(100 * ms)
		if r.m.joining.to != nil && r.m.joining.to.id == "q" || len(sent[Leave](r, "q")) > 0 {
			t.Fatalf("q is still waited for, or given up for good: %v", r.did)
		}
		r.member("other")
		r.wait(tc.late)
		r.m.refusals.add("q", r.now.Add(time.Minute)) // it is not asked again
		r.clear()
		r.from("q", Accept{at("root", 2, 10*ms, "root")})
		if p := r.m.Position(); (p.Parent == "q") != tc.welcome || (len(sent[Leave](r, "q")) == 0) != tc.welcome {
			t.Errorf("%v late: parent %q, told q %v, want it to be welcome: %v", tc.late, p.Parent, sent[Leave](r, "q"), tc.welcome)
		}
	}
}
