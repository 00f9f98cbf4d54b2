package omni

import (
	"slices"

	"github.com/quilt-p2p/quilt/protocol"
)

// hearsay are members of whom nothing is known but the name: the host has met them on its
// walks. Who has no samples yet, because the one that it came by is gone, turns to them.
// The latest are last; at most MaxHeard.
type hearsay []protocol.PeerID

// add remembers peers, the most useful of which come first.
func (h *hearsay) add(self protocol.PeerID, peers []protocol.PeerID) {
	for _, p := range slices.Backward(peers[:min(len(peers), MaxHeard)]) {
		if p == self {
			continue
		}
		if i := slices.Index(*h, p); i >= 0 {
			*h = slices.Delete(*h, i, i+1)
		} else if len(*h) == MaxHeard {
			*h = slices.Delete(*h, 0, 1)
		}
		*h = append(*h, p)
	}
}

// dialHeard opens links to at most n members of whom nothing else is known.
func (m *Machine) dialHeard(now protocol.Time, n int, why purpose) {
	for _, id := range slices.Backward(m.heard) {
		if p := m.peers.find(id); n == 0 || p != nil && (p.linked || p.probe != nil) || m.refusals.has(now, id) {
			continue
		}
		p := m.peers.add(id)
		if p == nil {
			return
		}
		m.refusals.add(id, now.Add(probePause))
		p.probe = &probe{why: why, until: now.Add(probeFor)}
		m.changed = true
		n--
	}
}
