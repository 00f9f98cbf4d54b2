package swarm

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// sentTo are the pieces that were sent to a peer, and forgets them.
func (r *rig) sentTo(p protocol.PeerID) (pieces []uint32) {
	for _, e := range r.did {
		if f, ok := e.(FetchPieces); ok && f.To == p {
			pieces = append(pieces, f.Pieces...)
		}
	}
	r.did = nil
	return pieces
}

// Who says to have pieces and does not send them is a free rider: nothing is sent to it
// while others are served, a little at a time when nobody is, and all at once again when it
// has sent something.
func TestFreeRider(t *testing.T) {
	r := newRig(t)
	r.members(2)
	rider, other := numbered(0), numbered(1)
	wanted := newContent(t, 1, 100<<10, 1<<10)
	r.in(protocol.Accepted{Item: wanted.item})
	r.in(Opened{Root: wanted.root, OK: true})
	r.from(rider, Have{Root: wanted.root, Form: All})
	had := newContent(t, 2, 100<<10, 1<<10)
	r.in(Kept{Root: had.root, Layout: had.m.Layout})
	ask := func(p protocol.PeerID, pieces ...uint32) {
		r.now = r.now.Add(10 * time.Millisecond)
		r.from(p, Want{Root: had.root, Pieces: pieces})
	}
	pass := func(d time.Duration) {
		for end := r.now.Add(d); r.now < end; {
			r.now = min(r.m.Deadline(), end)
			r.m.Advance(r.now, &r.out)
			r.did = append(r.did, r.out.Take()...)
		}
	}
	if ask(rider, 1, 2, 3); len(r.sentTo(rider)) != 3 {
		t.Fatal("nobody is a rider before it could have sent anything")
	}
	pass(freeRide + time.Second) // it sends nothing
	r.did = nil
	ask(other, 1)
	ask(rider, 4, 5, 6)
	if got := r.sentTo(rider); len(got) != 0 {
		t.Errorf("while another is served a rider is sent %v", got)
	}
	pass(lineSince + 100*time.Millisecond)
	if got := r.sentTo(rider); len(got) == 0 {
		t.Error("when nobody else is served a rider gets nothing")
	}
	ask(other, 2)
	ask(rider, 7, 8)
	r.did = nil
	r.from(rider, Piece{wanted.root, 0, wanted.pieces[0]})
	ask(rider, 9)
	if got := r.sentTo(rider); len(got) != 3 || r.m.peers[0].given == 0 {
		t.Errorf("after its first piece it is sent %v", got)
	}
}
