package lab

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/net/dns/dnsmessage"
)

func testWAN(t testing.TB) *wan {
	n, err := Parse(strings.NewReader(`
site a lan hosts=a1 ip=46 path=r1,*,r2 resolver=dns access=8ms
site b lan hosts=b1 ip=46 path=r3
link a b delay=60ms hops=x
`))
	if err != nil {
		t.Fatal(err)
	}
	w := newWAN(&n)
	w.lookup = func(host string) []netip.Addr {
		if host == "a1" {
			return []netip.Addr{public4(1, 10), public6(1, 10)}
		}
		return nil
	}
	return w
}

// udp makes a UDP packet.
func udp(src, dst netip.Addr, ttl int, port uint16, payload []byte) []byte {
	p := packet{src: dst, dst: src, four: src.Is4(), body: []byte{byte(port >> 8), byte(port), 0x80, 0, 0, 0, 0, 0}}
	return p.reply(ttl, payload)
}

// valid checks the checksums of a packet.
func valid(t *testing.T, raw []byte) packet {
	t.Helper()
	p, ok := parsePacket(raw)
	if !ok {
		t.Fatalf("no packet: %x", raw)
	}
	if p.four && sum(raw[:len(raw)-len(p.body)], 0) != 0xffff {
		t.Errorf("the header's checksum is wrong: %x", raw)
	}
	seed := pseudo(p.src, p.dst, p.proto, len(p.body))
	if p.proto == protoICMP {
		seed = 0
	}
	if sum(p.body, seed) != 0xffff {
		t.Errorf("the checksum is wrong: %x", raw)
	}
	return p
}

// TestTake: what becomes of packets, in both families: where they come out, when,
// and what is counted.
func TestTake(t *testing.T) {
	type addrs struct{ a, b, r1, r2, r3, x, dns netip.Addr }
	w := testWAN(t)
	hop := func(name string, four bool) netip.Addr { return w.hops.byName[name].addr(four) }
	for _, four := range []bool{true, false} {
		ad := addrs{public6(1, 10), public6(2, 10), hop("r1", four), hop("r2", four), hop("r3", four), hop("x", four), hop("dns", four)}
		if four {
			ad.a, ad.b = public4(1, 10), public4(2, 10)
		}
		ms := time.Millisecond
		for _, c := range []struct {
			what  string
			to    netip.Addr
			ttl   int
			from  netip.Addr // who answers; ad.a: the packet itself comes out at b
			after time.Duration
			kind  byte // of ICMP over IPv4; nothing: no packet
		}{
			{"arrives", ad.b, 64, ad.a, 60 * ms, 0},
			{"just arrives", ad.b, 6, ad.a, 60 * ms, 0},
			{"dies at the last", ad.b, 5, ad.r3, 100 * ms, icmpExceeded},
			{"dies in the middle", ad.b, 4, ad.x, 80 * ms, icmpExceeded},
			{"dies at the third", ad.b, 3, ad.r2, 60 * ms, icmpExceeded},
			{"dies at a silent one", ad.b, 2, netip.Addr{}, 0, 0},
			{"dies at the first", ad.b, 1, ad.r1, 20 * ms, icmpExceeded},
			{"to the resolver", ad.dns, 64, ad.dns, 16 * ms, icmpUnreachable},
			{"just to the resolver", ad.dns, 4, ad.dns, 16 * ms, icmpUnreachable},
			{"dies before the resolver", ad.dns, 3, ad.r2, 12 * ms, icmpExceeded},
			{"to a router", ad.r2, 64, ad.r2, 12 * ms, icmpUnreachable},
			{"dies before a router", ad.r2, 1, ad.r1, 4 * ms, icmpExceeded},
		} {
			d, ok := w.take(0, udp(ad.a, c.to, c.ttl, 33434, []byte("probe")))
			if ok != c.from.IsValid() {
				t.Errorf("%s: something came of it: %v", c.what, ok)
			}
			if !ok {
				continue
			}
			p := valid(t, d.raw)
			if p.src != c.from || d.after != c.after {
				t.Errorf("%s: from %v after %v, want %v after %v", c.what, p.src, d.after, c.from, c.after)
			}
			if arrives := c.from == ad.a; arrives && (p.ttl != c.ttl-5 || d.site != w.sites[1]) ||
				!arrives && (p.dst != ad.a || d.site != w.sites[0]) {
				t.Errorf("%s: %v to %v comes out at %s with ttl %d", c.what, p.src, p.dst, d.site.name, p.ttl)
			}
			if four && c.kind != 0 && p.body[0] != c.kind {
				t.Errorf("%s: ICMP type %d, want %d", c.what, p.body[0], c.kind)
			}
		}
	}
	if c := w.counts; c.Expired != 14 || c.Silent != 2 || c.Answered != 6 {
		t.Errorf("counted: %+v", c)
	}
}

// TestDropped: what does not get anywhere is counted as what it is.
func TestDropped(t *testing.T) {
	w := testWAN(t)
	a, b := public4(1, 10), public4(2, 10)
	probe := func(src, dst netip.Addr) []byte { return udp(src, dst, 64, 9, []byte("probe")) }
	cut := probe(a, b)
	w.sites[0].to[1].cut = true
	lossy := w.sites[1].to[0]
	lossy.loss = 1
	tcp := ipPacket(a, w.hops.byName["dns"].v4, 64, protoTCP, make([]byte, 20))
	exceeded, _ := parsePacket(udp(a, b, 1, 9, nil))
	for _, c := range []struct {
		what string
		from int
		raw  []byte
		want Counts
	}{
		{"cut", 0, cut, Counts{Cut: 1}},
		{"lost", 1, probe(b, a), Counts{Lost: 1}},
		{"multicast", 0, probe(a, netip.MustParseAddr("239.1.2.3")), Counts{Multicast: 1}},
		{"multicast 6", 0, probe(public6(1, 10), netip.MustParseAddr("ff02::1")), Counts{Multicast: 1}},
		{"broadcast", 0, probe(a, netip.MustParseAddr("255.255.255.255")), Counts{Multicast: 1}},
		{"foreign", 0, probe(b, a), Counts{Foreign: 1}},
		{"private", 0, probe(private4(10), b), Counts{Foreign: 1}},
		{"real", 0, probe(a, netip.MustParseAddr("8.8.8.8")), Counts{Unknown: 1}},
		{"nobody", 0, probe(a, public4(3, 10)), Counts{Unknown: 1}},
		{"itself", 0, probe(a, public4(1, 99)), Counts{Unknown: 1}},
		{"no hop", 0, probe(a, hop4(999)), Counts{Unknown: 1}},
		{"nothing", 0, nil, Counts{Malformed: 1}},
		{"dead", 0, udp(a, b, 0, 9, nil), Counts{Malformed: 1}},
		{"short", 0, probe(a, b)[:27], Counts{Malformed: 1}},
		{"TCP to a resolver", 0, tcp, Counts{Ignored: 1}},
		{"an error that dies", 1, exceeded.exceeded(b, 1), Counts{Expired: 1}},
	} {
		w.counts = Counts{}
		if d, ok := w.take(c.from, c.raw); ok {
			t.Errorf("%s: it came out at %s", c.what, d.site.name)
		}
		if w.counts != c.want {
			t.Errorf("%s: counted %+v, want %+v", c.what, w.counts, c.want)
		}
	}
}

// TestAnswers: a resolver knows hosts, and pings are answered.
func TestAnswers(t *testing.T) {
	w := testWAN(t)
	for _, four := range []bool{true, false} {
		a, dns := public6(1, 10), w.hops.byName["dns"].addr(four)
		kind := byte(icmp6Echo)
		if four {
			a, kind = public4(1, 10), icmpEcho
		}
		for name, want := range map[string]int{"a1.lab.": 1, "b1.lab.": 0, "example.org.": 0} {
			query := dnsmessage.Message{Header: dnsmessage.Header{ID: 7},
				Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeAAAA, Class: dnsmessage.ClassINET}}}
			raw, err := query.Pack()
			if err != nil {
				t.Fatal(err)
			}
			d, ok := w.take(0, udp(a, dns, 64, 53, raw))
			if !ok {
				t.Fatalf("no answer about %s", name)
			}
			var reply dnsmessage.Message
			if err := reply.Unpack(valid(t, d.raw).body[8:]); err != nil {
				t.Fatal(err)
			}
			if reply.ID != 7 || len(reply.Answers) != want || (reply.RCode == dnsmessage.RCodeSuccess) != (want > 0) {
				t.Errorf("%s: %+v", name, reply)
			}
		}
		if _, ok := w.take(0, udp(a, dns, 64, 53, []byte("what?"))); ok {
			t.Error("an answer to no query")
		}
		ping := packet{src: dns, dst: a, four: four}
		d, ok := w.take(0, ping.icmp(a, 64, int(kind), 0, []byte("\x00\x01\x00\x02data")))
		if !ok {
			t.Fatal("no answer to a ping")
		}
		if p := valid(t, d.raw); p.src != dns || !bytes.HasSuffix(p.body, []byte("\x00\x01\x00\x02data")) {
			t.Errorf("a ping is answered by %v with %q", p.src, p.body)
		}
	}
}

// TestPublic: libp2p takes the lab's addresses for public, or would detect nothing.
func TestPublic(t *testing.T) {
	w := testWAN(t)
	list := []netip.Addr{w.hops.byName["r1"].v4, w.hops.byName["r1"].v6}
	for n := 1; n <= maxNumber; n++ {
		list = append(list, public4(n, 1), public4(n, 254), public6(n, 1), public6(n, 254))
		for _, a := range list[len(list)-4:] {
			if numberOf(a) != n {
				t.Errorf("%v is of number %d, not %d", a, numberOf(a), n)
			}
		}
	}
	for _, a := range list {
		proto := "ip6"
		if a.Is4() {
			proto = "ip4"
		}
		m, err := multiaddr.NewMultiaddr("/" + proto + "/" + a.String() + "/udp/4001/quic-v1")
		if err != nil {
			t.Fatal(err)
		}
		if !manet.IsPublicAddr(m) {
			t.Errorf("%v is not public", a)
		}
	}
}

// FuzzTake: no packet breaks the way between sites, and what comes out is whole.
func FuzzTake(f *testing.F) {
	f.Add(udp(public4(1, 10), public4(2, 10), 64, 9, []byte("x")))
	f.Add(udp(public6(1, 10), hop6(1), 2, 53, []byte("x")))
	f.Add(udp(public4(1, 10), hop4(1), 2, 53, []byte("x")))
	f.Add(udp(public4(1, 10), hop4(1), 0, 53, []byte("x")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if d, ok := testWAN(t).take(0, raw); ok {
			p, ok := parsePacket(d.raw)
			if !ok {
				t.Fatalf("%x came out", d.raw)
			}
			if p.four && sum(d.raw[:len(d.raw)-len(p.body)], 0) != 0xffff {
				t.Fatalf("%x came out, with a wrong checksum", d.raw)
			}
		}
	})
}
