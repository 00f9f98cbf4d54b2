package core

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// An object that asks for members beyond has some of the book dialled, and its topic
// sought far and wide: over some links that are not its neighbours', and over new ones for a
// while. Asked again soon it is not heeded.
func TestSeekBeyond(t *testing.T) {
	obj := &holding{}
	r := newRig(t, Config{Linger: time.Hour, Plugin: &protocol.Plugin{Name: "x", New: func(protocol.Env) protocol.Machine { return obj }}})
	r.do(Join{Name: square})
	neighbours := []protocol.PeerID{peer(101), peer(102), peer(103)}
	r.member(square, neighbours...)
	r.link(alice, bob, carol, dave)
	for n := range 20 {
		r.h.book.Restore(testRecord(peer(n)))
	}
	seek := func() (dials []Dial, to []protocol.PeerID) {
		obj.wants = []protocol.Effect{protocol.Seek{}}
		effects := r.do(protocol.BudgetChanged{UploadRate: 1})
		obj.wants = nil
		return of[Dial](effects), soughtFar(t, effects)
	}
	r.link(peer(200))
	if to := soughtFar(t, r.do(protocol.LinkUp{Link: protocol.Link{Peer: peer(201)}})); len(to) > 0 {
		t.Fatalf("who has neighbours seeks beyond, of %v", to)
	}
	dials, to := seek()
	if len(dials) != beyondDials || len(to) != beyondLinks {
		t.Fatalf("%d are dialled and %d asked, want %d and %d", len(dials), len(to), beyondDials, beyondLinks)
	}
	for _, p := range to {
		for _, n := range neighbours {
			if p == n {
				t.Errorf("%s is asked, a neighbour", p)
			}
		}
	}
	if to := soughtFar(t, r.do(protocol.LinkUp{Link: protocol.Link{Peer: dials[0].Peer, Outbound: true}})); len(to) != 1 || to[0] != dials[0].Peer {
		t.Errorf("once %s is there %v are asked", dials[0].Peer, to)
	}
	if dials, to := seek(); len(dials)+len(to) > 0 {
		t.Errorf("asked again at once, %d are dialled and %d asked", len(dials), len(to))
	}
	r.sleep(beyondFor)
	if to := soughtFar(t, r.do(protocol.LinkUp{Link: protocol.Link{Peer: peer(202)}})); len(to) > 0 {
		t.Errorf("when the search is over %v are asked", to)
	}
	if _, to := seek(); len(to) == 0 {
		t.Error("a later search is not heeded")
	}
}

// soughtFar is whom a Find for the square has been sent that walks on and wants every
// answer.
func soughtFar(t *testing.T, effects []protocol.Effect) (to []protocol.PeerID) {
	t.Helper()
	finds, peers := sent[find](effects)
	for i, m := range finds {
		if m.ttl == MaxFindTTL && !m.last && len(m.topics) == 1 && m.topics[0] == protocol.TopicOf(square) {
			to = append(to, peers[i])
		}
	}
	return to
}
