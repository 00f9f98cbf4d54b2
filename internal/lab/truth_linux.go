package lab

import (
	"net/netip"
	"slices"
)

// Truth is what there is to find out about one interface of a host: what a detector
// that misses nothing would say. It follows from the description and the addresses
// of the moment, never from what was measured.
type Truth struct {
	// Site and Kind are what the interface hangs on.
	Site string
	Kind Kind
	// Addrs are the interface's own addresses, Public those by which other sites see
	// it, in the same order: IPv4 first.
	Addrs, Public []netip.Addr
	// Resolvers are the resolvers that the site tells its hosts, in order.
	Resolvers []netip.Addr
	// Hops are the routers from the host to each of the resolvers, nearest first: the
	// zero Addr for one that stays silent, nothing where the host itself answers. A
	// resolver that is a router is not among them, unless it is the first.
	Hops [][]netip.Addr
	// Hears are the other hosts with which it can speak by multicast, both ways.
	Hears []string
}

// Truth returns what there is to find out about each of the host's interfaces.
func (h *Host) Truth() []Truth {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	list := make([]Truth, 0, len(h.nics))
	for _, n := range h.nics {
		list = append(list, n.truth())
	}
	return list
}

func (n *nic) truth() Truth {
	s := n.site
	t := Truth{Site: s.Name, Kind: s.kind(), Addrs: n.addrs(), Public: n.public(), Resolvers: s.nameservers()}
	for _, r := range t.Resolvers {
		t.Hops = append(t.Hops, s.towards(r))
	}
	if s.Multicast == Block {
		return t
	}
	for _, o := range s.nics {
		if o != n {
			t.Hears = append(t.Hears, o.host.name)
		}
	}
	slices.Sort(t.Hears)
	return t
}

// towards lists the routers from the site's hosts to a resolver.
func (s *site) towards(resolver netip.Addr) (hops []netip.Addr) {
	gateway, gateway6 := s.gateway()
	if resolver.Is6() {
		gateway = gateway6
	}
	switch {
	case resolver.IsLoopback():
		return nil
	case resolver == gateway:
		return []netip.Addr{gateway}
	}
	hops = append(hops, gateway)
	s.lab.wan.mu.Lock()
	defer s.lab.wan.mu.Unlock()
	for _, h := range s.lab.wan.sites[s.index].path {
		addr := h.addr(resolver.Is4())
		if addr == resolver {
			break
		}
		hops = append(hops, addr) // of a silent one it is the zero Addr
	}
	return hops
}
