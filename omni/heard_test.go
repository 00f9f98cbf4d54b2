package omni

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestHearsay(t *testing.T) {
	var h hearsay
	for i := range 3 * MaxHeard {
		h.add("me", []protocol.PeerID{protocol.PeerID(fmt.Sprint(i)), "me"})
		if len(h) > MaxHeard {
			t.Fatalf("%d are remembered, at most %d should be", len(h), MaxHeard)
		}
	}
	if len(h) != MaxHeard || h[0] != protocol.PeerID(fmt.Sprint(2*MaxHeard)) || slices.Contains(h, "me") {
		t.Errorf("the latest %d are not what is remembered: %q", MaxHeard, h)
	}
	h.add("me", []protocol.PeerID{h[3], "new"})
	if last := h[len(h)-1]; len(h) != MaxHeard || last == "new" || h[len(h)-2] != "new" {
		t.Errorf("the most useful is not last, or one is there twice: %q", h)
	}
	var many []protocol.PeerID
	for i := range 1000 {
		many = append(many, protocol.PeerID(fmt.Sprint("x", i)))
	}
	if h.add("me", many); len(h) != MaxHeard || h[MaxHeard-1] != "x0" {
		t.Errorf("of many at once %q are remembered", h)
	}
}

// Who has lost its parent and has no samples dials whom its host has met, and asks for
// a place there.
func TestOrphanTurnsToHearsay(t *testing.T) {
	r := newRig(t, "me", "")
	r.attach("parent", 10*time.Millisecond)
	r.in(protocol.LinkDown{Peer: "parent"})
	r.wait(time.Second)
	if joins := sent[Join](r, ""); len(joins) > 1 {
		t.Fatalf("somebody was asked without anybody there: %v", joins)
	}
	r.in(protocol.MembersHeard{Peers: []protocol.PeerID{"met", "me"}})
	r.wait(time.Second)
	if len(sent[Join](r, "met")) == 0 {
		t.Errorf("nobody was asked for a place: %v", r.did)
	}
}
