package scenario

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// stump is a machine that says to be where the test wants it.
type stump struct{ node TreeNode }

func (*stump) Handle(protocol.Time, protocol.Input, *protocol.Outbox) {}
func (*stump) Advance(protocol.Time, *protocol.Outbox)                {}
func (*stump) Deadline() protocol.Time                                { return protocol.Never }
func (s *stump) TreeNode() TreeNode                                   { return s.node }

// forest is a run of hosts that have joined, all orphans without any root.
type forest struct {
	t      *testing.T
	r      *run
	hosts  []*sim.Host
	stumps map[protocol.PeerID]*stump
}

func newForest(t *testing.T, n int) *forest {
	t.Helper()
	f := &forest{t: t, stumps: make(map[protocol.PeerID]*stump)}
	plugin := protocol.Plugin{Name: "stumps", New: func(e protocol.Env) protocol.Machine {
		f.stumps[e.Self] = &stump{TreeNode{DegreeBound: 2}}
		return f.stumps[e.Self]
	}}
	s := Scenario{Topology: "king:" + string(rune('0'+n)), Protocol: "stumps", Items: 1}
	var err error
	if f.r, err = newRun(s, Options{Plugins: []protocol.Plugin{plugin}, Check: true}); err != nil {
		t.Fatal(err)
	}
	for i := range f.r.world.topo.Hosts {
		f.r.world.topo.Hosts[i].NAT = topology.NATNone
	}
	for _, place := range f.r.world.order {
		f.r.join(place)
	}
	f.hosts = f.r.net.Hosts()
	f.wait(20 * time.Second)
	if f.r.broken != nil {
		t.Fatal(f.r.broken)
	}
	return f
}

// wait lets time pass, in which every host has events.
func (f *forest) wait(d time.Duration) { f.r.net.Run(time.Duration(f.r.net.Now()) + d) }

// put has a host say where it is: below another, -1 for none, with children.
func (f *forest) put(host, parent int, children ...int) {
	n := &f.stumps[f.hosts[host].ID()].node
	*n = TreeNode{DegreeBound: 2, OrphanSince: f.r.net.Now()}
	if parent >= 0 {
		n.HasParent, n.Parent = true, f.hosts[parent].ID()
	}
	for _, c := range children {
		n.Children = append(n.Children, f.hosts[c].ID())
	}
	f.check(host)
}

// root has a host say that it is the root.
func (f *forest) root(host int, children ...int) {
	f.put(host, -1, children...)
	f.node(host).Root = true
	f.check(host)
}

func (f *forest) node(host int) *TreeNode { return &f.stumps[f.hosts[host].ID()].node }

func (f *forest) check(host int) { f.r.check(f.hosts[host]) }

// wants looks what is broken; "" for nothing.
func (f *forest) wants(what string) {
	f.t.Helper()
	got := ""
	var broken *InvariantError
	if errors.As(f.r.broken, &broken) {
		got = broken.Err.Error()
	}
	if got != what && (what == "" || !strings.HasPrefix(got, what)) {
		f.t.Errorf("%q is broken, not %q", got, what)
	}
}

func TestTreePlaces(t *testing.T) {
	for name, c := range map[string]struct {
		story func(f *forest)
		want  string
	}{
		"a tree":                 {func(f *forest) { f.root(0, 1, 2); f.put(1, 0, 3); f.put(2, 0); f.put(3, 1) }, ""},
		"too many children":      {func(f *forest) { f.root(0, 1, 2, 3) }, "tree: 3 children, more than 2"},
		"a bound that falls":     {func(f *forest) { f.root(0, 1, 2); f.node(0).DegreeBound = 1; f.check(0) }, "tree: 2 children, more than 1"},
		"a child twice":          {func(f *forest) { f.root(0, 1, 1) }, "tree: child "},
		"a cycle":                {func(f *forest) { f.put(1, 3, 2); f.put(2, 1, 3); f.put(3, 2, 1) }, "tree: a cycle of 3 hosts goes through its parent "},
		"a cycle by adoption":    {func(f *forest) { f.put(1, 3, 2); f.put(2, 1, 3); f.put(3, 2); f.put(3, 2, 1) }, "tree: a cycle of 3 hosts"},
		"its own parent":         {func(f *forest) { f.put(1, 1, 1) }, "tree: a cycle of 1 hosts"},
		"one side does not know": {func(f *forest) { f.put(1, 3, 2); f.put(2, 1, 3); f.put(3, 2) }, ""},
		"one of the cycle is dead": {func(f *forest) {
			f.put(1, 3, 2)
			f.put(2, 1, 3)
			f.hosts[1].Kill()
			f.put(3, 2, 1)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForest(t, 5)
			f.t = t
			c.story(f)
			f.wants(c.want)
		})
	}
}

func TestTreeOrphans(t *testing.T) {
	// Host 0 is the root, 1 its child; 2 was 1's child and has lost it. 3 is below 2.
	// 4 stays in none of it: it is without parent from the start.
	lost := func(f *forest) {
		f.root(0, 1)
		f.put(1, 0, 2)
		f.put(2, 1, 3)
		f.put(3, 2)
		f.put(4, 1)
		f.put(1, 0)
		f.put(2, -1, 3)
	}
	for name, c := range map[string]struct {
		story func(f *forest)
		want  string
	}{
		"for 2.5 s":         {func(f *forest) { lost(f); f.wait(2500 * time.Millisecond) }, ""},
		"for 6 s":           {func(f *forest) { lost(f); f.wait(6 * time.Second) }, "tree: without parent for 3"},
		"then it finds one": {func(f *forest) { lost(f); f.wait(2500 * time.Millisecond); f.put(2, 1, 3); f.wait(6 * time.Second) }, ""},
		"all are full": {func(f *forest) {
			lost(f)
			for i := range f.hosts {
				f.node(i).DegreeBound = len(f.node(i).Children)
				f.check(i)
			}
			f.wait(6 * time.Second)
		}, ""},
		"but for those below itself": {func(f *forest) {
			lost(f)
			for _, i := range []int{0, 1, 4} {
				f.node(i).DegreeBound = len(f.node(i).Children)
				f.check(i)
			}
			f.wait(6 * time.Second)
		}, ""},
		"a place comes free, 2 s ago": {func(f *forest) {
			lost(f)
			for i := range f.hosts {
				f.node(i).DegreeBound = len(f.node(i).Children)
				f.check(i)
			}
			f.wait(6 * time.Second)
			f.node(0).DegreeBound = 2
			f.wait(2 * time.Second)
		}, ""},
		"the root is dead":       {func(f *forest) { lost(f); f.hosts[0].Kill(); f.wait(6 * time.Second) }, ""},
		"the others are cut off": {func(f *forest) { lost(f); f.cut(2, 3); f.wait(6 * time.Second) }, ""},
		"the fit one lies": {func(f *forest) {
			lost(f)
			f.node(1).DegreeBound = 0
			f.node(4).DegreeBound = 0
			f.check(1)
			f.check(4)
			f.r.meter.adversary[f.hosts[0].Index()] = true
			f.wait(6 * time.Second)
		}, ""},
		"newcomers for 2.5 s": {func(f *forest) { f.root(0); f.wait(2500 * time.Millisecond) }, ""},
		"newcomers for 6 s":   {func(f *forest) { f.root(0); f.wait(6 * time.Second) }, "tree: a newcomer without parent for 3"},
		"a newcomer that knows nobody": {func(f *forest) {
			f.root(0)
			for i := range f.hosts[1:] {
				f.put(i+1, 0)
			}
			alone := f.r.net.AddAt(f.hosts[0].Place(), nil)
			alone.Join(topicName, "")
			f.r.meter.joined(f.r.net.Now(), int32(alone.Place()), -1)
			f.wait(10 * time.Second)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForest(t, 5)
			f.t = t
			c.story(f)
			f.wants(c.want)
		})
	}
}

// cut cuts some hosts off.
func (f *forest) cut(hosts ...int) {
	for _, h := range hosts {
		f.r.world.mark([]int32{int32(f.hosts[h].Place())}, cutOff)
	}
	f.r.setCut(true)
}

// Who can be a parent: one that is linked, or that a dial gets through to.
func TestTreeFit(t *testing.T) {
	f := newForest(t, 5)
	f.root(0)
	stranger := f.r.net.AddAt(f.hosts[0].Place(), nil) // it has joined nothing
	if !f.r.fit(f.hosts[1], f.hosts[0]) || !f.r.fit(stranger, f.hosts[0]) || f.r.fit(f.hosts[1], stranger) {
		t.Error("the root is fit for all, one without a tree for none")
	}
	f.r.world.topo.Hosts[f.hosts[0].Place()].NAT = topology.NATSymmetric
	if !f.r.fit(f.hosts[1], f.hosts[0]) || f.r.fit(stranger, f.hosts[0]) {
		t.Error("behind a NAT it is fit for those that are linked")
	}
}

// A host that has no events any more is found at the end.
func TestTreeAtTheEnd(t *testing.T) {
	f := newForest(t, 5)
	f.root(0, 1)
	f.put(1, 0)
	f.wait(time.Second)
	f.node(1).DegreeBound = -1
	f.wants("")
	f.r.checkTrees()
	f.wants("tree: 0 children, more than -1")
	if err := f.r.broken.Error(); !strings.Contains(err, "\nreplay: quilt-peer simulate --topology king:5 --protocol stumps") {
		t.Error(err)
	}
}

func TestTreeFigures(t *testing.T) {
	f := newForest(t, 7)
	f.root(0, 1, 2)
	f.put(1, 0, 3)
	f.put(2, 0)
	f.put(3, 1)
	f.put(4, 5) // a cycle on paper
	f.put(5, 4)
	f.node(2).Moves = 6
	if got, want := *f.r.tree(), (Tree{Roots: 1, Orphans: 3, DepthMean: 4. / 3, DepthMax: 2, MovesMean: 6. / 7, MovesMax: 6,
		DegreeMax: 2, DegreeUse: 3. / 14, below: 3}); got != roundTree(want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	tree := 0
	for _, e := range f.r.edges(f.r.shown()) {
		if e.Tree {
			tree++
		}
	}
	if tree != 4 { // 0-1, 0-2, 1-3 and 4-5
		t.Errorf("%d edges of the tree in the picture", tree)
	}
	res := mustRun(t, Scenario{Topology: "king:9", Items: 1}, Options{Check: true})
	if res.Tree != nil {
		t.Errorf("gossip keeps no tree: %+v", res.Tree)
	}
}

func roundTree(t Tree) Tree {
	t.DepthMean, t.MovesMean, t.DegreeUse = round(t.DepthMean, 6), round(t.MovesMean, 6), round(t.DegreeUse, 6)
	return t
}

// What a check looks at does not change what happens.
func TestTreeCheckChangesNothing(t *testing.T) {
	plugin := func() []protocol.Plugin {
		return []protocol.Plugin{{Name: "stumps", New: func(protocol.Env) protocol.Machine { return &stump{TreeNode{Root: true}} }}}
	}
	s := Scenario{Topology: "lognormal:20", Protocol: "stumps", Items: 3}
	a, _, err := Run(context.Background(), s, Options{Plugins: plugin()})
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := Run(context.Background(), s, Options{Plugins: plugin(), Check: true})
	if err != nil || a.Trace != b.Trace || b.Tree.Roots != 20 || *b.TreeNodes != 0 {
		t.Errorf("%+v, %v, and with a check %+v", a, err, b)
	}
}

// Who is led by no links to one in the tree cannot know of a fit parent that has just
// come: not where all others are dead, nor where those that live are as lost as itself.
func TestTreeKnowsNobody(t *testing.T) {
	f := newForest(t, 5)
	if f.r.linksToTree(f.hosts[4]) {
		t.Fatal("links lead to a tree that nobody is in")
	}
	f.root(0)
	if !f.r.linksToTree(f.hosts[4]) {
		t.Fatal("no links lead to the root")
	}
	f.put(0, -1, 4)
	f.put(4, 0)
	f.root(4)
	if f.r.linksToTree(f.hosts[4]) {
		t.Error("links to its own tree count")
	}
	f.root(0)
	for _, h := range f.hosts[:4] {
		h.Kill()
	}
	if f.r.linksToTree(f.hosts[4]) {
		t.Error("a link to the dead counts")
	}
}
