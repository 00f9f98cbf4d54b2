package detect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/euid"
)

// sights reads sightings: "4001>22.0.0.1:4001@22.9.0.1" for one of local port 4001,
// seen as 22.0.0.1:4001, by 22.9.0.1; with a "!" where the connection has ended.
func sights(t *testing.T, script string) (s sightings) {
	for k, text := range strings.Fields(script) {
		text, closed := strings.CutPrefix(text, "!")
		local, rest, _ := strings.Cut(text, ">")
		seen, by, ok := strings.Cut(rest, "@")
		if !ok {
			t.Fatalf("script %q", text)
		}
		n := sighting{transport: euid.UDP, local: netip.MustParseAddrPort("0.0.0.0:" + local), seen: netip.MustParseAddrPort(seen),
			by: netip.MustParseAddr(by), at: time.Unix(int64(k), 0), peer: peer.ID(by), closed: closed}
		s.add(n)
	}
	return s
}

func TestMapping(t *testing.T) {
	own := func(a netip.Addr) bool { return a == netip.MustParseAddr("22.0.0.7") }
	for _, tt := range []struct {
		name, script string
		want         euid.Mapping
		addr, why    string
	}{
		{"nobody", "", euid.MappingUnknown, "", "no peer"},
		{"one is not enough", "4001>22.0.0.1:4001@22.9.0.1", euid.MappingUnknown, "", "no two peers"},
		{"one port for two", "4001>22.0.0.1:5001@22.9.0.1 4001>22.0.0.1:5001@22.9.0.2", euid.MappingIndependent, "22.0.0.1", ""},
		{"port preserved", "4001>22.0.0.1:4001@22.9.0.1 4001>22.0.0.1:4001@22.9.0.2", euid.MappingIndependent, "22.0.0.1", ""},
		{"own address", "4001>22.0.0.7:4001@22.9.0.1 4001>22.0.0.7:4001@22.9.0.2", euid.MappingNone, "22.0.0.7", ""},
		{"own address, by other ports", "5001>22.0.0.7:5001@22.9.0.1 5002>22.0.0.7:5002@22.9.0.2", euid.MappingNone, "22.0.0.7", ""},
		{"another port for each of three", "4001>22.0.0.1:5001@22.9.0.1 4001>22.0.0.1:5002@22.9.0.2 4001>22.0.0.1:5003@22.9.0.3", euid.MappingDependent, "22.0.0.1", ""},
		{"another address for each of three", "4001>22.0.0.1:4001@22.9.0.1 4001>22.0.0.2:4001@22.9.0.2 4001>22.0.0.3:4001@22.9.0.3", euid.MappingDependent, "", ""},
		{"two disagree", "4001>22.0.0.1:5001@22.9.0.1 4001>22.0.0.1:5002@22.9.0.2", euid.MappingUnknown, "22.0.0.1", "a third"},
		{"one of three lies", "4001>22.0.0.1:4001@22.9.0.1 4001>22.7.7.7:7@22.9.0.2 4001>22.0.0.1:4001@22.9.0.3", euid.MappingIndependent, "22.0.0.1", ""},
		{"one with many addresses is one", "4001>22.0.0.1:5001@22.9.0.1 4001>22.0.0.1:5002@22.9.0.1 4001>22.0.0.1:5003@22.9.0.1", euid.MappingUnknown, "", "no two peers"},
		{"other local ports cannot be compared", "5001>22.0.0.1:6001@22.9.0.1 5002>22.0.0.1:6002@22.9.0.2 5003>22.0.0.1:6003@22.9.0.3", euid.MappingUnknown, "22.0.0.1", "no two peers"},
		{"the best observed port counts", "5001>22.0.0.1:6001@22.9.0.9 4001>22.0.0.1:4001@22.9.0.1 4001>22.0.0.1:4001@22.9.0.2", euid.MappingIndependent, "22.0.0.1", ""},
		{"neighbours on the LAN say nothing", "4001>192.168.1.7:4001@192.168.1.8 4001>192.168.1.7:4001@192.168.1.9", euid.MappingUnknown, "", "no peer"},
		{"open connections before those that have ended", "!4001>22.0.0.1:5001@22.9.0.1 !4001>22.0.0.1:5002@22.9.0.2 !4001>22.0.0.1:5003@22.9.0.3 4001>22.0.0.2:4001@22.9.0.4 4001>22.0.0.2:4001@22.9.0.5", euid.MappingIndependent, "22.0.0.2", ""},
		{"those that have ended are better than nothing", "!4001>22.0.0.1:4001@22.9.0.1 !4001>22.0.0.1:4001@22.9.0.2 4001>22.0.0.1:4001@22.9.0.3", euid.MappingIndependent, "22.0.0.1", ""},
		{"a /64 is one observer", "4001>[2a01::7]:1@2a02::1 4001>[2a01::7]:2@2a02::2 4001>[2a01::7]:3@2a02::3", euid.MappingUnknown, "", "no two peers"},
	} {
		v := viewOf(sights(t, tt.script).list, own)
		if got := hopText(v.addr); v.mapping != tt.want || got != tt.addr || !strings.Contains(v.why, tt.why) || tt.why == "" && v.why != "" {
			t.Errorf("%s: %v, %q, %q; want %v, %q, %q", tt.name, v.mapping, got, v.why, tt.want, tt.addr, tt.why)
		}
	}
}

// TestSightingsAreBounded: the latest stay, each observer's newest, and none for ever.
func TestSightingsAreBounded(t *testing.T) {
	var s sightings
	saw := func(k int, at time.Time) {
		s.add(sighting{local: netip.MustParseAddrPort("0.0.0.0:4001"), seen: netip.MustParseAddrPort("22.0.0.1:4001"),
			by: netip.MustParseAddr(fmt.Sprintf("22.9.%d.%d", k/250, 1+k%250)), at: at})
	}
	for k := range 3 * maxSightings {
		saw(k, time.Unix(int64(k), 0))
	}
	if len(s.list) != maxSightings || s.list[0].at != time.Unix(2*maxSightings, 0) {
		t.Errorf("%d sightings, the first of %v", len(s.list), s.list[0].at)
	}
	saw(3*maxSightings-1, time.Unix(1000, 0))
	if len(s.list) != maxSightings {
		t.Errorf("%d sightings after one was repeated", len(s.list))
	}
	saw(0, time.Unix(1001, 0).Add(sightingLife))
	if len(s.list) != 1 {
		t.Errorf("%d sightings live on", len(s.list))
	}
}

// TestForget: what a change of an interface makes void, and no more.
func TestForget(t *testing.T) {
	base := ifc("22.0.0.7/24", "2a01::7/64")
	for _, tt := range []struct {
		name   string
		change func(*Interface)
		want   int
	}{
		{"one more address", func(i *Interface) { i.Addrs = append(i.Addrs, netip.MustParsePrefix("2a01::8/64")) }, 3},
		{"another IPv4 network", func(i *Interface) { i.Addrs[0] = netip.MustParsePrefix("22.0.1.7/24") }, 1},
		{"another address in it", func(i *Interface) { i.Addrs[0] = netip.MustParsePrefix("22.0.0.8/24") }, 2},
		{"another router", func(i *Interface) { i.Gateway[euid.IPv6] = netip.MustParseAddr("fe80::1") }, 2},
		{"gone", func(i *Interface) { *i = Interface{} }, 0},
	} {
		s := sights(t, "4001>22.0.0.7:4001@22.9.0.1 4001>[2a01::7]:4001@2a02::1")
		s.add(sighting{local: netip.MustParseAddrPort("22.0.0.7:5001"), seen: netip.MustParseAddrPort("22.0.0.7:5001"),
			by: netip.MustParseAddr("22.9.0.3"), at: time.Unix(9, 0)})
		after := base
		after.Addrs = append([]netip.Prefix(nil), base.Addrs...)
		tt.change(&after)
		if s.forget(&base, &after); len(s.list) != tt.want {
			t.Errorf("%s: %d are left: %+v", tt.name, len(s.list), s.list)
		}
	}
}
