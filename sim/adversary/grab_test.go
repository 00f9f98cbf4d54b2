package adversary

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// TestEclipseAsks: the victim is asked for a place in both views every second, by one
// that claims to have none; nobody else is.
func TestEclipseAsks(t *testing.T) {
	r := newRig(t, "eclipse")
	r.pass(grabEvery) // from now on in step
	asked := map[protocol.TopicID]int{}
	for _, e := range of[protocol.Send](r.pass(3 * grabEvery)) {
		if m, ok := e.Msg.(gossipmembership.Neighbor); ok {
			asked[e.Topic]++
			if e.To != bob || m.Degree != 0 {
				t.Errorf("asks %s: %+v", string(e.To), m)
			}
		}
	}
	if len(asked) != 2 || asked[feedID] != 3 || asked[protocol.TopicID{}] != 3 {
		t.Errorf("asked %v", asked)
	}
}

// TestGrabHoldsOn: what an honest host would tell a neighbour of whom it has had enough
// is not said to a target, and what names members names fellows.
func TestGrabHoldsOn(t *testing.T) {
	r := newRig(t, "eclipse")
	g := &r.m.(*machine).how.(*eclipse).grab
	view := func(to protocol.PeerID, msg protocol.Message) protocol.Effect {
		return protocol.Send{To: to, Topic: feedID, Object: protocol.ObjectView, Msg: msg}
	}
	others := []gossipmembership.Record{recordOf("carol"), recordOf("dave")}
	tests := []struct {
		name   string
		honest protocol.Effect
		want   string
	}{
		{"refuse a target", view(bob, gossipmembership.NeighborReply{Records: others}), "bob: accept true []"},
		{"refuse another", view(alice, gossipmembership.NeighborReply{Records: others}), "alice: accept false [self fellow]"},
		{"leave a target", view(bob, gossipmembership.Disconnect{}), ""},
		{"leave another", view(alice, gossipmembership.Disconnect{}), "alice: disconnect"},
		{"ask another", view(alice, gossipmembership.Neighbor{Degree: 7}), "alice: neighbor, having 0"},
		{"answer a shuffle", view(alice, gossipmembership.ShuffleReply{Records: others}), "alice: members [self fellow]"},
		{"pass on what was found", protocol.Send{To: alice, Msg: foundWith(others)}, "alice: found [self fellow]"},
		{"hang up on another", protocol.Close{Peer: alice}, "close alice"},
		{"hang up on a target", protocol.Close{Peer: bob}, ""},
		{"say a word to the dead", view("carol", gossipmembership.Disconnect{}), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := said(r.emit(g, test.honest)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if !g.m.linked(bob) || g.m.linked(alice) || len(g.kept) != 1 {
		t.Errorf("links %v, kept %v", g.m.links, g.kept)
	}
	r.pass(grabEvery)
	if len(g.kept) != 0 {
		t.Error("the core is not told of the link that it would have closed")
	}
}

// foundWith is the core's answer to a walk, with records.
func foundWith(recs []gossipmembership.Record) protocol.Message {
	empty := make([]byte, 8+16+1)
	empty[8] = 1 // some topic
	return foundOf(decoded(protocol.TopicID{}, protocol.ObjectHost, kindFound, empty), recs)
}

// TestGrabDials: a target without a link is dialled every dialEvery; one that has
// joined the plot meanwhile is none.
func TestGrabDials(t *testing.T) {
	r := newRig(t, "eclipse")
	plot := r.m.(*machine).plot
	plot.Against("carol")
	plot.Against("dave")
	r.do(protocol.LinkDown{Peer: alice})
	plot.enlist(recordOf("dave"))
	dials := map[protocol.PeerID]int{}
	for _, e := range of[core.Dial](r.pass(3*dialEvery - time.Millisecond)) {
		dials[e.Peer]++
	}
	if dials["carol"] != 3 || dials["dave"] != 0 || dials[bob] != 0 {
		t.Errorf("dials %v", dials)
	}
}

// TestSybilWants: a sybil turns to everybody that it hears of but its fellows, to
// maxGrabs at once, and notices maxTargets.
func TestSybilWants(t *testing.T) {
	r := newRig(t, "sybil")
	s := r.m.(*machine).how.(*sybil)
	r.hear(bob, feedID, protocol.ObjectView, gossipmembership.Shuffle{Records: []gossipmembership.Record{recordOf("carol"), recordOf(fellow)}})
	if !s.wants(alice) || !s.wants(bob) || !s.wants("carol") || s.wants(fellow) || s.wants(self) || s.wants("dave") {
		t.Errorf("wants %v", s.targets)
	}
	for range maxTargets {
		s.want(nobody(s.m.rng))
	}
	if len(s.targets) != maxTargets || len(s.wanted) != maxTargets {
		t.Errorf("%d targets", len(s.targets))
	}
	r.pass(grabEvery)
	if n := len(of[core.Dial](r.pass(grabEvery))); n != maxGrabs {
		t.Errorf("%d dials at once", n)
	}
}
