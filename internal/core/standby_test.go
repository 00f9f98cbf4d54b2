package core

import (
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// moody is a protocol object that says what it is told to say of its health.
type moody struct{ says []bool }

func (m *moody) Handle(_ protocol.Time, in protocol.Input, out *protocol.Outbox) {
	if _, ok := in.(protocol.EUIDChanged); ok && len(m.says) > 0 {
		out.Health(m.says[0], "")
		m.says = m.says[1:]
	}
}
func (m *moody) Advance(protocol.Time, *protocol.Outbox) {}
func (m *moody) Deadline() protocol.Time                 { return protocol.Never }

// standing is a host in an open topic with a moody object, gossip standing by, and
// neighbours.
func standing(t *testing.T, says ...bool) *rig {
	m := &moody{says: says}
	r := newRig(t, Config{Plugin: &protocol.Plugin{Name: "moody", Standby: true, New: func(protocol.Env) protocol.Machine { return m }}})
	r.do(Join{Name: square})
	r.member(square, alice, bob, carol)
	return r
}

// health has the object say the next thing of its health.
func (r *rig) health() []protocol.Effect { return r.do(protocol.EUIDChanged{NIC: 1, EUID: []byte{1}}) }

// served are the neighbours with which gossip runs.
func (r *rig) served() []protocol.PeerID { return r.h.Explain(r.now).Topics[0].Standby.Served }

// pushed are those to whom gossip sends an item that this host publishes.
func (r *rig) pushed(n int) []protocol.PeerID {
	_, to := sent[protocol.Carry](append(r.do(Published{Item: item(n)}), r.wait(10*time.Millisecond)...))
	slices.Sort(to)
	return to
}

// TestStandby: gossip runs with a neighbour unless both sides have said that the
// topic's protocol works, and comes back at once when either says otherwise.
func TestStandby(t *testing.T) {
	r := standing(t, true, false, true)
	want := func(what string, got []protocol.PeerID, want ...protocol.PeerID) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("before anybody said anything", r.pushed(1), alice, bob, carol)
	_, told := sent[fitness](r.health())
	want("told that it works here", told, alice, bob, carol)
	want("nobody else says that it works", r.pushed(2), alice, bob, carol)
	r.hear(alice, square, protocol.ObjectHost, fitness{fit: true})
	r.hear(bob, square, protocol.ObjectHost, fitness{fit: true})
	want("it works with two", r.pushed(3), carol)
	want("and who is served is shown", r.served(), carol)
	r.hear(bob, square, protocol.ObjectHost, fitness{fit: false})
	want("it has stopped with one", r.pushed(4), bob, carol)
	r.health()
	want("it has stopped here", r.pushed(5), alice, bob, carol)
	r.health()
	want("it works again", r.pushed(6), bob, carol)
}

// TestStandbyAsks: a new neighbour is told and asked, and whoever asks is answered
// once; what a stranger says changes nothing, and who comes back is asked anew.
func TestStandbyAsks(t *testing.T) {
	r := standing(t, true)
	r.health()
	r.link(dave)
	if msgs, _ := sent[fitness](r.hear(dave, square, protocol.ObjectHost, fitness{fit: true, asks: true})); len(msgs) != 1 || !msgs[0].fit || msgs[0].asks {
		t.Errorf("a stranger that asks is told %v", msgs)
	}
	if slices.Contains(r.served(), dave) {
		t.Error("gossip runs with a stranger")
	}
	r.hear(alice, square, protocol.ObjectHost, fitness{fit: true})
	r.do(protocol.LinkDown{Peer: alice})
	r.member(square, alice)
	if !slices.Contains(r.served(), alice) {
		t.Error("what a neighbour said before its link went down is believed still")
	}
	if msgs, _ := sent[fitness](r.hear(alice, square, protocol.ObjectHost, fitness{fit: true})); len(msgs) > 0 {
		t.Errorf("who does not ask is told %v", msgs)
	}
}

// TestStandbyRepeats: those that gossip runs with are told and asked again, ever more
// rarely, for a message may be lost; others are left alone.
func TestStandbyRepeats(t *testing.T) {
	r := standing(t, true)
	r.health()
	r.hear(alice, square, protocol.ObjectHost, fitness{fit: true})
	for _, pause := range []time.Duration{sayAgain, 2 * sayAgain, 4 * sayAgain} {
		msgs, to := sent[fitness](r.wait(pause - pause/8))
		if len(msgs) > 0 {
			t.Errorf("in less than %v %v are told something", pause, to)
		}
		r.keep()
		msgs, to = sent[fitness](r.wait(pause / 8))
		if !slices.Equal(to, []protocol.PeerID{bob, carol}) || !msgs[0].fit || !msgs[0].asks {
			t.Errorf("after %v %v are told %v", pause, to, msgs)
		}
	}
}

// keep has all neighbours say something, so that they are not suspected.
func (r *rig) keep() {
	for _, p := range []protocol.PeerID{alice, bob, carol} {
		r.hear(p, "", protocol.ObjectHost, ping{1})
	}
}

// TestNoStandby: without it what neighbours say of theirs is ignored.
func TestNoStandby(t *testing.T) {
	r, _ := listening(t)
	r.want(r.hear(alice, square, protocol.ObjectHost, fitness{fit: true, asks: true}), "")
	if r.h.Explain(r.now).Topics[0].Standby != nil {
		t.Error("gossip stands by")
	}
}
