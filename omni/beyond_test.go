package omni

import (
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// seeks is how long after one another a peer has others sought in the next d, the first
// counted from now.
func seeks(r *rig, d time.Duration) (after []time.Duration) {
	last := r.now
	for end := r.now.Add(d); r.now < end; {
		r.clear()
		r.wait(10 * time.Millisecond)
		if slices.Contains(r.did, protocol.Effect(protocol.Seek{})) {
			after = append(after, r.now.Sub(last))
			last = r.now
		}
	}
	return after
}

// Whoever has no parent for long has others sought, now and then; whoever has one does
// not, nor does the root.
func TestSeekBeyond(t *testing.T) {
	r := newRig(t, "me", "owner")
	r.member("islander")
	got := seeks(r, claimOwned*3/4) // then it may claim to be the root
	if len(got) < 2 {
		t.Fatalf("others are sought after %v", got)
	}
	for i, d := range got {
		want := beyondAfter
		if i > 0 {
			want = beyondAgain
		}
		if slack := want/4 + time.Second; d < want-slack || d > want+slack {
			t.Errorf("search %d is %v after the one before, want some %v", i, d, want)
		}
	}
	r.attach("parent", 10*time.Millisecond)
	r.in(protocol.LinkDown{Peer: "islander"})
	for range 30 {
		r.from("parent", Beat{at("owner", 1, 10*time.Millisecond, "owner")})
		if got := seeks(r, time.Second); len(got) > 0 {
			t.Fatal("others are sought in spite of a parent")
		}
	}
	r.in(protocol.LinkDown{Peer: "parent"})
	if got := seeks(r, beyondAfter-time.Second); len(got) > 0 {
		t.Errorf("after the loss of the parent others are sought after %v already", got)
	}
	if got := seeks(newRig(t, "me", "me"), time.Minute); len(got) > 0 {
		t.Error("the root has others sought")
	}
}
