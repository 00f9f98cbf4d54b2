package core

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
)

// withReach is a record of a peer that is public, or behind a NAT.
func withReach(p protocol.PeerID, d euid.Direction, m euid.Mapping) gossipmembership.Record {
	rec := testRecord(p)
	rec.EUIDs = [][]byte{environment(d, m)}
	return rec
}

func environment(d euid.Direction, m euid.Mapping) []byte {
	e := euid.EUID{Mapping: m}
	e.Reach[euid.IPv4][euid.UDP] = d
	return e.Append(nil)
}

// oneLAN is an environment behind a router that others are behind too.
func oneLAN(encoded []byte) []byte {
	e, err := euid.Parse(encoded)
	if err != nil {
		panic(err)
	}
	e.Hops[0] = euid.Place{Class: euid.ClassPrivate, Tag: 77}
	return e.Append(nil)
}

// TestAlone: a host whose last link falls silent dials a handful from its book, only
// what can be reached, again and again until a link speaks.
func TestAlone(t *testing.T) {
	r := newRig(t, Config{Linger: time.Hour})
	r.do(protocol.EUIDChanged{NIC: 1, EUID: environment(euid.DirectionUnreachable, euid.MappingDependent)})
	for i := range 100 {
		r.h.book.Learn(r.now, withReach(peer(i), euid.DirectionPublic, euid.MappingNone), alice)
		r.h.book.Learn(r.now, withReach(peer(1000+i), euid.DirectionPunchable, euid.MappingIndependent), alice)
	}
	r.link(alice)
	if dials := of[Dial](r.wait(SuspectAfter + 100*time.Millisecond)); len(dials) > 0 {
		t.Errorf("%d dials before the host can know that it is alone", len(dials))
	}
	dialled := map[protocol.PeerID]bool{}
	for round := 1; round <= 3; round++ {
		for _, d := range of[Dial](r.wait(aloneEvery)) {
			dialled[d.Peer] = true
			r.do(protocol.DialFailed{Peer: d.Peer, Reason: "timeout"})
		}
		if n := len(dialled); n < round*aloneDials || n > round*(aloneDials+3) {
			t.Errorf("%d different peers dialled in %d rounds", n, round)
		}
	}
	for i := range 100 {
		if dialled[peer(1000+i)] {
			t.Errorf("%v is dialled, which no dial reaches", peer(1000+i))
		}
	}
	r.link(bob)
	r.wait(aloneEvery)
	if dials := of[Dial](r.wait(800 * time.Millisecond)); len(dials) > 5 {
		t.Errorf("%d dials in company", len(dials))
	}
}

// TestAlonePunchesNothing: a host without a link calls whom it can call by itself, and
// tries a punch only if there is nobody else.
func TestAlonePunchesNothing(t *testing.T) {
	for _, public := range []int{0, 5} {
		r := newRig(t, Config{Linger: time.Hour})
		r.do(protocol.EUIDChanged{NIC: 1, EUID: environment(euid.DirectionPunchable, euid.MappingIndependent)})
		for i := range 100 {
			d := euid.DirectionPunchable
			if i < public {
				d = euid.DirectionPublic
			}
			r.h.book.Learn(r.now, withReach(peer(i), d, euid.MappingIndependent), alice)
		}
		r.h.aloneAt = r.now
		calls, punches := 0, 0
		for _, e := range of[Dial](r.settle()) {
			if r.h.callable(e.Peer) {
				calls++
			} else {
				punches++
			}
		}
		if calls != public || (punches > 0) != (public == 0) {
			t.Errorf("with %d that can be called: %d calls, %d punches", public, calls, punches)
		}
	}
}

// TestNotDialable: what cannot be dialled fails at once, and its place is another's.
func TestNotDialable(t *testing.T) {
	symmetric := environment(euid.DirectionUnreachable, euid.MappingDependent)
	for _, c := range []struct {
		name  string
		own   []byte
		other gossipmembership.Record
		want  bool
	}{
		{"public", symmetric, withReach(bob, euid.DirectionPublic, euid.MappingNone), true},
		{"behind a NAT", symmetric, withReach(bob, euid.DirectionPunchable, euid.MappingIndependent), false},
		{"behind the same router", oneLAN(symmetric), gossipmembership.Record{Peer: bob, Seq: 1, Addrs: []string{"x"}, EUIDs: [][]byte{oneLAN(symmetric)}}, true},
		{"own environment unknown", nil, withReach(bob, euid.DirectionUnreachable, euid.MappingDependent), true},
		{"its environment unknown", symmetric, testRecord(bob), true},
		{"nonsense", symmetric, func() gossipmembership.Record { rec := testRecord(bob); rec.EUIDs = [][]byte{{200}}; return rec }(), true},
	} {
		r := newRig(t, Config{})
		r.do(protocol.EUIDChanged{NIC: 1, EUID: c.own})
		r.h.book.Learn(r.now, c.other, alice)
		r.h.claim(r.now, bob, hostGroup, &r.out)
		dials := of[Dial](r.settle())
		if got := len(dials) == 1; got != c.want || r.h.dials.has(bob) != c.want {
			t.Errorf("%s: dialled: %v", c.name, got)
		}
		if _, failed := r.h.claims[bob]; failed != c.want {
			t.Errorf("%s: the group's claim is kept: %v", c.name, failed)
		}
	}
}
