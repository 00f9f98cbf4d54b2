package detect

import (
	"fmt"
	"net/netip"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/quilt-p2p/quilt/euid"
)

// verdict is what AutoNAT v2 found of one address: others tried to call it.
type verdict struct {
	transport euid.Transport
	addr      netip.AddrPort
	reachable bool
}

// ways has a value for each transport and family.
type ways[T any] [euid.NumFamilies][euid.NumTransports]T

// standing is all that is known of who can call one interface.
type standing struct {
	nic Interface
	// exit says that what is sent to a family at large leaves by the interface: then
	// public addresses that are nobody's own are its NAT's.
	exit [euid.NumFamilies]bool
	// listens says on what the host listens.
	listens  ways[bool]
	ports    ways[uint16]
	wrapped  ways[bool]
	verdicts []verdict
	// inquiries are what this host has asked itself: that counts before verdicts.
	inquiries ways[inquiry]
	views     ways[view]
	// natTypes are what libp2p itself makes of sightings, by which ours are completed.
	natTypes [euid.NumTransports]network.NATDeviceType
	// mapped are the public ends of port mappings.
	mapped ways[netip.AddrPort]
	// punched counts successful hole punches, failed those that were not.
	punched, failed ways[int]
	// called counts the strangers who have called.
	called ways[int]
	// noPunch: by these transports it dials from other ports than it listens on.
	noPunch [euid.NumTransports]bool
	relayed bool
}

// finding is what a standing comes to.
type finding struct {
	reach     ways[euid.Direction]
	how       ways[string]
	mapping   euid.Mapping
	filtering euid.Filtering
	natHow    string
	public    [euid.NumFamilies]netip.Addr
	publicHow [euid.NumFamilies]string
}

// judge makes directions of all that is known. It is pure, and never says unknown
// where something follows from the rest.
func (s *standing) judge() finding {
	var r finding
	for f := range euid.NumFamilies {
		r.public[f], r.publicHow[f] = s.publicAddr(f)
	}
	r.mapping, r.natHow = s.mapping(r.public)
	for f := range euid.NumFamilies {
		for t := range euid.NumTransports {
			r.reach[f][t], r.how[f][t] = s.direction(f, t, r.mapping, r.public[f])
		}
	}
	r.filtering = s.filtering(&r)
	return r
}

// concerns reports whether a public address is this interface's: its own, or that of
// the NAT before it.
func (s *standing) concerns(a netip.Addr, t euid.Transport) bool {
	if s.nic.owns(a) {
		return true
	}
	f := familyOf(a)
	if !s.exit[f] || s.ownPublic(f).IsValid() {
		return false // another interface's, which may be gone by now
	}
	return true
}

// ownPublic is a public address that the interface has itself.
func (s *standing) ownPublic(f euid.Family) netip.Addr {
	for _, p := range s.nic.Addrs {
		if familyOf(p.Addr()) == f && public(p.Addr()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// publicAddr is under which address others see the interface.
func (s *standing) publicAddr(f euid.Family) (netip.Addr, string) {
	own := s.ownPublic(f)
	for t := range euid.NumTransports {
		if q := &s.inquiries[f][t]; own.IsValid() && q.decided && q.called && q.addr.Addr() == plain(own) {
			return own, "the interface's own, where others called"
		}
	}
	if own.IsValid() && (f == euid.IPv6 || !s.exit[f]) {
		return own, "the interface's own"
	}
	for t := range euid.NumTransports {
		if v := &s.views[f][t]; s.exit[f] && v.addr.IsValid() {
			return v.addr, "seen by several peers"
		}
	}
	if own.IsValid() {
		return own, "the interface's own"
	}
	for _, v := range s.verdicts {
		if familyOf(v.addr.Addr()) == f && s.concerns(v.addr.Addr(), v.transport) {
			return plain(v.addr.Addr()), "tried by AutoNAT v2"
		}
	}
	for t := range euid.NumTransports {
		if m := s.mapped[f][t]; s.exit[f] && m.IsValid() && public(m.Addr()) {
			return plain(m.Addr()), "said by the router that maps ports"
		}
	}
	return netip.Addr{}, ""
}

// mapping is what the NAT before the interface does, by the first way of which it is
// known: all ways lead through one NAT.
func (s *standing) mapping(seen [euid.NumFamilies]netip.Addr) (euid.Mapping, string) {
	for f := range euid.NumFamilies {
		own := s.ownPublic(f)
		for t := range euid.NumTransports {
			q := &s.inquiries[f][t]
			if own.IsValid() && (q.decided && q.called && q.addr.Addr() == plain(own) || s.called[f][t] >= leastCallers) {
				return euid.MappingNone, "others called the interface's own address"
			}
		}
	}
	for f := range euid.NumFamilies {
		for t := range euid.NumTransports {
			if v := &s.views[f][t]; s.exit[f] && v.mapping != euid.MappingUnknown {
				return v.mapping, "what several peers saw by " + wayName(f, t)
			}
		}
	}
	for f := range euid.NumFamilies {
		// Nobody need have looked where others have tried its own address, or no NAT is
		// usual.
		if own := s.ownPublic(f); own.IsValid() && seen[f] == own {
			for _, v := range s.verdicts {
				if plain(v.addr.Addr()) == own {
					return euid.MappingNone, "AutoNAT v2 tried the interface's own address"
				}
			}
		}
	}
	if !s.exit[euid.IPv4] || s.ownPublic(euid.IPv4).IsValid() {
		return euid.MappingUnknown, ""
	}
	for t := range euid.NumTransports {
		switch s.natTypes[t] {
		case network.NATDeviceTypeEndpointIndependent:
			return euid.MappingIndependent, "what libp2p makes of " + wayName(euid.IPv4, t)
		case network.NATDeviceTypeEndpointDependent:
			return euid.MappingDependent, "what libp2p makes of " + wayName(euid.IPv4, t)
		}
	}
	return euid.MappingUnknown, ""
}

// direction is who can open a connection by one transport and family, and how that is
// known.
func (s *standing) direction(f euid.Family, t euid.Transport, m euid.Mapping, public netip.Addr) (euid.Direction, string) {
	if !s.nic.has(f) {
		return euid.DirectionNone, "the interface has no address of the family"
	}
	if !s.listens[f][t] {
		// It can still call others: only an interface without the family cannot.
		return euid.DirectionUnreachable, "the peer does not listen there"
	}
	if n := s.called[f][t]; n >= leastCallers {
		return euid.DirectionPublic, fmt.Sprintf("%d strangers have called", n)
	}
	tried, called := s.tried(f, t)
	q := &s.inquiries[f][t]
	switch {
	case q.decided && q.called:
		return euid.DirectionPublic, fmt.Sprintf("AutoNAT v2: %d who were asked called %v", q.sites, q.addr)
	case called.IsValid():
		return euid.DirectionPublic, "AutoNAT v2: others called " + called.String()
	}
	switch {
	case s.punched[f][t] > 0 && s.punched[f][t] >= s.failed[f][t]:
		return euid.DirectionPunchable, "holes were punched"
	case m == euid.MappingDependent && s.exit[f] && !s.ownPublic(f).IsValid():
		return s.orRelay("the NAT gives a new port for each destination: nobody can foretell it")
	case s.noPunch[t] && tried:
		return s.orRelay("AutoNAT v2: others could not call, and it dials from other ports than it listens on")
	case s.noPunch[t] && s.behindNAT(f, public) && !s.mapped[f][t].IsValid():
		return s.orRelay("no port of the NAT leads to it, for it dials from other ports than it listens on")
	case tried:
		return euid.DirectionPunchable, "AutoNAT v2: others could not call; the port can be foretold"
	}
	return euid.DirectionUnknown, "nobody has tried yet"
}

// behindNAT reports whether what leaves by a family is seen under an address that is not
// the interface's own.
func (s *standing) behindNAT(f euid.Family, public netip.Addr) bool {
	return s.exit[f] && public.IsValid() && !s.ownPublic(f).IsValid()
}

// tried says whether AutoNAT has tried to call by a transport and family, and where it
// could.
func (s *standing) tried(f euid.Family, t euid.Transport) (tried bool, called netip.AddrPort) {
	if q := &s.inquiries[f][t]; q.decided {
		if q.called {
			called = q.addr
		}
		return true, called
	}
	for _, v := range s.verdicts {
		if v.transport != t || familyOf(v.addr.Addr()) != f || !s.concerns(v.addr.Addr(), t) {
			continue
		}
		if v.reachable {
			return true, v.addr
		}
		tried = true
	}
	return tried, netip.AddrPort{}
}

func (s *standing) orRelay(why string) (euid.Direction, string) {
	if s.relayed {
		return euid.DirectionRelayed, why + "; a relay passes on"
	}
	return euid.DirectionUnreachable, why
}

// filtering is what the NAT or firewall lets in. AutoNAT's servers call from other
// ports, but from where they were sent to: where they get in through a NAT, strangers
// may not ("address-dependent filtering", RFC 4787, section 5), until one has.
func (s *standing) filtering(r *finding) euid.Filtering {
	public, closed, doubtful := false, r.mapping == euid.MappingDependent, false
	for f := range euid.NumFamilies {
		for t := range euid.NumTransports {
			if !s.listens[f][t] {
				continue
			}
			switch r.reach[f][t] {
			case euid.DirectionPublic:
				nat := r.mapping == euid.MappingIndependent && !s.nic.owns(r.public[f]) && !s.mapped[f][t].IsValid()
				switch {
				case nat && (s.called[f][t] >= leastCallers || s.strangersIn(f, t)):
					return euid.FilteringIndependent // a "full cone"
				case nat:
					doubtful = true
				}
				public = true
			case euid.DirectionPunchable, euid.DirectionRelayed, euid.DirectionUnreachable:
				// That no port leads to it says nothing of those that do.
				tried, _ := s.tried(f, t)
				closed = closed || tried || s.punched[f][t] > 0
			}
		}
	}
	switch {
	case closed:
		return euid.FilteringDependent
	case doubtful:
		return euid.FilteringUnknown
	case public:
		return euid.FilteringNone
	}
	return euid.FilteringUnknown
}

// strangersIn says whether a stranger got in whom this host had asked.
func (s *standing) strangersIn(f euid.Family, t euid.Transport) bool {
	q := &s.inquiries[f][t]
	in, out := q.strangers()
	return q.decided && q.called && in > out
}

// wayName is a transport and family for people.
func wayName(f euid.Family, t euid.Transport) string {
	return [...]string{euid.UDP: "udp", euid.TCP: "tcp"}[t] + [...]string{euid.IPv4: "4", euid.IPv6: "6"}[f]
}
