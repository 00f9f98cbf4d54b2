package adversary

import (
	"testing"

	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestPieces: what becomes of 64 pieces of something large that a neighbour asks for.
func TestPieces(t *testing.T) {
	for _, tc := range []struct {
		attack                    string
		leastFetched, mostFetched int
		forged                    int
	}{
		{"advertise", 0, 0, 0}, {"freeride", 0, 0, 0}, {"silent", 0, 0, 0}, {"withhold", 0, 0, 0},
		{"drop", 16, 48, 0}, {"forge", 0, 0, 64}, {"liar", 64, 64, 0},
	} {
		r := newRig(t, tc.attack)
		ask := swarm.FetchPieces{To: bob, Topic: feedID, Object: protocol.ObjectLarge}
		for i := range uint32(64) {
			ask.Pieces = append(ask.Pieces, i)
		}
		did := r.emit(r.m.(*machine).how, ask)
		fetched, forged := 0, 0
		for _, e := range of[swarm.FetchPieces](did) {
			fetched += len(e.Pieces)
		}
		for _, e := range of[protocol.Send](did) {
			p, ok := e.Msg.(swarm.Piece)
			if ok && e.To == bob && e.Class == protocol.Repair && int(p.Index) == forged {
				forged++
			}
		}
		if fetched < tc.leastFetched || fetched > tc.mostFetched || forged != tc.forged || len(ask.Pieces) != 64 {
			t.Errorf("%s: %d pieces are served, %d forged", tc.attack, fetched, forged)
		}
	}
}
