package core

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// withCaps is a record with capabilities.
func withCaps(rec gossipmembership.Record, caps uint64) gossipmembership.Record {
	rec.Caps = caps
	return rec
}

// TestLeafNotDialledInVain: a leaf is dialled only where that can lead to a direct link:
// from its own LAN, or by way of a relay, where a hole can be punched or it can call back.
func TestLeafNotDialledInVain(t *testing.T) {
	const leaf, relayed = gossipmembership.CapLeaf, gossipmembership.CapLeaf | gossipmembership.CapRelayed
	public := environment(euid.DirectionPublic, euid.MappingNone)
	cone := environment(euid.DirectionPunchable, euid.MappingIndependent)
	symmetric := environment(euid.DirectionUnreachable, euid.MappingDependent)
	unknown := environment(euid.DirectionUnknown, euid.MappingUnknown)
	for _, c := range []struct {
		name       string
		own, their []byte
		caps       uint64
		want       bool
	}{
		{"no leaf", public, unknown, 0, true},
		{"a leaf of which nobody knows more", public, unknown, leaf, false},
		{"a leaf at no relay", cone, cone, leaf, false},
		{"a leaf at no relay, from its LAN", oneLAN(cone), oneLAN(cone), leaf, true},
		{"two to be punched", cone, cone, relayed, true},
		{"one that can call back", public, symmetric, relayed, true},
		{"nothing to be punched", symmetric, cone, relayed, false},
		{"two symmetric ones", symmetric, symmetric, relayed, false},
	} {
		r := newRig(t, Config{})
		r.do(protocol.EUIDChanged{NIC: 1, EUID: c.own})
		rec := testRecord(bob)
		rec.EUIDs = [][]byte{c.their}
		r.h.book.Learn(r.now, withCaps(rec, c.caps), alice)
		r.h.claim(r.now, bob, hostGroup, &r.out)
		dials := of[Dial](r.settle())
		if got := len(dials) == 1; got != c.want || got && dials[0].Relayed {
			t.Errorf("%s: dialled: %+v, want %v", c.name, dials, c.want)
		}
	}
}

// TestRelayWillDo: only a group that has long been without a neighbour on a direct link
// is content with one through a relay; one neighbour is enough to end that.
func TestRelayWillDo(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	symmetric := environment(euid.DirectionUnreachable, euid.MappingDependent)
	r.do(protocol.EUIDChanged{NIC: 1, EUID: symmetric})
	for _, p := range []protocol.PeerID{bob, carol} {
		rec := testRecord(p)
		rec.EUIDs = [][]byte{symmetric}
		r.h.book.Learn(r.now, withCaps(rec, gossipmembership.CapLeaf|gossipmembership.CapRelayed), alice)
	}
	dial := func(p protocol.PeerID) []Dial {
		r.h.claim(r.now, p, hostGroup, &r.out)
		d := of[Dial](r.settle())
		r.do(protocol.DialFailed{Peer: p, Reason: "nobody"})
		return d
	}
	if d := dial(bob); len(d) != 0 {
		t.Fatalf("dialled at once: %+v", d)
	}
	r.wait(relayAfter)
	d := dial(bob)
	if len(d) != 1 || !d[0].Relayed {
		t.Fatalf("after %v alone: %+v, want a dial with a relay", relayAfter, d)
	}
	r.do(protocol.LinkUp{Link: protocol.Link{Peer: bob, Outbound: true, Relayed: true}})
	r.h.memberUp(r.now, gossipmembership.Up{Peer: bob}, hostGroup)
	r.settle()
	if d := dial(carol); len(d) != 1 || !d[0].Relayed {
		t.Errorf("with a neighbour behind a relay: %+v, want another dial with a relay", d)
	}
	r.do(protocol.LinkUp{Link: protocol.Link{Peer: dave, Outbound: true}})
	r.h.memberUp(r.now, gossipmembership.Up{Peer: dave}, hostGroup)
	r.settle()
	if d := dial(carol); len(d) != 0 {
		t.Errorf("with a direct neighbour: %+v, want no dial", d)
	}
}

// TestRelays: those that relay and are not linked are drawn from the book.
func TestRelays(t *testing.T) {
	r := newRig(t, Config{})
	for i, caps := range []uint64{0, gossipmembership.CapRelays, gossipmembership.CapLeaf, gossipmembership.CapRelays, gossipmembership.CapRelays} {
		r.h.book.Learn(r.now, withCaps(testRecord(peer(i)), caps), alice)
	}
	r.link(peer(4))
	if got := r.h.Relays(5); len(got) != 2 || got[0].Caps != gossipmembership.CapRelays || got[1].Caps != gossipmembership.CapRelays {
		t.Errorf("drawn %+v, want the two that relay and are not linked", got)
	}
	if got := r.h.Relays(1); len(got) != 1 {
		t.Errorf("%d drawn, want 1", len(got))
	}
}
