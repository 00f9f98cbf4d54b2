package donet

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// better makes p, a neighbour 20 ms away, the parent of a peer that has one.
func (r *rig) better(p protocol.PeerID, lag time.Duration) {
	r.member(p)
	r.from(p, stands(1, lag, author))
	for range 400 {
		if r.wait(10 * ms); len(sent[Join](r, p)) > 0 {
			break
		}
	}
	r.clear()
	s := stands(1, lag, author)
	s.Child, s.Joined = true, true
	r.from(p, s)
	if got := r.m.Position().Parent; got != p {
		r.t.Fatalf("parent %q, want %q", got, p)
	}
}

// TestHandOver: a parent that is left pushes on until what it has sent closes the gap to
// the new one's.
func TestHandOver(t *testing.T) {
	for _, tc := range []struct {
		name     string
		old, new time.Duration
		do       func(r *rig)
		least    time.Duration // until it is told
		most     time.Duration
	}{
		{"it was but little slower", 30 * ms, 18 * ms, func(*rig) {}, 0, 0},
		{"it was slower by more than it takes to tell it", 80 * ms, 20 * ms, func(*rig) {}, 40 * ms, 60 * ms},
		{"it was slower by far", 900 * ms, 20 * ms, func(*rig) {}, maxHandover, maxHandover},
		{"it brings items meanwhile", 80 * ms, 20 * ms, func(r *rig) { r.push("old", 2, 3) }, 40 * ms, 60 * ms},
		{"it says that this is its child", 80 * ms, 20 * ms, func(r *rig) {
			s := stands(1, 80*ms, author)
			s.Child = true
			r.from("old", s)
		}, 40 * ms, 60 * ms},
		{"it brings garbage", 80 * ms, 20 * ms, func(r *rig) { r.in(protocol.Rejected{From: "old"}) }, 0, 0},
		{"this peer goes", 80 * ms, 20 * ms, func(r *rig) { r.in(protocol.Stop{}) }, 0, 0},
	} {
		r := newRig(t, Config{}, "me")
		r.attach("old", tc.old)
		r.push("old", 1)
		r.wait(500 * ms)
		r.better("new", tc.new)
		tc.do(r)
		told := protocol.Never
		from := r.now
		for len(sent[Leave](r, "old")) == 0 && r.now.Sub(from) < time.Second {
			r.wait(ms)
		}
		if len(sent[Leave](r, "old")) > 0 {
			told = r.now
		}
		if after := told.Sub(from); told == protocol.Never || after < tc.least || after > tc.most+2*ms || len(sent[Leave](r, "old")) != 1 || r.m.running && len(sent[Leave](r, "new")) != 0 {
			t.Errorf("%s: told after %v, %d times, want once after %v to %v", tc.name, after, len(sent[Leave](r, "old")), tc.least, tc.most)
		}
		if st := r.m.streams.find(0); st.former != nil || st.formerUntil != protocol.Never {
			t.Errorf("%s: it is still there", tc.name)
		}
	}
}

// TestAfterTheParentsDeath: what the new parent got before it had this child is asked for
// at once, for nobody pushes it; and who has come down far looks for better at once.
func TestAfterTheParentsDeath(t *testing.T) {
	r := newRig(t, Config{}, "me")
	r.attach("old", 10*ms)
	r.push("old", 1, 2, 3, 4, 5, 6)
	r.wait(5 * time.Second)
	r.member("new")
	r.from("new", stands(1, 80*ms, author))
	r.in(protocol.LinkDown{Peer: "old"})
	if len(sent[Join](r, "new")) != 1 {
		t.Fatalf("it did %v", r.did)
	}
	s := stands(1, 80*ms, author)
	s.Child, s.Joined = true, true
	r.from("new", s)
	r.clear()
	r.from("new", Map{Size: 100, Runs: runs(7, 2)})
	r.wait(2 * gapWait)
	if a := sent[Ask](r, "new"); len(a) != 1 || a[0].Runs[0] != (Run{7, 2}) {
		t.Errorf("of what it named, it asked for %v", a)
	}
	r.member("good")
	r.from("good", stands(1, 12*ms, author))
	r.wait(2 * lookUrgent)
	if len(sent[Join](r, "good")) == 0 {
		t.Errorf("it looks for no better parent: %v", r.did)
	}
}
