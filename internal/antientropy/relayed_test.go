package antientropy

import (
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// relayedNeighbour makes a peer behind a relay a neighbour.
func (s *script) relayedNeighbour(p protocol.PeerID) {
	s.t.Helper()
	s.do(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: p, Weight: 1, Relayed: true}}})
}

// TestRelayedLast: what a neighbour behind a relay has is pulled from there only when
// nobody else has brought it for a while.
func TestRelayedLast(t *testing.T) {
	s := ownedScript(t, run(1, 3))
	s.neighbour("b")
	s.relayedNeighbour("r")
	none[Pull](t, s.from("r", whole(1, 5)))
	none[Pull](t, s.pass(relayedGrace-time.Second))
	none[Pull](t, s.from("r", whole(1, 5))) // nor is the patience endless
	if p := one[Pull](t, s.pass(time.Second)); !slices.Equal(p.Ranges, []Range{{4, 5}}) {
		t.Errorf("pulls %v", p.Ranges)
	}
}

// TestRelayedSpared: what a direct neighbour brings meanwhile is not pulled through the
// relay.
func TestRelayedSpared(t *testing.T) {
	s := ownedScript(t, run(1, 3))
	s.neighbour("b")
	s.relayedNeighbour("r")
	none[Pull](t, s.from("r", whole(1, 5)))
	one[Pull](t, s.from("b", whole(1, 5)))
	s.arrive("b", entry(4, ""))
	s.arrive("b", entry(5, ""))
	none[Pull](t, s.pass(2*relayedGrace))
}

// TestRelayedAlone: with nobody else it is pulled at once, and so it is when the last
// direct neighbour falls silent.
func TestRelayedAlone(t *testing.T) {
	s := ownedScript(t, run(1, 3))
	s.relayedNeighbour("r")
	one[Pull](t, s.from("r", whole(1, 5)))

	s = ownedScript(t, run(1, 3))
	s.neighbour("b")
	s.do(protocol.LinkSuspected{Peer: "b"})
	s.relayedNeighbour("r")
	one[Pull](t, s.from("r", whole(1, 5)))
}

// TestRelayedLastOpen: in an open topic too.
func TestRelayedLastOpen(t *testing.T) {
	s := openScript(t)
	s.neighbour("b")
	s.relayedNeighbour("r")
	m := s.m.(*Open)
	key := Key{Bucket: 1, ID: entry(1, "").ID}
	m.want(s.now, m.nbrs.find("r"), []Key{key}, true)
	if got := m.nbrs.find("r").grace; got != s.now.Add(relayedGrace) {
		t.Errorf("may be pulled from %v on, want %v", got, s.now.Add(relayedGrace))
	}
	m.want(s.now.Add(time.Second), m.nbrs.find("r"), []Key{key}, true)
	if got := m.nbrs.find("r").grace; got != s.now.Add(relayedGrace) {
		t.Errorf("put off to %v", got)
	}
	m.want(s.now, m.nbrs.find("b"), []Key{key}, true)
	if got := m.nbrs.find("b").grace; got != 0 {
		t.Errorf("a direct neighbour may be pulled from %v on, want at once", got)
	}
}
