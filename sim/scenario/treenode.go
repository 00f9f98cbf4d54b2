package scenario

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/donet"
	"github.com/quilt-p2p/quilt/omni"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// TreeNode is what a peer says of its place in the tree of a protocol that keeps one.
// A machine that has a method TreeNode() TreeNode has its tree checked and measured.
type TreeNode struct {
	// Root is set at the root; HasParent at all others in the tree.
	Root, HasParent bool
	Parent          protocol.PeerID
	// Children are sorted or not, none twice.
	Children []protocol.PeerID
	// DegreeBound is how many children it may have now.
	DegreeBound int
	// Depth is how many hops it thinks to be below the root.
	Depth int
	// RootLatency is how long it thinks that an item takes from the root.
	RootLatency time.Duration
	// Moves counts how often it has changed its parent by choice.
	Moves uint64
	// OrphanSince is since when it has had no parent; of no meaning where it has one,
	// or is the root.
	OrphanSince protocol.Time
}

// orphan reports whether a host looks for a parent.
func (n *TreeNode) orphan() bool { return !n.Root && !n.HasParent }

// same reports whether two places make the same edges.
func (n *TreeNode) same(m *TreeNode) bool {
	return n.Root == m.Root && n.HasParent == m.HasParent && n.Parent == m.Parent &&
		n.DegreeBound == m.DegreeBound && slices.Equal(n.Children, m.Children)
}

// treeNode is a machine's place in its tree; ok is false where it keeps none.
func treeNode(m protocol.Machine) (n TreeNode, ok bool) {
	switch m := m.(type) {
	case interface{ TreeNode() TreeNode }:
		return m.TreeNode(), true
	case *omni.Machine:
		return TreeNode(m.Position()), true
	case *donet.Machine:
		return TreeNode(m.Position()), m.HasTree()
	}
	return TreeNode{}, false
}

// treeMachine is the object of the topic at a host that keeps a tree; nil for none.
func (r *run) treeMachine(h *sim.Host) (tree protocol.Machine) {
	h.Core().Objects(r.topic, func(_ protocol.ObjectID, m protocol.Machine) {
		if _, ok := treeNode(m); ok && tree == nil {
			tree = m
		}
	})
	return tree
}
