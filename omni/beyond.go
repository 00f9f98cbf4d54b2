package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// beyondAfter is after what time without a parent a peer has its host look for other
	// members: all that it knows may be in an island without a tree. Many are without one
	// for some seconds when a topic begins, and then there is none to be found (our guess).
	beyondAfter = 20 * time.Second
	// beyondAgain is the pause until the next time: soon somebody claims to be the root,
	// and then the members of an island have a tree of their own (our guess).
	beyondAgain = 10 * time.Second
)

// seekBeyond has the host look for other members if it is time.
func (m *Machine) seekBeyond(now protocol.Time, out *protocol.Outbox) {
	if m.beyondAt > now || m.isRoot() || !m.running {
		return
	}
	m.beyondAt = now.Add(m.jitter(beyondAgain))
	out.Add(protocol.Seek{})
	out.Note("omni.beyond", "", protocol.ItemID{}, int64(len(m.peers.order)))
}
