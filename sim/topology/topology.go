package topology

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"
)

const (
	// MaxHosts is how many hosts a topology may have.
	MaxHosts = 100_000
	// MaxLocations is how many locations a matrix may have: it then takes 128 MB.
	MaxLocations = 8192
	// MaxHops is how many first hops a host may have. Detection looks at five.
	MaxHops = 16
	// MaxText is the length in bytes of any name in a topology.
	MaxText = 255
	// MaxRTT is the greatest round trip. What is longer is in another unit.
	MaxRTT = time.Minute
)

// Silent is a hop that answers no trace.
const Silent = "*"

// Host is one host of a topology.
type Host struct {
	// Name is unique in the topology.
	Name string
	// Cluster is the region that the host truly is in. It is for scoring only: no
	// simulated peer may see it, nor Location.
	Cluster string
	// Location is where the host is. Two hosts at one location are close.
	Location int
	// Addr is the public address that others see. Hosts behind one NAT share it.
	Addr netip.Addr
	// Resolver is the host's resolver as the host itself sees it: its provider's, a
	// public anycast one, a home router, a stub. Empty if it has none.
	Resolver string
	// Hops are the routers nearest first as a trace sees them, [Silent] for one
	// that does not answer. Private addresses are as they are.
	Hops []string
	// NAT is what stands between the host and others.
	NAT NAT
	// Multicast is the IP-multicast domain of the host, empty for none.
	Multicast string
	// Up and Down are the bandwidths in Mbit/s.
	Up, Down float64
}

// Topology is a network. Hosts may be changed after it was made, all but their
// number and their Location and Cluster, by which round trips go; see
// [Topology.Validate].
type Topology struct {
	// Name says in a report what the figures were made on.
	Name  string
	Hosts []Host

	locations int
	space     space
}

// RTT is the round trip between two hosts, by index, without bandwidth or load. It
// is the same in both directions, 0 from a host to itself, and a multiple of 1 µs.
func (t *Topology) RTT(a, b int) time.Duration {
	if a == b {
		return 0
	}
	return time.Duration(math.Round(t.space.rtt(a, b)*1e3)) * time.Microsecond
}

// LeastRTT is no more than the round trip between any two different hosts.
func (t *Topology) LeastRTT() time.Duration {
	ms := min(t.space.least(), float64(MaxRTT.Milliseconds())) // one host has none
	return max(0, time.Duration(ms*1e3)*time.Microsecond-time.Microsecond)
}

// Locations is at how many different locations there are hosts.
func (t *Topology) Locations() int { return t.locations }

// Validate checks what a change of Hosts may have broken.
func (t *Topology) Validate() error {
	if t.Name == "" {
		return fmt.Errorf("topology has no name")
	}
	if n := len(t.Hosts); n == 0 || n > MaxHosts {
		return fmt.Errorf("topology %s has %d hosts: 1 to %d are possible", t.Name, n, MaxHosts)
	}
	if n := t.space.size(); n != len(t.Hosts) {
		return fmt.Errorf("topology %s has %d hosts, but round trips of %d", t.Name, len(t.Hosts), n)
	}
	names := make(map[string]struct{}, len(t.Hosts))
	for i := range t.Hosts {
		h := &t.Hosts[i]
		if _, twice := names[h.Name]; twice {
			return fmt.Errorf("topology %s has two hosts of the name %s", t.Name, h.Name)
		}
		names[h.Name] = struct{}{}
		if err := h.check(); err != nil {
			return fmt.Errorf("topology %s, host %q: %w", t.Name, h.Name, err)
		}
	}
	return nil
}

// check returns the first thing that is wrong with a host by itself.
func (h *Host) check() error {
	for _, s := range []string{h.Name, h.Cluster} {
		if s == "" {
			return fmt.Errorf("has no name or no cluster")
		}
	}
	for _, s := range []string{h.Name, h.Cluster, h.Resolver, h.Multicast} {
		if p := textProblem(s); p != "" {
			return fmt.Errorf("%s", p)
		}
	}
	if h.NAT > NATFirewall {
		return fmt.Errorf("unknown NAT %d", h.NAT)
	}
	for _, p := range []string{addrProblem(h.Addr), hopsProblem(h.Hops), mbpsProblem(h.Up), mbpsProblem(h.Down)} {
		if p != "" {
			return fmt.Errorf("%s", p)
		}
	}
	return nil
}

// The following say what is wrong with a value, "" for nothing.

func textProblem(s string) string {
	if len(s) > MaxText {
		return fmt.Sprintf("%q… is %d bytes long, more than %d", s[:20], len(s), MaxText)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return fmt.Sprintf("%q has a character that is not text", s)
	}
	return ""
}

func addrProblem(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "not an IP address"
	case a.Zone() != "":
		return fmt.Sprintf("address %s has a zone, which others do not see", a)
	case a.IsUnspecified(), a.IsLoopback(), a.IsMulticast(), a.IsLinkLocalUnicast():
		return fmt.Sprintf("no host is seen by others as %s", a)
	}
	return ""
}

func hopsProblem(hops []string) string {
	if len(hops) > MaxHops {
		return fmt.Sprintf("%d hops, more than %d", len(hops), MaxHops)
	}
	for i, h := range hops {
		if h == "" {
			return fmt.Sprintf("hop %d is empty", i+1)
		}
		if p := textProblem(h); p != "" {
			return p
		}
	}
	return ""
}

func mbpsProblem(v float64) string {
	if !(v > 0) || math.IsInf(v, 1) {
		return fmt.Sprintf("bandwidth %v is not above 0 Mbit/s", v)
	}
	return ""
}
