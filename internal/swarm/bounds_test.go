package swarm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// rig is one machine that is told things by hand.
type rig struct {
	t   *testing.T
	m   *Machine
	out protocol.Outbox
	now protocol.Time
	did []protocol.Effect // since it was last looked at
}

func newRig(t *testing.T) *rig {
	return &rig{t: t, m: New(Config{Topic: protocol.TopicOf(topicName)}, rand.New(rand.NewPCG(1, 2))), now: 1}
}

// in gives the machine an input, and checks it.
func (r *rig) in(in protocol.Input) {
	r.t.Helper()
	r.m.Handle(r.now, in, &r.out)
	r.did = append(r.did, r.out.Take()...)
	if bad := r.m.check(); bad != "" {
		r.t.Fatal(bad)
	}
}

func (r *rig) from(p protocol.PeerID, msg protocol.Message) {
	r.t.Helper()
	r.in(protocol.Received{From: protocol.Origin{Peer: p, Authenticated: true}, Object: protocol.ObjectLarge, Msg: msg})
}

func (r *rig) members(n int) {
	r.t.Helper()
	for i := range n {
		r.in(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: numbered(i)}}})
	}
}

// notes counts notes of a name, and forgets all that was done.
func (r *rig) notes(name string) (n int) {
	for _, e := range r.did {
		if e, ok := e.(protocol.Event); ok && e.Name == name {
			n++
		}
	}
	r.did = nil
	return n
}

func numbered(i int) protocol.PeerID { return protocol.PeerID(fmt.Sprintf("peer-%04d", i)) }

// tiny is one of many contents of a piece each.
func tiny(t *testing.T, i int) *content {
	t.Helper()
	b, err := large.NewBuilderWith(8, large.MinSegment)
	if err != nil {
		t.Fatal(err)
	}
	b.Add(fmt.Appendf(nil, "%08d", i))
	m, _ := b.Finish("x")
	return &content{m: m, root: m.Root(), item: protocol.NewItem(topicName, "author", uint64(i+1), m.AppendTo(nil))}
}

// MaxFetching, MaxWaiting: manifests without end.
func TestBoundsOfManifests(t *testing.T) {
	r := newRig(t)
	for i := range MaxFetching + MaxWaiting + 7 {
		r.in(protocol.Accepted{Item: tiny(t, i).item})
	}
	if len(r.m.fetching) != MaxFetching || len(r.m.waiting) != MaxWaiting || r.notes("swarm.no-place") != 7 {
		t.Errorf("%d are fetched, %d wait", len(r.m.fetching), len(r.m.waiting))
	}
	// What was refused is known no more, and one that is gone makes a place.
	r.in(Gone{Root: r.m.fetching[0].root})
	r.in(protocol.Accepted{Item: tiny(t, MaxFetching+MaxWaiting+1).item})
	if len(r.m.fetching) != MaxFetching || len(r.m.waiting) != MaxWaiting || r.notes("swarm.no-place") != 0 {
		t.Errorf("%d are fetched, %d wait, after one has gone", len(r.m.fetching), len(r.m.waiting))
	}
}

// MaxItems: one content is published again and again.
func TestBoundOfItems(t *testing.T) {
	r := newRig(t)
	c := tiny(t, 0)
	for i := range MaxItems + 5 {
		r.in(protocol.Accepted{Item: protocol.NewItem(topicName, "author", uint64(i+1), c.m.AppendTo(nil))})
	}
	if n := len(r.m.byRoot[c.root].items); n != MaxItems {
		t.Errorf("%d manifests are remembered", n)
	}
}

// MaxDone, MaxServing: a full disk, of which neighbours want everything.
func TestBoundsOfContents(t *testing.T) {
	r := newRig(t)
	r.members(1)
	layout := tiny(t, 0).m.Layout
	root := func(i int) (h large.Hash) { h[0], h[1], h[2] = byte(i), byte(i>>8), 1; return h }
	for i := range MaxDone + 3 {
		r.m.Handle(r.now, Kept{Root: root(i), Layout: layout}, &r.out)
	}
	if len(r.m.done) != MaxDone || r.m.byRoot[root(2)] != nil || r.m.byRoot[root(3)] == nil {
		t.Errorf("%d contents are remembered, and not the latest", len(r.m.done))
	}
	for i := range MaxServing + 5 {
		r.from(numbered(0), Have{Root: root(100 + i), Ask: true, Form: Map, Pieces: 1, Map: large.NewBits(1)})
	}
	if len(r.m.serving) != MaxServing || len(r.m.byRoot[root(100)].sides) != 0 {
		t.Errorf("%d contents are served", len(r.m.serving))
	}
}

// MaxNeighbours, MaxInFlight: everybody has everything, and all of it is asked for.
func TestBoundsOfRequests(t *testing.T) {
	r := newRig(t)
	r.members(MaxNeighbours + 5)
	if len(r.m.peers) != MaxNeighbours {
		t.Errorf("%d neighbours", len(r.m.peers))
	}
	c := newContent(t, 1, MaxInFlight+8<<20, large.DefaultSegment)
	r.in(protocol.Accepted{Item: c.item})
	tree := large.NewTree(c.m)
	have := large.NewBits(len(c.pieces))
	for i := range c.m.Index() { // all hashes are known from before
		tree.Learn(i, c.pieces[i])
		have.Set(i)
	}
	r.in(Opened{Root: c.root, OK: true, Have: have, Tree: tree})
	for i := range MaxNeighbours {
		r.m.peers[i].window = MaxWindow // they have been quick
	}
	for i := range MaxNeighbours {
		r.from(numbered(i), Have{Root: c.root, Form: All})
	}
	if r.m.inFlight < MaxInFlight || r.m.inFlight >= MaxInFlight+large.DefaultSegment {
		t.Errorf("%d bytes are asked for", r.m.inFlight)
	}
}

// MaxWindow: a neighbour that answers at once is asked for more and more.
func TestBoundOfWindow(t *testing.T) {
	r := newRig(t)
	r.members(1)
	c := newContent(t, 1, 300<<10, 1<<10)
	r.in(protocol.Accepted{Item: c.item})
	r.in(Opened{Root: c.root, OK: true})
	r.from(numbered(0), Have{Root: c.root, Form: All})
	most := 0
	for pending := []uint32(nil); ; {
		for len(r.did) > 0 {
			e := r.did[0]
			r.did = r.did[1:]
			switch e := e.(type) {
			case protocol.Send:
				if w, ok := e.Msg.(Want); ok {
					pending = append(pending, w.Pieces...)
				}
			case StorePiece:
				r.in(PieceStored{Token: e.Token, OK: true})
			}
		}
		most = max(most, r.m.peers[0].asked)
		if len(pending) == 0 {
			break
		}
		r.now = r.now.Add(time.Millisecond)
		r.from(numbered(0), Piece{c.root, pending[0], c.pieces[pending[0]]})
		pending = pending[1:]
	}
	if most != MaxWindow || len(r.m.done) != 1 {
		t.Errorf("%d pieces are asked of one neighbour, %d contents are here", most, len(r.m.done))
	}
}

// MaxWants: a neighbour that is congested goes on asking.
func TestBoundOfWants(t *testing.T) {
	r := newRig(t)
	r.members(1)
	c := newContent(t, 1, 200<<10, 1<<10)
	r.in(Kept{Root: c.root, Layout: c.m.Layout})
	r.in(protocol.Congested{Peer: numbered(0)})
	sorry := 0
	for k := range 3 {
		w := Want{Root: c.root}
		for i := range MaxWant {
			w.Pieces = append(w.Pieces, uint32(k*MaxWant+i))
		}
		r.from(numbered(0), w)
	}
	for _, e := range r.did {
		if e, ok := e.(protocol.Send); ok {
			if s, ok := e.Msg.(Sorry); ok {
				sorry += len(s.Pieces)
			}
		}
	}
	if n := len(r.m.byRoot[c.root].sides[0].wants); n != MaxWants || sorry != 3*MaxWant-MaxWants {
		t.Errorf("it waits for %d pieces, and is told Sorry for %d", n, sorry)
	}
}

// seedAhead: whoever has all shows each of its neighbours a few pieces.
func TestBoundOfSeeding(t *testing.T) {
	r := newRig(t)
	r.members(3)
	c := newContent(t, 1, 200<<10, 1<<10)
	r.in(Kept{Root: c.root, Layout: c.m.Layout})
	for i := range 3 {
		r.from(numbered(i), Have{Root: c.root, Ask: true, Form: Map, Pieces: len(c.pieces), Map: large.NewBits(len(c.pieces))})
	}
	tr := r.m.byRoot[c.root]
	for _, s := range tr.sides {
		if s.shown == nil || len(s.shown.open) != seedAhead {
			t.Errorf("%s is shown %v", s.n.id, s.shown)
		}
	}
	if tr.seed.open != 3*seedAhead {
		t.Errorf("%d pieces are shown", tr.seed.open)
	}
}
