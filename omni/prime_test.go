package omni

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A host that could serve many is offered a place among the first and gets it, though
// nobody is below it yet; but not for long.
func TestPrime(t *testing.T) {
	r := newRig(t, "author", "author")
	r.in(protocol.BudgetChanged{UploadRate: 1_000_000})
	for i := range 8 {
		r.from(name(i), Join{Orphan: true, Feasible: maxLatency, Weight: 2, Value: 2, RTT: ms})
	}
	r.from(name(8), Join{Orphan: true, Feasible: maxLatency, Weight: 40, Value: 40, RTT: ms})
	serial := r.m.serial()
	s := r.m.state(nil)
	if s.Offer != micros(10*serial) || s.Prime != micros(2*serial+16*serial/primeValue) {
		t.Errorf("offered %v, to somebody of value %v, want 10 turns of %v, and 2 and what others wait", s.Offer, s.Prime, serial)
	}
	r.from("fast", Join{Feasible: maxLatency, Latency: 50 * ms, Weight: 1, Value: 30, RTT: ms})
	if turn := r.turn("fast"); turn != 2 {
		t.Fatalf("a newcomer of value has turn %d, want 2", turn)
	}
	r.now = r.now.Add(creditFor)
	r.from("fast", Report{Weight: 1, Value: 30, Other: maxLatency})
	if turn := r.turn("fast"); turn != 10 {
		t.Errorf("when nobody has come to it its turn is %d, want the last", turn)
	}
}

// Who claims to be worth more than anybody can be is believed only as far.
func TestValueIsBounded(t *testing.T) {
	r := newRig(t, "author", "author")
	r.in(protocol.BudgetChanged{UploadRate: 1_000_000})
	r.from("heavy", Join{Orphan: true, Feasible: maxLatency, Weight: 2 * MaxChildren, Value: 2 * MaxChildren, RTT: ms})
	r.from("liar", Join{Orphan: true, Feasible: maxLatency, Weight: 1, Value: MaxWeight, RTT: ms})
	if turn, c := r.turn("liar"), r.m.peers.find("liar"); turn != 2 || c.credit != 1+MaxChildren/promise {
		t.Errorf("who claims a value of %d has turn %d, credit %d, want turn 2", MaxWeight, turn, c.credit)
	}
	r.from("liar", Report{Weight: 1, Value: MaxWeight})
	if c := r.m.peers.find("liar"); c.value != 1+MaxChildren/promise {
		t.Errorf("it is worth %d", c.value)
	}
}

// turn is a child's place among those that are sent to, from 1; 0 for no child.
func (r *rig) turn(p protocol.PeerID) int {
	for i, c := range r.m.children {
		if c.id == p {
			return i + 1
		}
	}
	return 0
}

// What a host could do counts less the longer it has not done it.
func TestPromiseEnds(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.in(protocol.BudgetChanged{UploadRate: 1_000_000})
	young, old := r.m.value(r.m.started), r.m.value(r.m.started.Add(10*time.Minute))
	if young <= old || old < r.m.weight {
		t.Errorf("worth %d at first and %d after 10 minutes, with a weight of %d", young, old, r.m.weight)
	}
	slow := newRig(t, "self", "")
	slow.attach("p", 50*ms)
	slow.in(protocol.BudgetChanged{UploadRate: 200_000})
	if v := slow.m.value(slow.m.started); v >= young {
		t.Errorf("a slow uplink is worth %d, a fast one %d", v, young)
	}
}
