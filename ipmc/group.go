package ipmc

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// Scope is how far a group may reach, as far as routers heed its address.
type Scope uint8

// Scopes. The zero value is site-local: routers at a site's border keep it inside.
const (
	SiteLocal Scope = iota // 239.255.0.0/16 (RFC 2365, section 6.1), ff15:: (RFC 4291, section 2.7)
	LinkLocal              // 224.0.0.0/24 has no room of its own, so 239.255.0.0/16 with a TTL of 1; ff12::
	OrgLocal               // 239.192.0.0/14 (RFC 2365, section 6.2), ff18::
)

// Ports of groups: above those that Linux gives to sockets that do not ask for one
// (32768 to 60999), so that none of these is in the way (our choice).
const (
	firstPort = 61_000
	numPorts  = 4_096
)

// IsGroup reports whether GroupOf may have made an address for a scope and family.
func IsGroup(g netip.AddrPort, scope Scope, six bool) bool {
	if g.Port() < firstPort || g.Port() >= firstPort+numPorts || g.Addr().Is6() != six {
		return false
	}
	if six {
		a := g.Addr().As16()
		return a[0] == 0xff && a[1] == scopeOf6(scope) && [6]byte(a[2:8]) == [6]byte{} && a[12]&0x80 != 0 && g.Addr().Zone() == ""
	}
	a := g.Addr().As4()
	if scope == OrgLocal {
		return a[0] == 239 && a[1]&^3 == 192 && a[3] > 0
	}
	return a[0] == 239 && a[1] == 255 && a[3] > 0
}

func scopeOf6(scope Scope) byte {
	return [...]byte{SiteLocal: 0x15, LinkLocal: 0x12, OrgLocal: 0x18}[scope]
}

// GroupOf derives a group's address and port from the names of topic and patch.
// Two topics may come to the same one: then each discards the other's packets.
func GroupOf(topicName, patch string, scope Scope, six bool) netip.AddrPort {
	b := append([]byte("quilt-ipmc-group:"), byte(len(topicName)>>8), byte(len(topicName)))
	sum := sha256.Sum256(append(append(b, topicName...), patch...))
	port := firstPort + binary.BigEndian.Uint16(sum[:2])%numPorts
	if six {
		a := [16]byte{0xff, scopeOf6(scope)}
		copy(a[8:], sum[8:16])
		a[12] |= 0x80 // RFC 3307, section 4.3: group IDs that nobody has assigned
		return netip.AddrPortFrom(netip.AddrFrom16(a), port)
	}
	a := [4]byte{239, 255, sum[4], sum[5]}
	if scope == OrgLocal {
		a[1] = 192 + sum[3]%4
	}
	if a[3] == 0 {
		a[3] = 1
	}
	return netip.AddrPortFrom(netip.AddrFrom4(a), port)
}
