package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// trees checks the tree of a protocol that keeps one, after every event, looking only
// at the host that the event happened to:
//
//   - no host has more children than its bound;
//   - no cycle is in the edges that both ends agree on. A new cycle goes through an
//     edge that is new, and so through the host that has just run: it is enough to go
//     up from there, and only when its place is another than before;
//   - no host is without parent for longer than patience while a fit one lives: see
//     [run.fit]. For who has never had one that counts while one of its neighbours in
//     the topic is in the tree, for others while links lead, over any number of hosts, to
//     one that is: before they cannot know whom to ask, and to find somebody is the view's
//     business. Newcomers whose contact has died may know nobody but each other.
type trees struct {
	nodes []treeState // by host
	none  bool        // the protocol keeps no tree
}

// treeState is what was last seen of one host.
type treeState struct {
	machine protocol.Machine // nil while it has not joined
	node    TreeNode
	placed  bool // it was root, or had a parent, before
	// since is from when on it was an orphan though a fit parent lived; Never for now
	// it is not. candidate is such a parent; lookAt when to look again.
	since     protocol.Time
	candidate int32
	lookAt    protocol.Time
}

const (
	// patience: "no node without parent for more than 3 s while a fit one lives".
	patience = 3 * time.Second
	// lookEvery is how often an orphan's fit parents are looked for at most: that goes
	// through all hosts where the last one found is no longer fit.
	lookEvery = 100 * time.Millisecond
)

// state is what is kept of a host.
func (t *trees) state(h *sim.Host) *treeState {
	for len(t.nodes) <= h.Index() {
		t.nodes = append(t.nodes, treeState{since: protocol.Never, candidate: -1})
	}
	return &t.nodes[h.Index()]
}

// checkTree looks at an honest host after an event.
func (r *run) checkTree(h *sim.Host) error {
	if r.trees.none {
		return nil
	}
	st := r.trees.state(h)
	if st.machine == nil {
		if st.machine = r.treeMachine(h); st.machine == nil {
			h.Core().Objects(r.topic, func(protocol.ObjectID, protocol.Machine) { r.trees.none = true })
			return nil
		}
	}
	n, _ := treeNode(st.machine)
	if !n.same(&st.node) {
		n.Children = slices.Clone(n.Children) // the machine's own may change
		st.node = n
		if err := r.checkPlace(h, &st.node); err != nil {
			return err
		}
	}
	st.placed = st.placed || !n.orphan()
	return r.checkOrphan(h, st, &n)
}

// checkPlace looks at a place that is new.
func (r *run) checkPlace(h *sim.Host, n *TreeNode) error {
	if len(n.Children) > n.DegreeBound {
		return fmt.Errorf("tree: %d children, more than %d", len(n.Children), n.DegreeBound)
	}
	if i, twice := r.twice(n.Children); twice {
		return fmt.Errorf("tree: child %s is there twice", r.name(r.net.Host(n.Children[i])))
	}
	steps := 0
	for at := r.agreedParent(h.Index()); at >= 0; at = r.agreedParent(at) {
		if at == h.Index() {
			return fmt.Errorf("tree: a cycle of %d hosts goes through its parent %s", steps+1, r.name(r.net.Host(n.Parent)))
		}
		if steps++; steps > len(r.trees.nodes) {
			break // a cycle above, that was told of when it came about
		}
	}
	return nil
}

// twice finds a child that is in a list a second time.
func (r *run) twice(children []protocol.PeerID) (int, bool) {
	for i, c := range children {
		if slices.Contains(children[:i], c) {
			return i, true
		}
	}
	return 0, false
}

// agreedParent is the host that is the parent of another as both see it, and alive; -1
// for none.
func (r *run) agreedParent(host int) int {
	n := &r.trees.nodes[host].node
	if !n.HasParent {
		return -1
	}
	p := r.net.Host(n.Parent)
	if p == nil || !p.Alive() || p.Index() >= len(r.trees.nodes) ||
		!slices.Contains(r.trees.nodes[p.Index()].node.Children, r.net.Hosts()[host].ID()) {
		return -1
	}
	return p.Index()
}

// checkOrphan looks whether a host is without parent for too long.
func (r *run) checkOrphan(h *sim.Host, st *treeState, n *TreeNode) error {
	now := r.net.Now()
	if !n.orphan() {
		st.since, st.lookAt = protocol.Never, 0
		return nil
	}
	if now < st.lookAt {
		return nil
	}
	st.lookAt = now.Add(lookEvery)
	if !st.placed && !r.knowsTree(h) || st.placed && !r.linksToTree(h) {
		st.since = protocol.Never
		return nil
	}
	if st.candidate < 0 || !r.fit(h, r.net.Hosts()[st.candidate]) {
		st.candidate = r.findFit(h)
	}
	if st.candidate < 0 {
		st.since = protocol.Never
		return nil
	}
	st.since = min(st.since, now)
	if was := now.Sub(max(st.since, n.OrphanSince)); was > patience {
		who := "without parent"
		if !st.placed {
			who = "a newcomer without parent"
		}
		return fmt.Errorf("tree: %s for %v, though %s could be it", who, was, r.name(r.net.Hosts()[st.candidate]))
	}
	return nil
}

// findFit is the first host that could be the parent of another, -1 for none.
func (r *run) findFit(h *sim.Host) int32 {
	for i := range r.trees.nodes {
		if r.fit(h, r.net.Hosts()[i]) {
			return int32(i)
		}
	}
	return -1
}

// fit reports whether a host could be the parent of another now: it is honest and
// alive, has degree to spare, hangs, by edges that both ends agree on, below a root that
// lives, or is it, not below the orphan itself; and the two are linked, or a dial by
// the orphan gets through.
func (r *run) fit(orphan, p *sim.Host) bool {
	st := r.trees.state(p)
	if p == orphan || !p.Alive() || st.machine == nil || r.meter.adversary[p.Index()] || len(st.node.Children) >= st.node.DegreeBound {
		return false
	}
	apart := r.cut && r.world.is(int32(orphan.Place()), cutOff) != r.world.is(int32(p.Place()), cutOff)
	return !apart && r.inTree(p.Index(), orphan.Index()) && (orphan.Linked(p) || orphan.CanDial(p))
}

// inTree reports whether a living host is a root, or below one that lives by edges that
// both ends agree on, without another on the way.
func (r *run) inTree(host, without int) bool {
	for steps := 0; host >= 0 && host != without && steps <= len(r.trees.nodes); steps++ {
		if r.trees.nodes[host].node.Root {
			return true
		}
		host = r.agreedParent(host)
	}
	return false
}

// knowsTree reports whether a neighbour of a host in the topic is in the tree.
func (r *run) knowsTree(h *sim.Host) bool {
	for _, id := range h.Core().Neighbours(r.topic) {
		if p := r.net.Host(id); p != nil && p.Alive() && p.Index() < len(r.trees.nodes) && r.inTree(p.Index(), h.Index()) {
			return true
		}
	}
	return false
}

// linksToTree reports whether links between the living lead from a host to one in the
// tree that is not below it.
func (r *run) linksToTree(h *sim.Host) bool {
	hosts := r.net.Hosts()
	seen := make([]bool, len(hosts))
	seen[h.Index()] = true
	for queue := []*sim.Host{h}; len(queue) > 0; queue = queue[1:] {
		for i, other := range hosts {
			if seen[i] || !other.Alive() || !queue[0].Linked(other) {
				continue
			}
			if i < len(r.trees.nodes) && r.inTree(i, h.Index()) {
				return true
			}
			seen[i] = true
			queue = append(queue, other)
		}
	}
	return false
}

// checkTrees looks at all hosts once more at the end, for one that has gone silent has
// no events.
func (r *run) checkTrees() {
	if !r.o.Check {
		return
	}
	for i, h := range r.net.Hosts() {
		if h.Alive() && !r.meter.adversary[i] && r.broken == nil {
			if err := r.checkTree(h); err != nil {
				r.breaks(h, err)
			}
		}
	}
}
