package lab

import (
	"net/netip"
	"slices"
	"testing"
)

// TestTruth: what is said to be true of a host is what its own probes see.
func TestTruth(t *testing.T) {
	l := seven(t)
	for _, c := range []struct {
		host  string
		kind  Kind
		hears []string
	}{
		{"a1", LAN, []string{"a2", "a3"}}, {"c1", Cone, []string{"c2"}}, {"d2", Symmetric, []string{"d1"}},
		{"e1", Cone, nil}, {"f1", Firewall, []string{"f2"}}, {"g1", LAN, []string{"g2"}},
	} {
		h := l.Host(c.host)
		list := h.Truth()
		if len(list) != 1 {
			t.Fatalf("%s has %d interfaces", c.host, len(list))
		}
		got := list[0]
		if got.Kind != c.kind || !slices.Equal(got.Hears, c.hears) || !slices.Equal(got.Addrs, h.Addrs()) ||
			!slices.Equal(got.Public, h.Public()) || !slices.Equal(got.Resolvers, h.Resolvers()) {
			t.Errorf("%s: %+v", c.host, got)
		}
		for k, r := range got.Resolvers {
			way := trace(t, h, r)
			if last := len(way) - 1; last > 0 || r.IsLoopback() {
				way = way[:last] // the resolver itself
			}
			if !slices.Equal(way, got.Hops[k]) {
				t.Errorf("%s: the way to %v is said to be %v and is %v", c.host, r, got.Hops[k], way)
			}
		}
	}
	before := l.Host("d1").Truth()[0]
	if err := l.SetKind("home2", LAN); err != nil {
		t.Fatal(err)
	}
	after := l.Host("d1").Truth()[0]
	if after.Kind != LAN || after.Public[0] == before.Public[0] || after.Hops[0][0] != netip.MustParseAddr("22.8.0.1") {
		t.Errorf("moved: %+v", after)
	}
}
