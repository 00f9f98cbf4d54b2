package lab

import (
	"fmt"
	"net"
	"net/netip"
)

// The lab's addresses. libp2p must take them for public, which excludes the
// ranges for documentation and benchmarks: a detector that ignores those would
// see nothing here. Nothing with such an address leaves the lab's namespaces.
//
//	22.N.0.0/24          site number N; .1 is its router, or its NAT
//	192.168.1.0/24       every home, as in real ones; .1 is the router
//	3fff:N:0:1::/64      site number N; ::1 is its router
//	22.250.0.0/16, 3fff:fff::/64   routers on the way, and resolvers
//
// A site that is renumbered gets the next number that nobody had.
const (
	publicNet  = 22
	hopNumber  = 250
	maxNumber  = 249
	hopNumber6 = 0xfff
	firstHost  = 10 // the last byte of a site's first host
	lastHost   = 254
)

func public4(number, last int) netip.Addr {
	return netip.AddrFrom4([4]byte{publicNet, byte(number), 0, byte(last)})
}

func private4(last int) netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 1, byte(last)}) }

func public6(number, last int) netip.Addr {
	a := [16]byte{0x3f, 0xff, byte(number >> 8), byte(number), 7: 1, 14: byte(last >> 8), 15: byte(last)}
	return netip.AddrFrom16(a)
}

func hop4(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{publicNet, hopNumber, byte(i >> 8), byte(i)})
}

func hop6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x3f, 0xff, hopNumber6 >> 8, hopNumber6 & 0xff, 14: byte(i >> 8), 15: byte(i)})
}

// numberOf returns the number of the site that an address is of, or 0.
func numberOf(a netip.Addr) int {
	if a.Is4() {
		if b := a.As4(); b[0] == publicNet && b[1] <= maxNumber {
			return int(b[1])
		}
		return 0
	}
	if b := a.As16(); b[0] == 0x3f && b[1] == 0xff && b[2] == 0 && b[3] <= maxNumber {
		return int(b[3])
	}
	return 0
}

// mac is a stable address of a host's interface: one that came back with another
// would be unreachable until its neighbours forget the old one.
func mac(site, slot int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 'q', 'l', byte(site), byte(slot >> 8), byte(slot)}
}

// hop is a router on the way, or a resolver.
type hop struct {
	name   string
	v4, v6 netip.Addr
	serves bool // it answers DNS queries
}

func (h *hop) silent() bool { return h.name == Silent }

func (h *hop) addr(four bool) netip.Addr {
	if four {
		return h.v4
	}
	return h.v6
}

// hopTable gives each router that is named an address, in the order of names met.
type hopTable struct {
	byName map[string]*hop
	byAddr map[netip.Addr]*hop
}

func newHopTable() *hopTable {
	return &hopTable{byName: make(map[string]*hop), byAddr: make(map[netip.Addr]*hop)}
}

// get returns the router of a name.
func (t *hopTable) get(name string) *hop {
	if name == Silent {
		return &hop{name: Silent}
	}
	if h := t.byName[name]; h != nil {
		return h
	}
	i := len(t.byName) + 1
	h := &hop{name: name, v4: hop4(i), v6: hop6(i)}
	t.byName[name], t.byAddr[h.v4], t.byAddr[h.v6] = h, h, h
	return h
}

func (t *hopTable) all(names []string) []*hop {
	list := make([]*hop, 0, len(names))
	for _, n := range names {
		list = append(list, t.get(n))
	}
	return list
}

// checkNumber says that there are no more site numbers.
func checkNumber(n int) error {
	if n > maxNumber {
		return fmt.Errorf("lab: all %d site numbers have been used: too many renumberings", maxNumber)
	}
	return nil
}
