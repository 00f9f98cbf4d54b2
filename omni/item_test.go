package omni

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// An item goes along all links of the tree but the one it came by, the heaviest child
// first, and standbys hear of it at once.
func TestPush(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.adopt("a")
	r.adopt("b")
	r.from("b", Report{Weight: 7, Value: 7, Other: maxLatency})
	r.member("w")
	r.from("w", Watch{Mode: WatchOn})
	r.clear()
	r.push("p", item("author", 1))
	var order []protocol.PeerID
	for _, e := range r.did {
		if s, ok := e.(protocol.Send); ok && s.Msg.Kind() == protocol.KindCarry {
			order = append(order, s.To)
		}
	}
	if len(order) != 2 || order[0] != "b" || order[1] != "a" {
		t.Errorf("pushed to %q, want b, the heavier, and a", order)
	}
	if len(sent[Digest](r, "w")) != 1 {
		t.Error("the watcher heard nothing")
	}
	r.clear()
	r.push("a", item("other", 1)) // from below: upwards and to the other child
	if len(sent[protocol.Carry](r, "p")) != 1 || len(sent[protocol.Carry](r, "b")) != 1 || len(sent[protocol.Carry](r, "a")) != 0 {
		t.Errorf("an item from below went %v", r.did)
	}
}

// A congested child is told later, and keeps nobody from anything.
func TestCongestedChild(t *testing.T) {
	r := newRig(t, "author", "author")
	r.adopt("a")
	r.adopt("b")
	r.in(protocol.Congested{Peer: "a"})
	r.clear()
	it := item("author", 1)
	r.in(protocol.Accepted{Item: it})
	r.wait(100 * ms)
	if len(sent[protocol.Carry](r, "b")) != 1 || len(sent[protocol.Carry](r, "a")) != 0 || len(sent[Digest](r, "a")) != 0 {
		t.Fatalf("with a congested: %v", r.did)
	}
	r.in(protocol.Drained{Peer: "a"})
	r.wait(100 * ms)
	if got := sent[Digest](r, "a"); len(got) != 1 || got[0].Items[0].ID != short(it.ID) {
		t.Errorf("once there is room it is told %v", got)
	}
	r.from("a", Pull{[]Short{short(it.ID)}})
	served := 0
	for range 3 {
		r.from("a", Pull{[]Short{short(it.ID)}})
	}
	for _, e := range r.did {
		if f, ok := e.(protocol.FetchAndSend); ok && f.To == "a" && f.Items[0] == it.ID {
			served++
		}
	}
	if served != 2 {
		t.Errorf("served %d times, want twice at most", served)
	}
}

// An announced item is pulled once it is late, its children are told, and what comes in
// time is not pulled.
func TestPullsWhatIsLate(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.adopt("c")
	r.member("s")
	r.clear()
	one, two := item("author", 1), item("author", 2)
	r.from("s", Digest{Items: []Announcement{{short(one.ID), 50}}})
	r.push("p", one)
	r.wait(time.Second)
	if len(sent[Pull](r, "s")) != 0 {
		t.Error("pulled what came in time")
	}
	r.from("s", Digest{Items: []Announcement{{short(two.ID), 50}}})
	r.wait(10 * ms)
	if len(sent[Pull](r, "s")) != 0 {
		t.Error("pulled before it is late")
	}
	r.wait(200 * ms)
	if got := sent[Pull](r, "s"); len(got) == 0 || got[0].Items[0] != short(two.ID) {
		t.Errorf("pulled %v, want the late item", got)
	}
	if got := sent[Digest](r, "c"); len(got) == 0 || !got[len(got)-1].Late {
		t.Errorf("the child was told %v, want that it is late", got)
	}
}

// A parent that does not bring what others have is left; one that says that it is late
// is not to blame. So is one that keeps one author's items back and brings all others.
func TestWithholding(t *testing.T) {
	for _, tc := range []struct {
		name        string
		excuse      bool
		others      bool // the parent brings another author's items meanwhile
		items       int
		left, stays bool
	}{
		{"everything", false, false, 4, true, false},
		{"one author", false, true, 4, true, false},
		{"late itself", true, false, 4, false, true},
		{"once", false, true, 1, false, true},
	} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		r.member("s")
		r.from("s", Beat{at("root", 1, 40*ms, "root", "x")})
		for i := range uint64(tc.items) {
			it := item("silenced", i+1)
			r.from("s", Digest{Items: []Announcement{{short(it.ID), 50}}})
			if tc.excuse {
				r.from("p", Digest{Late: true, Items: []Announcement{{short(it.ID), 50}}})
			}
			if tc.others {
				r.push("p", item("other", i+1))
			}
			r.wait(300 * ms)
			r.from("s", protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
			r.in(protocol.Accepted{Item: it, From: "s", Via: protocol.FirstPatchObject, Repaired: true})
			if tc.excuse {
				r.from("p", Beat{at("root", 2+i, 50*ms, "root")})
			}
		}
		blamed := false
		for _, l := range sent[Leave](r, "p") {
			blamed = blamed || l.Reason == Withholds
		}
		if blamed != tc.left {
			t.Errorf("%s: left is %v, want %v", tc.name, blamed, tc.left)
		}
	}
}

// Who hears nothing for longer than usual asks every neighbour, three times at most.
func TestSilence(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("n")
	for i := range uint64(20) {
		r.push("p", item("author", i+1))
		r.wait(100 * ms)
	}
	if len(sent[Watch](r, "n")) > 0 && sent[Watch](r, "n")[0].Mode == WatchAWhile {
		t.Fatal("asked while items came")
	}
	r.clear()
	r.wait(3 * time.Second)
	asked := 0
	for _, w := range sent[Watch](r, "n") {
		if w.Mode == WatchAWhile {
			asked++
		}
	}
	if asked == 0 || asked > maxCries {
		t.Errorf("asked %d times, want 1 to %d", asked, maxCries)
	}
}

// What its only announcer does not send is asked of others, so often and no more.
func TestAsksOthers(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("liar", "other")
	it := item("author", 1)
	r.clear()
	r.from("liar", Digest{Items: []Announcement{{short(it.ID), 256}}})
	r.wait(time.Second)
	r.wait(10 * time.Second)
	if all := len(sent[Pull](r, "")); len(sent[Pull](r, "other")) == 0 || len(sent[Pull](r, "p")) == 0 || all > 2*MaxAnnouncers {
		t.Errorf("asked: the announcer %v, others %v and %v", sent[Pull](r, "liar"), sent[Pull](r, "other"), sent[Pull](r, "p"))
	}
}

// Who has not answered when everybody was asked is the last to be asked for a place.
func TestMute(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("near", "far")
	for i := range uint64(20) {
		r.push("p", item("author", i+1))
		r.wait(100 * ms)
	}
	r.from("near", Offer{at("root", 9, 10*ms, "root", "x")})
	r.from("far", Offer{at("root", 9, 30*ms, "root", "x")})
	r.wait(250 * ms) // too long
	if r.m.silence.cries == 0 {
		t.Fatal("nobody was asked")
	}
	r.from("far", Digest{Items: []Announcement{{99, 256}}})
	near, far := r.m.peers.find("near"), r.m.peers.find("far")
	if r.wait(100 * ms); !r.m.mute(r.now, near) || r.m.mute(r.now, far) || !r.m.sooner(r.now, far, near) {
		t.Errorf("near is mute: %v, far: %v; far is asked first: %v", r.m.mute(r.now, near), r.m.mute(r.now, far), r.m.sooner(r.now, far, near))
	}
	if r.wait(5 * time.Second); r.m.mute(r.now, near) {
		t.Error("it is held against the mute for good")
	}
}

// A publisher tells neighbours of its items too, a little later, for its links of the tree
// may all keep them back.
func TestAnnounceOwn(t *testing.T) {
	r := newRig(t, "author", "author")
	r.adopt("a")
	r.member("n")
	r.clear()
	it := item("author", 1)
	r.in(protocol.Accepted{Item: it})
	r.wait(gatherOwn - ms)
	if len(sent[Digest](r, "n")) != 0 {
		t.Error("told at once")
	}
	r.wait(2 * ms)
	if got := sent[Digest](r, "n"); len(got) != 1 || got[0].Items[0].ID != short(it.ID) || len(sent[Digest](r, "a")) != 0 {
		t.Errorf("the neighbour was told %v, the child %v", got, sent[Digest](r, "a"))
	}
}
