package scenario

import "github.com/quilt-p2p/quilt/protocol"

// tree describes the tree at the end; nil where the protocol keeps none.
func (r *run) tree() *Tree {
	nodes, honest := r.treeNodesNow()
	if len(honest) == 0 {
		return nil
	}
	var t Tree
	var depths, moves, children, bounds int
	depth := make(map[int32]int, len(honest)) // for lookup only
	for _, h := range honest {
		n := nodes[h]
		if n.Root {
			t.Roots++
		}
		switch d := r.depth(nodes, h, depth); {
		case d < 0:
			t.Orphans++
		case d > 0:
			t.below++
			depths += d
			t.DepthMax = max(t.DepthMax, d)
		}
		moves += int(n.Moves)
		t.MovesMax = max(t.MovesMax, int(n.Moves))
		children += len(n.Children)
		bounds += n.DegreeBound
		t.DegreeMax = max(t.DegreeMax, len(n.Children))
	}
	t.MovesMean = round(float64(moves)/float64(len(honest)), 6)
	if t.below > 0 {
		t.DepthMean = round(float64(depths)/float64(t.below), 6)
	}
	if bounds > 0 {
		t.DegreeUse = round(float64(children)/float64(bounds), 6)
	}
	return &t
}

// treeNodesNow is the place of every survivor that has one, and who they are in order.
func (r *run) treeNodesNow() (nodes map[int32]TreeNode, hosts []int32) {
	nodes = make(map[int32]TreeNode)
	for i, h := range r.net.Hosts() {
		if !r.meter.survived(int32(i)) {
			continue
		}
		if m := r.treeMachine(h); m != nil {
			nodes[int32(i)], _ = treeNode(m)
			hosts = append(hosts, int32(i))
		}
	}
	return nodes, hosts
}

// depth is how many hops a survivor is below a root by what hosts say of their
// parents; -1 for not at all. It fills in what it finds out on the way.
func (r *run) depth(nodes map[int32]TreeNode, h int32, known map[int32]int) int {
	if d, ok := known[h]; ok {
		return d
	}
	n, there := nodes[h]
	d := -1
	switch {
	case there && n.Root:
		d = 0
	case there && n.HasParent && r.net.Host(n.Parent) != nil:
		known[h] = -1 // a cycle is below no root
		if up := r.depth(nodes, r.host(n.Parent), known); up >= 0 {
			d = up + 1
		}
	}
	known[h] = d
	return d
}

// treeLinks are the peers with which a host shares an edge of the tree.
func treeLinks(n *TreeNode) []protocol.PeerID {
	links := n.Children
	if n.HasParent {
		links = append(links[:len(links):len(links)], n.Parent)
	}
	return links
}
