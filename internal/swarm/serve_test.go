package swarm

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// sentTo are the pieces that were sent to a peer, and forgets what was done.
func (r *rig) sentTo(p protocol.PeerID) (pieces []uint32) {
	for _, e := range r.did {
		if f, ok := e.(FetchPieces); ok && f.To == p {
			pieces = append(pieces, f.Pieces...)
		}
	}
	r.did = nil
	return pieces
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	for end := r.now.Add(d); r.now < end; {
		r.now = min(r.m.Deadline(), end)
		r.m.Advance(r.now, &r.out)
		r.did = append(r.did, r.out.Take()...)
	}
}

// riding has the machine ask the first of two neighbours for pieces of one content, and
// serve both another.
func riding(t *testing.T) (r *rig, wanted, had *content) {
	r = newRig(t)
	r.members(2)
	wanted, had = newContent(t, 1, 100<<10, 1<<10), newContent(t, 2, 100<<10, 1<<10)
	r.in(protocol.Accepted{Item: wanted.item})
	r.in(Opened{Root: wanted.root, OK: true})
	r.from(numbered(0), Have{Root: wanted.root, Form: All})
	r.in(Kept{Root: had.root, Layout: had.m.Layout})
	return r, wanted, had
}

// Who says to have pieces and does not send them is a free rider: a piece now and then is
// sent to it while others are served, one after the other when nobody is, and all at once
// again when it has sent something.
func TestFreeRider(t *testing.T) {
	r, wanted, had := riding(t)
	rider, other := numbered(0), numbered(1)
	ask := func(p protocol.PeerID, pieces ...uint32) { r.from(p, Want{Root: had.root, Pieces: pieces}) }
	r.did = nil
	if ask(rider, 1, 2, 3); len(r.sentTo(rider)) != 3 {
		t.Fatal("nobody is a rider before it could have sent anything")
	}
	r.pass(freeRide + time.Second) // it sends nothing
	r.did = nil
	got := 0
	ask(rider, 11, 12, 13, 14, 15, 16, 17, 18)
	for i := range uint32(60) { // a piece every 200 ms
		ask(other, i)
		for _, e := range r.did {
			if f, ok := e.(FetchPieces); ok && f.To == rider {
				got += len(f.Pieces)
			}
		}
		r.did = nil
		r.pass(200 * time.Millisecond)
	}
	if got += len(r.sentTo(rider)); got < 2 || got > 3 {
		t.Errorf("while another is served for 12 s a rider is sent %d pieces, want one each %v", got, alms)
	}
	ask(rider, 21, 22, 23)
	r.pass(lineSince + time.Second)
	if more := r.sentTo(rider); len(more) < 3 {
		t.Errorf("when nobody else is served a rider is sent %v", more)
	}
	ask(other, 61)
	r.did = nil
	r.from(rider, Piece{wanted.root, 0, wanted.pieces[0]})
	if ask(rider, 31, 32, 33); len(r.sentTo(rider)) != 3 {
		t.Error("after its first piece it is not sent all at once")
	}
}

// Within a budget free riders come after all others.
func TestFreeRiderWithBudget(t *testing.T) {
	r, _, had := riding(t)
	r.pass(freeRide + time.Second)
	r.in(protocol.BudgetChanged{UploadRate: 1 << 10}) // a piece a second
	r.did = nil
	for i := range 2 {
		r.from(numbered(i), Want{Root: had.root, Pieces: []uint32{1, 2, 3, 4, 5, 6, 7, 8}})
	}
	var got [2]int
	for range 10 {
		r.pass(time.Second)
		for _, e := range r.did {
			if f, ok := e.(FetchPieces); ok && f.To == numbered(0) {
				got[0] += len(f.Pieces)
			} else if ok {
				got[1] += len(f.Pieces)
			}
		}
		r.did = nil
	}
	if got[0] < 1 || got[0] > 3 || got[1] < 6 {
		t.Errorf("of ten pieces a rider is sent %d, another %d", got[0], got[1])
	}
}

// Who rides and who does not.
func TestWhoRides(t *testing.T) {
	for _, tc := range []struct {
		name  string
		does  func(r *rig, wanted *content)
		rides bool
	}{
		{"sends nothing", func(*rig, *content) {}, true},
		{"says that it has not got them", func(r *rig, wanted *content) {
			for range 100 {
				for i := 0; i < len(r.did); i++ {
					if s, ok := r.did[i].(protocol.Send); ok && s.Msg.Kind() == KindWant {
						r.from(numbered(0), Sorry{wanted.root, s.Msg.(Want).Pieces})
					}
				}
				r.did = nil
				r.pass(100 * time.Millisecond) // it is asked for others then
			}
		}, false},
		{"sends one, late", func(r *rig, wanted *content) {
			r.pass(freeRide)
			r.from(numbered(0), Piece{wanted.root, 0, wanted.pieces[0]})
		}, false},
		{"sends what another has sent", func(r *rig, wanted *content) {
			r.from(numbered(1), Have{Root: wanted.root, Form: All})
			r.from(numbered(1), Piece{wanted.root, 0, wanted.pieces[0]})
			r.from(numbered(0), Piece{wanted.root, 0, wanted.pieces[0]})
		}, false},
		{"sends zeros", func(r *rig, wanted *content) {
			r.from(numbered(1), Have{Root: wanted.root, Form: All})
			r.from(numbered(1), Piece{wanted.root, 0, wanted.pieces[0]})
			r.from(numbered(0), Piece{wanted.root, 0, make([]byte, len(wanted.pieces[0]))})
		}, true},
	} {
		r, wanted, _ := riding(t)
		tc.does(r, wanted)
		r.did = nil
		r.pass(freeRide + time.Second)
		if got := r.m.peers[0].rides(r.now); got != tc.rides {
			t.Errorf("who %s rides: %v", tc.name, got)
		}
	}
}

// What a free rider waits for is forgotten, and when it has come from elsewhere.
func TestHeldWantsEnd(t *testing.T) {
	r, _, had := riding(t)
	r.pass(freeRide + time.Second)
	waits := func() int { return len(r.m.byRoot[had.root].sides[0].wants) }
	r.from(numbered(1), Want{Root: had.root, Pieces: []uint32{1}})
	r.from(numbered(0), Want{Root: had.root, Pieces: []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}})
	before := waits()
	r.from(numbered(0), Have{Root: had.root, Form: Added, List: []uint32{3, 4}})
	if after := waits(); before != 8 || after != 6 {
		t.Errorf("it waits for %d pieces, and for %d when it has two of them, want 8 and 6", before, after)
	}
	for range 35 { // somebody else is served all the time
		r.from(numbered(1), Want{Root: had.root, Pieces: []uint32{1}})
		r.pass(time.Second)
	}
	if waits() != 0 {
		t.Errorf("after %v it waits for %d pieces", 35*time.Second, waits())
	}
}
