package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chain builds this host - r1 - r2 - r3 - the resolver, each a namespace; the second
// router never says anything of itself.
func chain(t *testing.T) {
	in(t, 0, plainIP6)
	pids := []int{0}
	for _, job := range []string{"hold", "hold", "hold", "answer"} {
		h := helperIn(t, true, job)
		pids = append(pids, h.pid)
		in(t, h.pid, plainIP6+`
			echo 1 >/proc/sys/net/ipv4/ip_forward
			echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
			echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
			echo 0 >/proc/sys/net/ipv6/icmp/ratelimit`)
	}
	// Between n and n+1 there are 10.0.n.1 and .2, fd00:0:0:n::1 and ::2.
	for n := range 4 {
		in(t, pids[n], fmt.Sprintf(`
			ip link add right type veth peer name left netns %d
			ip addr add 10.0.%d.1/24 dev right
			ip addr add fd00:0:0:%d::1/64 dev right nodad
			ip link set right up`, pids[n+1], n, n))
		in(t, pids[n+1], fmt.Sprintf(`
			ip addr add 10.0.%d.2/24 dev left
			ip addr add fd00:0:0:%d::2/64 dev left nodad
			ip link set left up`, n, n))
	}
	for n := range 4 {
		in(t, pids[n], fmt.Sprintf(`
			ip route add default via 10.0.%d.2
			ip -6 route add default via fd00:0:0:%d::2`, n, n))
	}
	for n := 1; n <= 4; n++ {
		in(t, pids[n], fmt.Sprintf(`
			ip route add 10.0.0.0/24 via 10.0.%d.1 || true
			ip -6 route add fd00::/64 via fd00:0:0:%d::1 || true`, n-1, n-1))
	}
	in(t, pids[2], `
		ip rule add iif lo blackhole pref 1
		ip -6 rule add iif lo blackhole pref 1`)
}

// TestKernelTrace: the path through three routers to a resolver, one of them silent,
// by both families, by a process without any privilege; and what else there can be at
// the end of a path.
func TestKernelTrace(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	chain(t)
	tests := []struct {
		name, target, hops string
		end                int
	}{
		{"IPv4", "10.0.3.2", "10.0.0.2,,10.0.2.2", 4},
		{"IPv6", "fd00:0:0:3::2", "fd00::2,,fd00:0:0:2::2", 4},
		{"nobody listens, on a router", "10.0.2.2", "10.0.0.2", 3},
		{"the next router", "10.0.0.2", "10.0.0.2", 1},
		{"nothing is there", "10.0.3.77", "10.0.0.2,,10.0.2.2", 0},
		{"the second resolver", "127.0.0.53 10.0.3.2", "10.0.0.2,,10.0.2.2", 4},
	}
	helpers := make([]*helper, len(tests))
	for k, tt := range tests { // all at once
		helpers[k] = newHelper(t, false, 65534, "trace right "+tt.target)
	}
	for k, tt := range tests {
		var got traced
		if err := json.Unmarshal([]byte(helpers[k].line()), &got); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %+v", tt.name, got)
		if hops := strings.Join(got.Hops, ","); hops != tt.hops || got.End != tt.end || got.UID != 65534 || (got.RTT > 0) != (tt.end > 0) {
			t.Errorf("%s: %+v, want hops %s and the end at %d", tt.name, got, tt.hops, tt.end)
		}
	}
}

// TestKernelTraceWithoutRoute: where there is no way the reason is known at once.
func TestKernelTraceWithoutRoute(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	in(t, 0, plainIP6+`
		ip link add lan0 type veth peer name far0
		ip addr add 10.77.0.1/24 dev lan0
		ip link set lan0 up
		ip link set far0 up`)
	for _, target := range []string{"22.0.0.53", "2a01::53"} {
		if p := traceAny(t.Context(), kernel{}, onLink(t, "lan0"), addrs(target)); len(p.hops) > 0 || p.why != noRoute {
			t.Errorf("to %s: %+v", target, p)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p := traceAny(ctx, kernel{}, onLink(t, "lan0"), addrs("10.77.0.9")); len(p.hops) > 0 {
		t.Errorf("not wanted any more: %+v", p)
	}
}

// TestParseError: what ICMP errors mean, as the kernel queues them. (A router that
// refuses is not among the namespaces: the kernel limits how often it does.)
func TestParseError(t *testing.T) {
	target4, target6 := netip.MustParseAddr("22.0.0.53"), netip.MustParseAddr("2a01::53")
	for _, tt := range []struct {
		name               string
		target, from       string
		origin, kind, code byte
		want               AnswerKind
		counts             bool
	}{
		{"time exceeded", "22.0.0.53", "10.0.0.1", unix.SO_EE_ORIGIN_ICMP, 11, 0, Exceeded, true},
		{"nobody listens", "22.0.0.53", "22.0.0.53", unix.SO_EE_ORIGIN_ICMP, 3, 3, Reached, true},
		{"a router rejects with the port's error", "22.0.0.53", "10.0.0.1", unix.SO_EE_ORIGIN_ICMP, 3, 3, Refused, true},
		{"no such network", "22.0.0.53", "10.0.0.1", unix.SO_EE_ORIGIN_ICMP, 3, 0, Refused, true},
		{"source quench", "22.0.0.53", "10.0.0.1", unix.SO_EE_ORIGIN_ICMP, 4, 0, 0, false},
		{"too big, says this host", "22.0.0.53", "10.0.0.1", unix.SO_EE_ORIGIN_LOCAL, 0, 0, 0, false},
		{"time exceeded", "2a01::53", "fd00::1", unix.SO_EE_ORIGIN_ICMP6, 3, 0, Exceeded, true},
		{"nobody listens", "2a01::53", "2a01::53", unix.SO_EE_ORIGIN_ICMP6, 1, 4, Reached, true},
		{"forbidden", "2a01::53", "fd00::1", unix.SO_EE_ORIGIN_ICMP6, 1, 1, Refused, true},
		{"packet too big", "2a01::53", "fd00::1", unix.SO_EE_ORIGIN_ICMP6, 2, 0, 0, false},
	} {
		from := netip.MustParseAddr(tt.from)
		b := []byte{0, 0, 0, 0, tt.origin, tt.kind, tt.code, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		level, kind, target := unix.IPPROTO_IP, unix.IP_RECVERR, target4
		if from.Is4() {
			b = append(append(b, unix.AF_INET, 0, 0, 0), from.AsSlice()...)
		} else {
			level, kind, target = unix.IPPROTO_IPV6, unix.IPV6_RECVERR, target6
			b = append(append(b, unix.AF_INET6, 0, 0, 0, 0, 0, 0, 0), from.AsSlice()...)
		}
		a, ok := parseError(controlMessage(level, kind, b), target)
		if ok != tt.counts || ok && (a.Kind != tt.want || a.From != from) {
			t.Errorf("%s for %s: %+v, %v", tt.name, tt.target, a, ok)
		}
		for n := range len(b) { // cut off, it is nothing
			if a, ok := parseError(controlMessage(level, kind, b[:n]), target); ok && n < 16+8 {
				t.Errorf("%s, cut off after %d bytes: %+v", tt.name, n, a)
			}
		}
	}
}

// controlMessage is a cmsghdr and its data.
func controlMessage(level, kind int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}
