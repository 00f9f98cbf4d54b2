package links

import "github.com/quilt-p2p/quilt/protocol"

// ledger counts peers' misconduct. The zero value is ready.
type ledger struct {
	points map[protocol.PeerID]int
	order  []protocol.PeerID // the peer charged longest ago first
}

// charge adds a point. Beyond MaxCharged peers the one charged longest ago is
// forgotten.
func (g *ledger) charge(peer protocol.PeerID) {
	if g.points == nil {
		g.points = make(map[protocol.PeerID]int)
	}
	if g.points[peer] > 0 {
		for i, p := range g.order {
			if p == peer {
				g.order = append(g.order[:i], g.order[i+1:]...)
				break
			}
		}
	} else if len(g.order) == MaxCharged {
		delete(g.points, g.order[0])
		g.order = g.order[1:]
	}
	g.order = append(g.order, peer)
	g.points[peer]++
}

// charge counts malformed bytes against a peer.
func (m *Manager) charge(peer protocol.PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.Malformed++
	m.charges.charge(peer)
}

// Charges returns how many malformed frames and greetings a peer is charged with.
func (m *Manager) Charges(peer protocol.PeerID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.charges.points[peer]
}
