package euid

import "net/netip"

// Class says what the address of a router or resolver is good for: whether it
// identifies a place.
type Class uint8

// The classes.
const (
	// ClassNone: no address, an impossible one, or silence.
	ClassNone Class = iota
	// ClassStub is this host itself: a resolver there is not the true one.
	ClassStub
	// ClassAnycast is one address at many places: it says nothing about who is near.
	ClassAnycast
	// ClassPrivate is an address that many networks use, each for itself: it
	// identifies something only together with the network's public address.
	ClassPrivate
	// ClassOrdinary identifies one place in the world.
	ClassOrdinary
	numClasses
)

var classNames = [numClasses]string{"none", "stub", "anycast", "private", "ordinary"}

func (c Class) String() string { return name(classNames[:], int(c)) }

// shared is the address space of carriers' NATs (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// reused are the blocks that any network may use for itself, beside those of which
// netip knows (RFC 6890 and the IANA registries of special-purpose addresses). The
// last line is documentation: who meets it met a mistake or a laboratory.
var reused = prefixes(
	"100.64.0.0/10", // carriers' NATs
	"192.0.0.0/24",  // among them DS-Lite: all its customers have 192.0.0.1 for a router
	"198.18.0.0/15", // benchmarks
	"240.0.0.0/4",   // reserved, and used inside large networks
	"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",
)

// anycast are the networks of public resolvers, as their operators publish them: an
// address announced from many places is announced as a /24 or a /48 at least.
var anycast = prefixes(
	"8.8.8.0/24", "8.8.4.0/24", "2001:4860:4860::/48", // Google
	"1.1.1.0/24", "1.0.0.0/24", "2606:4700:4700::/48", // Cloudflare
	"9.9.9.0/24", "149.112.112.0/24", "2620:fe::/48", // Quad9
	"208.67.220.0/24", "208.67.222.0/24", "2620:119:35::/48", "2620:119:53::/48", // OpenDNS
	"94.140.14.0/24", "94.140.15.0/24", "2a10:50c0::/48", // AdGuard
	"76.76.2.0/24", "76.76.10.0/24", "2606:1a40::/48", "2606:1a40:1::/48", // Control D
	"45.90.28.0/24", "45.90.30.0/24", "2a07:a8c0::/48", "2a07:a8c1::/48", // NextDNS
	"185.228.168.0/24", "185.228.169.0/24", "2a0d:2a00:1::/48", "2a0d:2a00:2::/48", // CleanBrowsing
	"185.222.222.0/24", "45.11.45.0/24", "2a09::/48", "2a11::/48", // DNS.SB
	"4.2.2.0/24", "64.6.64.0/24", "64.6.65.0/24", "8.26.56.0/24", "8.20.247.0/24",
	"74.82.42.0/24", "2001:470:20::/48", // Hurricane Electric
	"77.88.8.0/24", "2a02:6b8::/48", // Yandex
	"223.5.5.0/24", "223.6.6.0/24", "2400:3200::/32", // Alibaba
	"119.29.29.0/24", "2402:4e00::/48", "114.114.114.0/24", "114.114.115.0/24", "180.76.76.0/24",
	"101.101.101.0/24", "193.110.81.0/24", "185.253.5.0/24",
)

// nat64 is how an IPv6-only host writes an IPv4 address (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, s := range texts {
		list[i] = netip.MustParsePrefix(s)
	}
	return list
}

// ClassOf returns the class of a router or resolver and the text by which everybody
// names it. What is not an IP address is the name of one, as simulated networks have
// them, and ordinary.
func ClassOf(text string) (Class, string) {
	if text == "" {
		return ClassNone, ""
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return ClassOrdinary, text
	}
	a = canonical(a)
	return classOfAddr(a), a.String()
}

// canonical is an address without the forms in which the same may be written, and
// without the zone, which is this host's own name for an interface.
func canonical(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

func classOfAddr(a netip.Addr) Class {
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return ClassNone
	case a.IsLoopback():
		return ClassStub
	case within(a, anycast):
		return ClassAnycast
	case a.IsPrivate(), a.IsLinkLocalUnicast(), within(a, reused):
		return ClassPrivate
	}
	return ClassOrdinary
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// familyOf is the family of a text that is an address.
func familyOf(text string) Family {
	if a, err := netip.ParseAddr(text); err == nil && !canonical(a).Is4() {
		return IPv6
	}
	return IPv4
}
