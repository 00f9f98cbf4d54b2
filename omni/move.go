package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// maxMoves bounds the moves that Explain tells of.
const maxMoves = 8

// move is a change of the parent.
type move struct {
	at         protocol.Time
	from, to   protocol.PeerID
	why        string
	before, by time.Duration // latency, and what was gained
	weight     int
}

// noteMove remembers one.
func (m *Machine) noteMove(now protocol.Time, old, to *peer, before time.Duration, was joining) {
	mv := move{at: now, to: to.id, before: before, weight: m.weight, why: "join"}
	if old != nil {
		mv.from = old.id
		mv.why = m.kind(old, to)
		mv.by = before - m.through(to)
	} else if m.moves > 0 {
		mv.why = "mend"
	}
	if len(m.last) == maxMoves {
		m.last = append(m.last[:0], m.last[1:]...)
	}
	m.last = append(m.last, mv)
}

// kind names a move as the paper does, by how the old and the new parent were related.
func (m *Machine) kind(old, to *peer) string {
	op, np := old.state.Path, to.state.Path
	switch {
	case len(op) > 0 && op[len(op)-1] == to.key:
		return "child promote"
	case len(op) > 0 && len(np) > 0 && op[len(op)-1] == np[len(np)-1]:
		return "iso-level-2 transfer"
	case len(np) > 0 && np[len(np)-1] == old.key:
		return "aniso-level-1-2"
	}
	return "reparent"
}
