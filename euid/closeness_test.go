package euid

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestCloseness: each step of the ladder.
func TestCloseness(t *testing.T) {
	seg := func(e EUID, tag Tag) EUID { e.Segment = tag; return e }
	base := at("193.51.0.1", "dns", "sw", "gw", "core")
	for _, c := range []struct {
		name string
		a, b EUID
		want Closeness
	}{
		{"segment and router", seg(base, 7), seg(base, 7), SharedSegment},
		{"other segments", seg(base, 7), seg(base, 8), SharedRouter(1)},
		{"first router", base, at("", "", "sw"), SharedRouter(1)},
		{"at two depths", base, at("", "", "", "other", "gw"), SharedRouter(3)},
		{"several: the nearest", base, at("", "", "gw", "core"), SharedRouter(2)},
		{"fifth", base, at("", "", "", "", "", "", "sw"), SharedRouter(5)},
		{"resolver", base, at("193.51.0.9", "dns", "x", "y"), SharedResolver},
		{"prefix", base, at("193.51.200.9", "other", "x", "y"), SharedPrefix},
		{"nothing", base, at("193.52.0.1", "other", "x", "y"), SharedNothing},
		{"gaps", at("", "8.8.8.8", "", ""), at("", "8.8.8.8", "", ""), SharedNothing},
		{"half the world", at("80.0.0.1", "192.168.1.1", "192.168.1.1"), at("80.1.0.1", "192.168.1.1", "192.168.1.1"), SharedNothing},
		{"zero", EUID{}, EUID{}, SharedNothing},
	} {
		if got := ClosenessOf(c.a, c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	ladder := []Closeness{SharedNothing, SharedPrefix, SharedResolver, SharedRouter(5), SharedRouter(4),
		SharedRouter(3), SharedRouter(2), SharedRouter(1), SharedSegment}
	if !slices.IsSorted(ladder) || len(slices.Compact(slices.Clone(ladder))) != len(ladder) {
		t.Errorf("the ladder is %v", ladder)
	}
}

// TestClosenessLaws: symmetric; nearest to one's own kind; and above a provider's
// network exactly where there is a common anchor.
func TestClosenessLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	near := 0
	for range 20_000 {
		a, b := randomEUID(rng, 12), randomEUID(rng, 12)
		c := ClosenessOf(a, b)
		if c != ClosenessOf(b, a) {
			t.Fatalf("%v and %v: %v, and %v the other way", a, b, c, ClosenessOf(b, a))
		}
		if self := ClosenessOf(a, a); self < c {
			t.Fatalf("%v is %v to itself and %v to %v", a, self, c, b)
		}
		shared := common([]EUID{a}, []EUID{b}) > 0
		if shared != (c > SharedPrefix) {
			t.Fatalf("%v and %v: %v, but a common anchor: %v", a, b, c, shared)
		}
		if Linkable(a, b) != Linkable(b, a) {
			t.Fatalf("%v and %v: linkable one way", a, b)
		}
		if shared {
			near++
		}
	}
	if near < 1000 || near > 19_000 {
		t.Errorf("%d of 20,000 pairs are near: too few or many to tell", near)
	}
}

// TestNearer: a total order from every place, that nearer ones lead, and in which
// ties fall differently from different places.
func TestNearer(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	list := make([]Record, 40)
	for i := range list {
		list[i] = randomRecord(rng, 1, 9)
		list[i].Peer = protocol.PeerID(fmt.Sprintf("peer%02d", i))
	}
	self := randomRecord(rng, 1, 1)
	self.EUIDs = append(self.EUIDs, randomEUID(rng, 4))
	for _, a := range list {
		for _, b := range list {
			ab, ba := Nearer(self, a, b), Nearer(self, b, a)
			if ab != -ba || (ab == 0) != (a.Peer == b.Peer) {
				t.Fatalf("%s and %s: %d and %d", a.Peer, b.Peer, ab, ba)
			}
			if ca, cb := Closest(self.EUIDs, a.EUIDs), Closest(self.EUIDs, b.EUIDs); ca > cb && ab >= 0 {
				t.Fatalf("%s, %v, comes after %s, %v", a.Peer, ca, b.Peer, cb)
			}
			for _, c := range list {
				if ab < 0 && Nearer(self, b, c) < 0 && Nearer(self, a, c) >= 0 {
					t.Fatalf("not transitive: %s, %s, %s", a.Peer, b.Peer, c.Peer)
				}
			}
		}
	}
	firsts := make(map[protocol.PeerID]int)
	for i := range list {
		list[i].EUIDs = nil
	}
	for i := range 60 {
		from := Record{Peer: protocol.PeerID(fmt.Sprint("self", i))}
		firsts[slices.MinFunc(list, func(a, b Record) int { return Nearer(from, a, b) }).Peer]++
	}
	if len(firsts) < 20 {
		t.Errorf("among equals %d peers are nearest of 60 others", len(firsts))
	}
	more := func(e EUID) Record { return Record{Peer: "z", EUIDs: []EUID{e}} }
	less := func(e EUID) Record { return Record{Peer: "a", EUIDs: []EUID{e}} }
	here := more(at("", "dns", "sw", "gw"))
	if Nearer(here, more(at("", "dns", "sw", "gw")), less(at("", "", "sw"))) >= 0 {
		t.Error("of two with the first router in common that with less in common leads")
	}
}

// TestChance: unrelated peers with three routers each appear to share one as rarely
// as the package says: 9 of 4,095 pairs.
func TestChance(t *testing.T) {
	const n = 1000
	list := make([]EUID, n)
	for i := range list {
		list[i] = at("", "", fmt.Sprint("sw", i), fmt.Sprint("gw", i), fmt.Sprint("core", i))
	}
	pairs, near := 0, 0
	for i, a := range list {
		for _, b := range list[:i] {
			pairs++
			if ClosenessOf(a, b) > SharedPrefix {
				near++
			}
		}
	}
	if got, want := float64(near)/float64(pairs), 9.0/MaxTag; cmp.Compare(got, want*0.8) < 0 || got > want*1.2 {
		t.Errorf("%d of %d unrelated pairs share a tag: %.5f, want %.5f", near, pairs, got, want)
	}
}

// TestLinkable: public ones are reached by all; a punch takes two that can foretell
// their ports.
func TestLinkable(t *testing.T) {
	with := func(d Direction, m Mapping) EUID {
		e := EUID{Mapping: m}
		e.Reach[IPv4][UDP] = d
		return e
	}
	open := with(DirectionPublic, MappingNone)
	cone := with(DirectionPunchable, MappingIndependent)
	symmetric := with(DirectionUnreachable, MappingDependent)
	young := with(DirectionUnknown, MappingUnknown)
	relayed := with(DirectionRelayed, MappingUnknown)
	var v6 EUID
	v6.Reach[IPv6][UDP] = DirectionPublic
	for _, c := range []struct {
		from, to EUID
		want     bool
	}{
		{open, open, true}, {symmetric, open, true}, {cone, open, true}, {cone, cone, true}, {cone, young, true},
		{open, young, true}, {symmetric, young, true}, {young, cone, true}, {EUID{}, open, false}, {open, v6, false},
		{open, cone, false}, {open, symmetric, false}, {open, relayed, false}, {cone, symmetric, false}, {symmetric, cone, false},
	} {
		if got := Dialable(c.from, c.to); got != c.want {
			t.Errorf("from (%v) to (%v): %v", c.from, c.to, got)
		}
	}
	for _, c := range []struct {
		a, b EUID
		want bool
	}{
		{open, open, true}, {open, symmetric, true}, {open, relayed, true}, {cone, cone, true}, {cone, young, true},
		{young, young, true}, {cone, symmetric, false}, {symmetric, symmetric, false}, {young, symmetric, false},
		{with(DirectionUnknown, MappingDependent), cone, false},
		{relayed, cone, false}, {open, v6, false}, {EUID{}, open, false},
	} {
		if got := Linkable(c.a, c.b); got != c.want {
			t.Errorf("(%v) and (%v): %v", c.a, c.b, got)
		}
	}
}
