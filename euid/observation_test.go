package euid

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestClassOf(t *testing.T) {
	for _, c := range []struct {
		text string
		want Class
		name string
	}{
		{"", ClassNone, ""},
		{"0.0.0.0", ClassNone, "0.0.0.0"},
		{"255.255.255.255", ClassNone, "255.255.255.255"},
		{"224.0.0.1", ClassNone, "224.0.0.1"},
		{"127.0.0.53", ClassStub, "127.0.0.53"},
		{"::1", ClassStub, "::1"},
		{"::ffff:127.0.0.53", ClassStub, "127.0.0.53"},
		{"8.8.8.8", ClassAnycast, "8.8.8.8"},
		{"1.1.1.1", ClassAnycast, "1.1.1.1"},
		{"9.9.9.9", ClassAnycast, "9.9.9.9"},
		{"2001:4860:4860::8888", ClassAnycast, "2001:4860:4860::8888"},
		{"2606:4700:4700::1111", ClassAnycast, "2606:4700:4700::1111"},
		{"2620:fe::fe", ClassAnycast, "2620:fe::fe"},
		{"::ffff:8.8.8.8", ClassAnycast, "8.8.8.8"},
		{"64:ff9b::808:808", ClassAnycast, "8.8.8.8"},
		{"192.168.1.1", ClassPrivate, "192.168.1.1"},
		{"10.0.0.1", ClassPrivate, "10.0.0.1"},
		{"172.31.255.1", ClassPrivate, "172.31.255.1"},
		{"100.64.0.1", ClassPrivate, "100.64.0.1"},
		{"192.0.0.1", ClassPrivate, "192.0.0.1"},
		{"169.254.1.1", ClassPrivate, "169.254.1.1"},
		{"fe80::1%eth0", ClassPrivate, "fe80::1"},
		{"fd00::1", ClassPrivate, "fd00::1"},
		{"240.0.0.9", ClassPrivate, "240.0.0.9"},
		{"193.51.0.1", ClassOrdinary, "193.51.0.1"},
		{"172.32.0.1", ClassOrdinary, "172.32.0.1"},
		{"100.128.0.1", ClassOrdinary, "100.128.0.1"},
		{"2001:db9::0:1", ClassOrdinary, "2001:db9::1"},
		{"as154-pop0", ClassOrdinary, "as154-pop0"},
	} {
		if class, name := ClassOf(c.text); class != c.want || name != c.name {
			t.Errorf("%q is %v %q, want %v %q", c.text, class, name, c.want, c.name)
		}
	}
}

// TestNoAnchor: "192.168.1.1 is the first hop of half the world", a public anycast
// resolver or a stub "says nothing about who is near", and hops go missing.
func TestNoAnchor(t *testing.T) {
	for name, e := range map[string]EUID{ //tidy:orderless each is a test of its own
		"nothing":                         at("193.51.0.1", ""),
		"private, its public one unknown": at("", "192.168.1.1", "192.168.1.1", "10.0.0.1"),
		"private behind private":          at("10.1.1.1", "192.168.1.1", "192.168.1.1"),
		"anycast":                         at("193.51.0.1", "8.8.8.8", "", "8.8.8.8"),
		"stub":                            at("193.51.0.1", "127.0.0.53", "127.0.0.1"),
		"silence":                         at("193.51.0.1", "", "", "", "", "", ""),
		"beyond five hops":                at("193.51.0.1", "", "", "", "", "", "", "sixth"),
	} {
		if got := Anchors(e); len(got) != 0 {
			t.Errorf("%s: anchors %v", name, got)
		}
	}
}

// TestHalfTheWorld: of two thousand homes, all with the same home router, resolver
// and addresses, only those behind one public address share an anchor.
func TestHalfTheWorld(t *testing.T) {
	const homes = 2000
	byID := make(map[AnchorID][]int)
	for i := range homes {
		public := netip.AddrFrom4([4]byte{80, 1, byte(i / 2 >> 8), byte(i / 2)}) // two hosts a home
		e := at(public.String(), "192.168.1.1", "192.168.1.1", "")
		list := Anchors(e)
		if len(list) != 1 || list[0].Kind != AnchorRouter || list[0].Depth != 1 {
			t.Fatalf("home %d has anchors %v", i, list)
		}
		byID[list[0].ID()] = append(byID[list[0].ID()], i)
	}
	most := 0
	for _, hosts := range byID { //tidy:orderless a maximum
		most = max(most, len(hosts))
	}
	// 1,000 homes on 4,095 tags: more than 6 on one has a probability below 1e-3, and
	// the key is fixed.
	if most > 2*6 {
		t.Errorf("%d hosts of %d share an anchor", most, homes)
	}
	for i := 0; i < homes; i += 2 {
		a := at(netip.AddrFrom4([4]byte{80, 1, byte(i / 2 >> 8), byte(i / 2)}).String(), "", "192.168.1.1")
		b := at(netip.AddrFrom4([4]byte{80, 1, byte(i / 2 >> 8), byte(i / 2)}).String(), "192.168.1.1", "")
		if ClosenessOf(a, b) != SharedResolver {
			t.Fatalf("home %d: a router here and a resolver there are %v", i/2, ClosenessOf(a, b))
		}
	}
}

// TestCarrierNAT: homes behind one carrier's NAT share its router, and not their own.
func TestCarrierNAT(t *testing.T) {
	e := at("193.51.0.1", "192.168.1.1", "192.168.1.1", "100.64.0.1", "10.9.9.9", "core")
	var depths []int
	for _, a := range Anchors(e) {
		depths = append(depths, a.Depth)
	}
	if !slices.Equal(depths, []int{2, 3, 4}) {
		t.Errorf("anchors at depths %v", depths)
	}
	if e.Hops[0] != (Place{Class: ClassPrivate}) || e.Resolver != (Place{Class: ClassPrivate}) {
		t.Errorf("the home's router is %v, its resolver %v", e.Hops[0], e.Resolver)
	}
}

// TestAnchors: each place once, nearest first, whatever the way it is written.
func TestAnchors(t *testing.T) {
	o := Observation{
		Public:   [NumFamilies]netip.Addr{netip.MustParseAddr("193.51.0.1"), netip.MustParseAddr("2001:db9:1:2::5")},
		Resolver: "dns", Hops: []string{"192.168.1.1", "", "::ffff:192.168.1.1", "pop", "fe80::1%eth0"},
		Segment: "lan", Heard: true,
	}
	e := o.EUID(testKey, EUID{})
	want := []Anchor{
		{AnchorSegment, 0, testKey.tag(tagSegment, "lan")},
		{AnchorRouter, 1, testKey.tag(tagPlace, "192.168.1.1", "193.51.0.1/32")},
		{AnchorRouter, 4, testKey.tag(tagPlace, "pop")},
		{AnchorRouter, 5, testKey.tag(tagPlace, "fe80::1", "2001:db9:1:2::/64")},
		{AnchorResolver, 0, testKey.tag(tagPlace, "dns")},
	}
	if got := Anchors(e); !slices.Equal(got, want) {
		t.Errorf("anchors %v, want %v", got, want)
	}
	if e.Prefix != [NumFamilies]Tag{testKey.tag(tagPrefix, "193.51.0.0/16"), testKey.tag(tagPrefix, "2001:db9::/32")} {
		t.Errorf("prefixes %v", e.Prefix)
	}
	if o.Heard = false; o.EUID(testKey, EUID{}).Segment != 0 {
		t.Error("a segment on which nobody was heard is published")
	}
	o.Heard, o.Segment = true, ""
	if o.EUID(testKey, EUID{}).Segment != 0 {
		t.Error("a segment without a name is published")
	}
	o.Resolver, o.Segment = "pop", "lan"
	if n := len(Anchors(o.EUID(testKey, EUID{}))); n != 4 {
		t.Errorf("the router that is the resolver too makes %d anchors of 4", n)
	}
}

// TestKeys: who has another key sees other tags, and the value is a function of the
// observation and the key.
func TestKeys(t *testing.T) {
	o := Observation{Resolver: "dns", Hops: []string{"a", "b", "c"}, NIC: 1}
	open, closed := o.EUID(NetworkKey(""), EUID{}), o.EUID(NetworkKey("secret"), EUID{})
	if ClosenessOf(open, closed) != SharedNothing {
		t.Errorf("under two keys: %v", ClosenessOf(open, closed))
	}
	o.NIC, o.Private = 2, []netip.Addr{netip.MustParseAddr("192.168.1.7")}
	if o.EUID(NetworkKey(""), EUID{}) != open {
		t.Error("the number of the NIC or its private address reaches what is published")
	}
}

// TestTags: tags spread over all 4,095 values, and zero is none of them.
func TestTags(t *testing.T) {
	const n = 40950
	var counts [MaxTag + 1]int
	for i := range n {
		counts[testKey.tag(tagPlace, netip.AddrFrom4([4]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}).String())]++
	}
	if counts[0] > 0 {
		t.Fatal("zero is a tag")
	}
	// Each has 10 in the mean: chi-square of 4,094 degrees of freedom, deviation 90.
	chi := 0.0
	for _, c := range counts[1:] {
		chi += float64((c-10)*(c-10)) / 10
	}
	if chi < MaxTag-1-5*90 || chi > MaxTag-1+5*90 {
		t.Errorf("chi-square %.0f, want about %d", chi, MaxTag-1)
	}
}

// TestRanges: measurements become ranges, and what is not measured is unknown.
func TestRanges(t *testing.T) {
	o := Observation{Measured: Measured{RTT: 5 * time.Millisecond, Up: 20e6, Down: 0.5e6, Sent: 1000, Lost: 20}}
	e := o.EUID(testKey, EUID{})
	if e.RTT != RangeOf(5) || e.Up != RangeOf(20) || e.Down != RangeOf(0.5) || e.Loss != RangeOf(20) {
		t.Errorf("ranges %v, %v, %v, %v", e.RTT, e.Up, e.Down, e.Loss)
	}
	// A quarter above 8 is 10, a quarter below 16 is 12, above 1 is 1.25.
	o.Measured = Measured{RTT: 9 * time.Millisecond, Up: 13e6, Down: 1.2e6, Sent: 1000, Lost: 13}
	if again := o.EUID(testKey, e); again != e {
		t.Errorf("a little more or less than %v: %v", e, again)
	}
	if fresh := o.EUID(testKey, EUID{}); fresh.RTT != e.RTT+1 || fresh.Up != e.Up-1 || fresh.Down != e.Down+1 || fresh.Loss != e.Loss-1 {
		t.Errorf("the same without a past: %v", fresh)
	}
	o.Measured = Measured{}
	if e = o.EUID(testKey, e); e != (EUID{}) {
		t.Errorf("nothing is measured: %v", e)
	}
	for v, want := range map[float64]Range{0: 1, 0.9: 1, 1: 2, 1.9: 2, 2: 3, 8191: 14, 8192: 15, 1e12: 15, -1: 0} { //tidy:orderless each alone
		if got := RangeOf(v); got != want {
			t.Errorf("%v is in range %d, want %d", v, got, want)
		}
	}
}

// TestHysteresis: what varies around a bound changes the range at most once; what
// doubles, always.
func TestHysteresis(t *testing.T) {
	for r := Range(1); r < MaxRange; r++ {
		_, bound := r.Bounds()
		now, changes := RangeOf(bound), 0
		for i := range 100 {
			v := bound * (0.8 + 0.4*float64(i*37%100)/100)
			if next := now.Follow(v); next != now {
				now, changes = next, changes+1
			}
		}
		if least, above := r.Bounds(); r.Follow(least*0.8) != r || r.Follow(above*1.2) != r {
			t.Errorf("range %d: a fifth out of it is %d and %d", r, r.Follow(least*0.8), r.Follow(above*1.2))
		}
		if changes > 1 {
			t.Errorf("range %d: %d changes around its bound", r, changes)
		}
		if least, above := r.Bounds(); r > 1 && (r.Follow(2*above) <= r || r.Follow(least/2) >= r) {
			t.Errorf("range %d: twice and half are %v, %v", r, r.Follow(2*above), r.Follow(least/2))
		}
	}
}
