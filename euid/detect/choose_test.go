package detect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/euid"
)

func TestChoose(t *testing.T) {
	nic := func(index int, kind string, f func(*Interface)) Interface {
		i := Interface{Index: index, Name: fmt.Sprint("if", index), Kind: kind, Running: true, Multicast: true,
			Addrs: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.%d.0.1/24", index))}}
		if f != nil {
			f(&i)
		}
		return i
	}
	route := func(i *Interface) { i.Default[euid.IPv4] = true }
	port := func(master int) func(*Interface) {
		return func(i *Interface) { i.Master, i.Addrs = master, nil }
	}
	for _, tt := range []struct {
		name string
		all  []Interface
		want string // the indices chosen
	}{
		{"plain", []Interface{nic(1, "", nil), nic(2, "", nil)}, "1 2"},
		{"the way out first", []Interface{nic(1, "", nil), nic(2, "", route)}, "2 1"},
		{"loopback", []Interface{nic(1, "", func(i *Interface) { i.Loopback = true })}, ""},
		{"no carrier", []Interface{nic(1, "", func(i *Interface) { i.Running = false })}, ""},
		{"no address", []Interface{nic(1, "", func(i *Interface) { i.Addrs = nil })}, ""},
		{"a link-local address", []Interface{nic(1, "", func(i *Interface) { i.Addrs = []netip.Prefix{netip.MustParsePrefix("169.254.1.1/16")} })}, ""},
		{"a bridge of containers", []Interface{nic(1, "", route), nic(2, "bridge", nil), nic(3, "veth", port(2))}, "1"},
		{"a bridge with nothing", []Interface{nic(2, "bridge", nil)}, ""},
		{"a bridge with a card", []Interface{nic(1, "", port(2)), nic(2, "bridge", nil), nic(3, "veth", port(2))}, "2"},
		{"a bridge with a route", []Interface{nic(2, "bridge", route), nic(3, "veth", port(2))}, "2"},
		{"inside of a container", []Interface{nic(7, "veth", route)}, "7"},
		{"a VPN", []Interface{nic(1, "", nil), nic(5, "wireguard", route)}, "5 1"},
		{"five", []Interface{nic(1, "", nil), nic(2, "", nil), nic(3, "", nil), nic(4, "", nil), nic(5, "", route)}, "5 1 2 3"},
	} {
		chosen, skipped := choose(tt.all)
		var got []string
		for _, i := range chosen {
			got = append(got, fmt.Sprint(i.Index))
		}
		if strings.Join(got, " ") != tt.want || len(chosen)+len(skipped) != len(tt.all) {
			t.Errorf("%s: chose %v, skipped %v; want %s", tt.name, got, skipped, tt.want)
		}
		for _, s := range skipped {
			if s.Why == "" {
				t.Errorf("%s: no reason to skip %s", tt.name, s.Name)
			}
		}
	}
}

// TestExit: of two ways out that with the least metric counts.
func TestExit(t *testing.T) {
	a, b := ifc("10.0.0.1/8"), ifc("10.1.0.1/8")
	a.Metric[euid.IPv4], b.Metric[euid.IPv4] = 600, 100
	if got := exit([]Interface{a, b}, euid.IPv4); got != 1 {
		t.Errorf("exit by %d", got)
	}
	if got := exit([]Interface{a, b}, euid.IPv6); got != -1 {
		t.Errorf("IPv6 leaves by %d", got)
	}
}

// TestMoved: what makes an interface one at another place.
func TestMoved(t *testing.T) {
	base := ifc("10.0.0.1/24", "2a01::1/64")
	for _, tt := range []struct {
		name   string
		change func(*Interface)
		want   bool
	}{
		{"nothing", func(*Interface) {}, false},
		{"one more IPv6 address of the day", func(i *Interface) { i.Addrs = append(i.Addrs, netip.MustParsePrefix("2a01::99/64")) }, false},
		{"another host number", func(i *Interface) { i.Addrs[0] = netip.MustParsePrefix("10.0.0.9/24") }, false},
		{"another network", func(i *Interface) { i.Addrs[0] = netip.MustParsePrefix("10.0.1.1/24") }, true},
		{"another prefix", func(i *Interface) { i.Addrs[1] = netip.MustParsePrefix("2a02::1/64") }, true},
		{"another router", func(i *Interface) { i.Gateway[euid.IPv4] = netip.MustParseAddr("10.0.0.254") }, true},
		{"no route", func(i *Interface) { i.Default = [euid.NumFamilies]bool{} }, true},
		{"a link-local address", func(i *Interface) { i.Addrs = append(i.Addrs, netip.MustParsePrefix("169.254.7.7/16")) }, false},
		{"multicast of IPv6 from now on", func(i *Interface) { i.Addrs = append(i.Addrs, netip.MustParsePrefix("fe80::7/64")) }, false},
		{"another metric", func(i *Interface) { i.Metric[euid.IPv4] = 7 }, false},
	} {
		changed := base
		changed.Addrs = append([]netip.Prefix(nil), base.Addrs...)
		tt.change(&changed)
		if got := moved(&base, &changed); got != tt.want {
			t.Errorf("%s: moved %v", tt.name, got)
		}
	}
}
