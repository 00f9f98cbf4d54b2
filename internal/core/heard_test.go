package core

import (
	"net/netip"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// ear hands up what it hears on a group.
type ear struct{ rejected []protocol.Rejected }

func (e *ear) Handle(_ protocol.Time, in protocol.Input, out *protocol.Outbox) {
	switch in := in.(type) {
	case protocol.Received:
		if c, ok := in.Msg.(protocol.Carry); ok {
			out.Add(protocol.Arrive{Item: c.Item, From: in.From.Peer, Source: in.From.Source()})
		}
	case protocol.Rejected:
		e.rejected = append(e.rejected, in)
	}
}
func (e *ear) Advance(protocol.Time, *protocol.Outbox) {}
func (e *ear) Deadline() protocol.Time                 { return protocol.Never }

// listening is a host in an open topic with an ear, and alice for a neighbour.
func listening(t *testing.T) (*rig, *ear) {
	e := &ear{}
	r := newRig(t, Config{Plugin: &protocol.Plugin{Name: "ear", New: func(protocol.Env) protocol.Machine { return e }}})
	r.do(Join{Name: square})
	r.member(square, alice)
	return r, e
}

// say has the host hear an item on a group that claims to come from alice.
func (r *rig) say(addr string, it *protocol.Item) []protocol.Effect {
	return r.do(protocol.Received{From: protocol.Origin{Peer: alice, NIC: 1, Addr: netip.MustParseAddr(addr), Multicast: true},
		Topic: protocol.TopicOf(square), Object: protocol.FirstPatchObject, Msg: protocol.Carry{Item: it}})
}

// TestHeardFalsely: of a false item that was heard on a group the object is told, and
// the peer that it claims to come from is not charged, however often.
func TestHeardFalsely(t *testing.T) {
	r, e := listening(t)
	for i := range 20 {
		checks := of[protocol.Verify](r.say("10.0.0.9", item(i+1)))
		if len(checks) != 1 {
			t.Fatalf("item %d is not checked", i)
		}
		effects := r.do(protocol.Verified{Token: checks[0].Token, Verdict: protocol.Invalid})
		if bans := of[Ban](effects); len(bans) > 0 {
			t.Fatalf("after %d items %v", i+1, bans)
		}
	}
	if len(e.rejected) != 20 || e.rejected[0].Retry {
		t.Errorf("the object was told %v", e.rejected)
	}
}

// TestHeardFromStranger: an item that was heard needs no link to whom it claims to
// come from.
func TestHeardFromStranger(t *testing.T) {
	r := newRig(t, Config{Plugin: &protocol.Plugin{Name: "ear", New: func(protocol.Env) protocol.Machine { return &ear{} }}})
	r.do(Join{Name: square})
	if n := len(of[protocol.Verify](r.say("10.0.0.9", item(1)))); n != 1 {
		t.Errorf("%d checks", n)
	}
}

// TestHeardCopies: bad copies from a group leave a place for a good one, from there
// and over a link.
func TestHeardCopies(t *testing.T) {
	r, _ := listening(t)
	it := item(1)
	for i := range 10 {
		r.say("10.0.0.9", copyOf(it, i))
	}
	if n := len(r.h.topics.order[0].copies[it.ID]); n != 1 {
		t.Errorf("%d copies of one source are checked, want 1", n)
	}
	for i := range 10 {
		r.say("10.0.1."+string(rune('0'+i)), copyOf(it, 20+i))
	}
	if n := len(r.h.topics.order[0].copies[it.ID]); n != MaxCopies-1 {
		t.Errorf("%d copies are checked, want %d", n, MaxCopies-1)
	}
	over := r.do(protocol.Received{From: protocol.Origin{Peer: alice, Authenticated: true}, Topic: it.Topic,
		Object: protocol.FirstPatchObject, Msg: protocol.Carry{Item: it}})
	if n := len(of[protocol.Verify](over)); n != 1 {
		t.Errorf("the good one over alice's link: %d checks", n)
	}
}

// TestHeardRoom: all addresses of an interface together have no more room than one
// peer, and take none of alice's.
func TestHeardRoom(t *testing.T) {
	r, _ := listening(t)
	checks := 0
	for i := range MaxPendingPerLink + 50 {
		checks += len(of[protocol.Verify](r.say(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String(), item(i+1))))
	}
	if checks != MaxPendingPerLink {
		t.Errorf("%d items are checked, want %d", checks, MaxPendingPerLink)
	}
	over := r.do(protocol.Received{From: protocol.Origin{Peer: alice, Authenticated: true}, Topic: item(1).Topic,
		Object: protocol.FirstPatchObject, Msg: protocol.Carry{Item: item(5000)}})
	if n := len(of[protocol.Verify](over)); n != 1 {
		t.Errorf("an item over alice's link: %d checks", n)
	}
}
