package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Position is where a peer stands in the tree, for observers.
type Position struct {
	// Root is set at the root, HasParent where there is a Parent; with neither the
	// peer is looking for a place, since OrphanSince.
	Root      bool
	HasParent bool
	Parent    protocol.PeerID
	// Children are sorted.
	Children []protocol.PeerID
	// DegreeBound is how many children the peer may have. It does not sink below the
	// number that it has: those too many are asked to leave first.
	DegreeBound int
	// Depth is the number of ancestors, RootLatency how long an item of the root takes
	// to be accepted here, by the measurements of all on the way.
	Depth       int
	RootLatency time.Duration
	// Moves counts changes of the parent.
	Moves uint64
	// OrphanSince is meaningful without Root and HasParent.
	OrphanSince protocol.Time
}

// Position returns where the peer stands.
func (m *Machine) Position() Position {
	p := Position{
		Root: m.isRoot(), HasParent: m.parent != nil, DegreeBound: max(m.bound(), len(m.children)),
		Depth: len(m.path), RootLatency: m.lat, Moves: m.moves, OrphanSince: m.orphanSince,
	}
	if m.parent != nil {
		p.Parent = m.parent.id
	}
	for _, c := range m.children {
		p.Children = append(p.Children, c.id)
	}
	slices.Sort(p.Children)
	return p
}
