package core

import (
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestNICs: the host keeps the newest EUID of each interface, as many as MaxNICs.
func TestNICs(t *testing.T) {
	r := newRig(t, Config{})
	say := func(nic protocol.NIC, euid string) []protocol.Effect {
		in := protocol.EUIDChanged{NIC: nic}
		if euid != "" {
			in.EUID = []byte(euid)
		}
		return r.do(in)
	}
	check := func(want string) {
		t.Helper()
		got := ""
		for _, n := range r.h.Explain(r.now).NICs {
			got += string(n.EUID)
		}
		if got != want {
			t.Errorf("EUIDs %q, want %q", got, want)
		}
	}
	for nic := range protocol.NIC(MaxNICs) {
		r.want(say(MaxNICs-nic, string(rune('d'-nic))), "")
	}
	check("abcd")
	if refused := of[protocol.Event](say(9, "x")); len(refused) != 1 || refused[0].Name != "core.nics-full" {
		t.Errorf("one more: %v", refused)
	}
	say(2, "B")
	check("aBcd")
	say(1, "")
	say(1, "")
	say(9, "x")
	check("Bcdx")
}

// TestHeard: what was heard on a group proves nothing: it reaches objects of patches
// only, and is no sign of life of a link.
func TestHeard(t *testing.T) {
	r := newRig(t, Config{})
	r.do(Join{Name: square})
	r.member(square, alice)
	l := r.h.links.get(alice)
	heard := l.live.heard
	r.now++
	it := protocol.NewItem(square, alice, 1, nil)
	say := func(topic string, object protocol.ObjectID) []protocol.Effect {
		return r.do(protocol.Received{From: protocol.Origin{Peer: alice, NIC: 1, Multicast: true},
			Topic: protocol.TopicOf(topic), Object: object, Msg: protocol.Carry{Item: it}, At: r.now})
	}
	for _, c := range []struct {
		topic  string
		object protocol.ObjectID
		events int
	}{{square, protocol.ObjectGossip, 1}, {square, protocol.ObjectRepair, 1}, {square, protocol.ObjectView, 1},
		{"another", protocol.FirstPatchObject, 1}, {square, protocol.FirstPatchObject, 0}} {
		effects := say(c.topic, c.object)
		refused := of[protocol.Event](effects)
		if len(effects) != c.events || c.events > 0 && refused[0].Name != "core.multicast-refused" {
			t.Errorf("object %d of %s: %v", c.object, c.topic, effects)
		}
	}
	if l.live.heard != heard {
		t.Error("a link lives by what its peer is said to have multicast")
	}
}
