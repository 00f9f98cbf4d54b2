package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Position is where a peer stands in the spanning part that all share, for observers.
type Position struct {
	// Root is set at the author's host, HasParent where there is a Parent; with neither the
	// peer is looking for one, since OrphanSince.
	Root      bool
	HasParent bool
	Parent    protocol.PeerID
	// Children are sorted.
	Children []protocol.PeerID
	// DegreeBound is how many children the peer may have: while one has been asked to look
	// elsewhere for another's sake, or the stream has grown, those that it has.
	DegreeBound int
	// Depth is the number of ancestors, RootLatency the lag.
	Depth       int
	RootLatency time.Duration
	// Moves counts changes of the parent by choice.
	Moves uint64
	// OrphanSince is meaningful without Root and HasParent.
	OrphanSince protocol.Time
}

// Position returns where the peer stands.
func (m *Machine) Position() (p Position) {
	st := m.guide()
	if st == nil {
		return p
	}
	p = Position{Root: st.root, HasParent: st.parent != nil, DegreeBound: max(m.bound(st), len(st.children)),
		Depth: len(st.path), RootLatency: st.lag, Moves: st.moves, OrphanSince: st.orphan}
	if st.parent != nil {
		p.Parent = st.parent.id
	}
	for _, c := range st.children {
		p.Children = append(p.Children, c.p.id)
	}
	slices.Sort(p.Children)
	return p
}

// HasTree reports whether all peers speak of one spanning part: in a feed, but not in the
// mesh of 2005. In an open topic each author may have one.
func (m *Machine) HasTree() bool { return !m.cfg.Paper && m.owner != "" }
