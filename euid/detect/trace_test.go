package detect

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

var (
	resolverAddr = netip.MustParseAddr("22.0.0.53")
	lan          = Interface{Index: 2, Name: "lan0", Running: true, Multicast: true,
		Addrs:   []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24")},
		Default: [euid.NumFamilies]bool{euid.IPv4: true},
		Gateway: [euid.NumFamilies]netip.Addr{euid.IPv4: netip.MustParseAddr("192.168.1.1")}}
)

// outcomes reads a script: "1:x192.168.1.1" that a probe to port 53 with TTL 1 was
// too far for that router, "h1:" the same of a probe to a high port, "r" that the
// target answered, "n" that a router refused, "-" silence.
func outcomes(script string) (list []outcome) {
	for _, s := range strings.Fields(script) {
		o := outcome{port: portDNS}
		if rest, high := strings.CutPrefix(s, "h"); high {
			s, o.port = rest, firstPort
		}
		at, what, _ := strings.Cut(s, ":")
		if _, err := fmt.Sscan(at, &o.ttl); err != nil {
			panic(s)
		}
		if what == "-" {
			o.err = context.DeadlineExceeded
			list = append(list, o)
			continue
		}
		o.answer = Answer{Kind: map[byte]AnswerKind{'x': Exceeded, 'r': Reached, 'n': Refused}[what[0]],
			From: netip.MustParseAddr(what[1:]), After: time.Duration(o.ttl) * time.Millisecond}
		list = append(list, o)
	}
	return list
}

func TestCombine(t *testing.T) {
	for _, tt := range []struct{ name, target, script, want, why string }{
		{"a path", "22.0.0.53", "1:x192.168.1.1 2:x22.1.0.1 3:r22.0.0.53 4:r22.0.0.53", "192.168.1.1,22.1.0.1", ""},
		{"longer than is looked", "22.0.0.53", "1:x10.0.0.1 2:x10.0.0.2 3:x10.0.0.3 4:x10.0.0.4 5:x10.0.0.5 64:r22.0.0.53", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5", ""},
		{"a gap", "22.0.0.53", "1:x192.168.1.1 2:- 3:x22.1.0.2 4:r22.0.0.53", "192.168.1.1,,22.1.0.2", "silent"},
		{"only the second round", "22.0.0.53", "1:- 1:x192.168.1.1 2:-", "192.168.1.1", ""},
		{"silence", "22.0.0.53", "1:- 2:- 3:- 4:- 5:-", "", "no router"},
		{"silent but for the end", "22.0.0.53", "1:- 2:- 3:r22.0.0.53", "", "no router"},
		{"the home router is the resolver", "192.168.1.1", "1:r192.168.1.1 2:r192.168.1.1", "192.168.1.1", ""},
		{"a resolver on the link", "192.168.1.2", "1:r192.168.1.2 2:r192.168.1.2", "", "on this link"},
		{"either port will do", "22.0.0.53", "1:- h1:x192.168.1.1 2:x22.1.0.1 h2:- 3:r22.0.0.53 h3:-", "192.168.1.1,22.1.0.1", ""},
		{"a router answers for the resolver", "22.0.0.53", "1:r22.0.0.53 2:r22.0.0.53 3:r22.0.0.53 4:r22.0.0.53 h1:x192.168.1.1 h2:x22.1.0.1 h3:r22.0.0.53", "192.168.1.1,22.1.0.1", "in the resolver's name"},
		{"a firewall says no", "22.0.0.53", "1:x192.168.1.1 2:n22.1.0.1 3:n22.1.0.1", "192.168.1.1,22.1.0.1", ""},
		{"this host says that nobody answers ARP", "22.0.0.53", "1:n192.168.1.7 2:n192.168.1.7", "", "no router"},
		{"balanced: the same for all", "22.0.0.53", "1:x10.0.0.9 h1:x10.0.0.2 2:r22.0.0.53", "10.0.0.2", ""},
		{"balanced, the other order", "22.0.0.53", "h1:x10.0.0.2 1:x10.0.0.9 2:r22.0.0.53", "10.0.0.2", ""},
		{"of one path", "fe80::1%lan0", "1:rfe80::1", "", "on this link"},
	} {
		p := combine(lan, netip.MustParseAddr(tt.target), outcomes(tt.script))
		if got := strings.Join(p.hops, ","); got != tt.want || tt.why == "" && p.why != "" || !strings.Contains(p.why, tt.why) {
			t.Errorf("%s: hops %q because %q, want %q because of %q", tt.name, got, p.why, tt.want, tt.why)
		}
	}
}

// TestRoundTrip: the round trip is the least of those to the target, and not that to
// whoever answers in its name.
func TestRoundTrip(t *testing.T) {
	if p := combine(lan, resolverAddr, outcomes("1:x10.0.0.1 2:r22.0.0.53 64:r22.0.0.53")); p.rtt != 2*time.Millisecond {
		t.Errorf("rtt %v", p.rtt)
	}
	if p := combine(lan, resolverAddr, outcomes("1:r22.0.0.53 h1:x10.0.0.1 64:r22.0.0.53")); p.rtt != 0 {
		t.Errorf("rtt %v of somebody else", p.rtt)
	}
}

// TestGapsAreFilled: a router that does not answer this time is still there, until it
// has been silent too often or something else has changed.
func TestGapsAreFilled(t *testing.T) {
	full := combine(lan, resolverAddr, outcomes("1:x10.0.0.1 2:x10.0.0.2 3:x10.0.0.3"))
	for _, tt := range []struct{ name, script, want string }{
		{"one silent", "1:x10.0.0.1 2:- 3:x10.0.0.3", "10.0.0.1,10.0.0.2,10.0.0.3"},
		{"the last silent", "1:x10.0.0.1 2:x10.0.0.2", "10.0.0.1,10.0.0.2,10.0.0.3"},
		{"all silent", "1:- 2:-", "10.0.0.1,10.0.0.2,10.0.0.3"},
		{"another router", "1:x10.9.0.1 2:- 3:x10.0.0.3", "10.9.0.1,,10.0.0.3"},
		{"shorter", "1:x10.0.0.1 2:r22.0.0.53", "10.0.0.1"},
		{"longer", "1:x10.0.0.1 2:- 3:x10.0.0.3 4:x10.0.0.4", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4"},
	} {
		p := combine(lan, resolverAddr, outcomes(tt.script)).after(full)
		if got := strings.Join(p.hops, ","); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	p := full
	for range maxKept {
		if p = combine(lan, resolverAddr, outcomes("1:x10.0.0.1 2:- 3:-")).after(p); len(p.hops) != 3 {
			t.Fatalf("hops %v", p.hops)
		}
	}
	if p = combine(lan, resolverAddr, outcomes("1:x10.0.0.1 2:- 3:-")).after(p); !slices.Equal(p.hops, []string{"10.0.0.1"}) {
		t.Errorf("after %d traces without them there are still %v", maxKept+1, p.hops)
	}
}

// TestTraceEnds: a trace to where nothing ever answers ends after its rounds, and at
// once when nobody wants it any more, or when there is no route.
func TestTraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		begun := time.Now()
		p := trace(t.Context(), sys, lan, resolverAddr)
		if took := time.Since(begun); took != traceRounds*probeWait || len(p.hops) > 0 || p.rtt != 0 {
			t.Errorf("%+v after %v", p, took)
		}
		if n := sys.probed(); n != traceRounds*2*(euid.MaxHops+1) {
			t.Errorf("%d probes", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		begun = time.Now()
		trace(ctx, sys, lan, resolverAddr)
		if took := time.Since(begun); took != 10*time.Millisecond {
			t.Errorf("ended %v after it was not wanted", took)
		}
		sys.setPath(func(Probe) (Answer, error) { return Answer{}, syscall.ENETUNREACH })
		begun = time.Now()
		p = trace(t.Context(), sys, lan, resolverAddr)
		if time.Since(begun) != 0 || p.why != noRoute {
			t.Errorf("%+v after %v", p, time.Since(begun))
		}
	})
}

// TestLeads: which resolvers an interface has a way to.
func TestLeads(t *testing.T) {
	i := ifc("10.0.0.7/24", "fe80::7/64")
	i.Default = [euid.NumFamilies]bool{}
	for _, tt := range []struct {
		target  string
		routed  bool
		want    bool
		because string
	}{
		{"10.0.0.53", false, true, "on the link"},
		{"22.0.0.53", false, false, "no route"},
		{"22.0.0.53", true, true, "a route"},
		{"2a01::53", true, false, "a route of the other family"},
		{"fe80::53%lan0", false, true, "on the link"},
		{"fe80::53%lan1", false, false, "on another link"},
		{"fe80:1::53", true, false, "on no link"},
	} {
		i.Default[euid.IPv4] = tt.routed
		if got := leads(&i, netip.MustParseAddr(tt.target)); got != tt.want {
			t.Errorf("to %s, %s: %v", tt.target, tt.because, got)
		}
	}
}

// TestTraceAsksTheSilentAgain: what an error limit swallowed the second round finds.
func TestTraceAsksTheSilentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newFake(lan)
		begun := time.Now()
		sys.setPath(func(p Probe) (Answer, error) {
			switch {
			case p.TTL == 2 && time.Since(begun) < probeWait:
				return Answer{}, context.DeadlineExceeded
			case p.TTL <= 3:
				return Answer{Kind: Exceeded, From: netip.AddrFrom4([4]byte{10, 0, 0, byte(p.TTL)})}, nil
			}
			return Answer{Kind: Reached, From: resolverAddr, After: time.Millisecond}, nil
		})
		p := traceAny(t.Context(), sys, lan, addrs("127.0.0.53 22.0.0.53"))
		if got := strings.Join(p.hops, ","); got != "10.0.0.1,10.0.0.2,10.0.0.3" || p.end != 4 {
			t.Errorf("hops %s, end %d", got, p.end)
		}
	})
}
