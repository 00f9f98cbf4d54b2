package adversary

import (
	"math/rand/v2"
	"slices"

	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// dropOdds: one copy of so many is dropped. Half, so that what comes through keeps
// the attacker in everybody's favour (our guess).
const dropOdds = 2

// maxPieces bounds into how many pieces the answer to one request falls; what lies
// beyond is dropped.
const maxPieces = 64

// drop does everything an honest peer does, but of the copies of items that it
// sends, on the fast path and as repair alike, a random half gets lost. What it
// announces, and says that it will send, is what an honest peer would.
type drop struct{ plain }

func newDrop(m *machine) conduct { return drop{plain{m}} }

func (d drop) emit(_ protocol.Time, e protocol.Effect) {
	switch e := e.(type) {
	case protocol.Send:
		if carries(e.Msg) && d.drops() {
			return
		}
		d.m.put(e)
	case protocol.Multicast:
		if carries(e.Msg) && d.drops() {
			return
		}
		d.m.put(e)
	case protocol.FetchAndSend:
		e.Items = slices.DeleteFunc(slices.Clone(e.Items), func(protocol.ItemID) bool { return d.drops() })
		if len(e.Items) > 0 {
			d.m.put(e)
		}
	case swarm.FetchPieces:
		e.Pieces = slices.DeleteFunc(slices.Clone(e.Pieces), func(uint32) bool { return d.drops() })
		if len(e.Pieces) > 0 {
			d.m.put(e)
		}
	case protocol.FetchRange:
		for _, piece := range pieces(d.m.rng, e) {
			d.m.put(piece)
		}
	default:
		d.m.put(e)
	}
}

func (d drop) drops() bool { return d.m.rng.IntN(dropOdds) == 0 }

// pieces returns what is left of a range when half of it is dropped, an entry at a
// time; each has its share of the bytes.
func pieces(rng *rand.Rand, e protocol.FetchRange) (rest []protocol.FetchRange) {
	last := min(e.Last, e.First+maxPieces-1)
	for seq := e.First; seq <= last; seq++ {
		if rng.IntN(dropOdds) != 0 {
			piece := e
			piece.First, piece.Last = seq, seq
			rest = append(rest, piece)
		}
	}
	for i := range rest {
		rest[i].MaxBytes = max(e.MaxBytes/len(rest), 1)
	}
	return rest
}

// carries reports whether a message brings an item.
func carries(msg protocol.Message) bool {
	_, ok := msg.(protocol.Carry)
	return ok
}
