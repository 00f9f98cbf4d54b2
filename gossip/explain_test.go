package gossip

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestExplain(t *testing.T) {
	s := newScript(t, "abc")
	s.lazy("c")
	s.do(carry("a", "x"), "a>x")
	s.do(accept("a", "x"), "b<carry:x")
	s.do(carry("b", "x"), "b>x")
	s.do(refuse("b", "x"), "b<prune")
	s.do(ihave("c", true, "y"), "")
	s.do(protocol.LinkSuspected{Peer: "b"}, "")
	s.do(protocol.Congested{Peer: "c"}, "")
	s.now = s.now.Add(5 * time.Millisecond)
	e := s.m.Explain(s.now).(Explanation)
	if len(e.Neighbours) != 3 || e.Missing != 1 || e.Recent != 1 || e.Wait != 50*time.Millisecond {
		t.Errorf("got %+v", e)
	}
	rtt := 20 * time.Millisecond
	for i, want := range []NeighbourInfo{
		{Peer: "a", Eager: true, RTT: rtt, Deliveries: 1, SinceDelivery: 5 * time.Millisecond},
		{Peer: "b", Suspected: true, RTT: rtt, SinceDelivery: -1, Duplicates: 1, Pushes: 1, Prunes: 1},
		{Peer: "c", Congested: true, RTT: rtt, SinceDelivery: -1, Announcing: 1},
	} {
		if e.Neighbours[i] != want {
			t.Errorf("got %+v, want %+v", e.Neighbours[i], want)
		}
	}
	if _, err := json.Marshal(e); err != nil {
		t.Error(err)
	}
}
