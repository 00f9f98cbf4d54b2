package detect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/euid"
)

// Bounds of sightings (our guesses).
const (
	// maxSightings is how many of the latest count.
	maxSightings = 64
	// sightingLife is how long one counts: mappings of connections that have ended
	// end too.
	sightingLife = time.Hour
	// leastObservers must say so before an address counts as this host's: one alone
	// may lie.
	leastObservers = 2
	// leastDisagreeing observers must each see another port before a NAT counts as
	// giving a new one for each: of two that disagree one may lie.
	leastDisagreeing = 3
)

// sighting is what one peer saw of this host over one connection that this host
// opened. Of connections that others open it says nothing: they see what they dialled.
type sighting struct {
	peer      peer.ID
	closed    bool // that connection has ended
	transport euid.Transport
	local     netip.AddrPort // this end; its address may be unspecified
	seen      netip.AddrPort
	by        netip.Addr // who saw it
	at        time.Time
}

// sightings are the latest, each observer once for each local port.
type sightings struct{ list []sighting }

// add takes one in; it replaces an earlier one of the same observer. One of or by an
// address that is not public says nothing of a NAT. It reports whether it counts.
func (s *sightings) add(n sighting) bool {
	n.seen = netip.AddrPortFrom(plain(n.seen.Addr()), n.seen.Port())
	n.by = plain(n.by)
	if !public(n.seen.Addr()) || !public(n.by) || familyOf(n.seen.Addr()) != familyOf(n.by) || n.by == n.seen.Addr() {
		return false // of a neighbour behind the same NAT neither
	}
	s.list = slices.DeleteFunc(s.list, func(o sighting) bool {
		return n.at.Sub(o.at) > sightingLife ||
			o.transport == n.transport && o.local == n.local && observer(o.by) == observer(n.by)
	})
	if len(s.list) == maxSightings {
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, n)
	return true
}

// left notes that the connections to a peer have ended, and reports whether it had
// seen this host. What it saw may no longer be so, and counts only while there is
// nothing newer.
func (s *sightings) left(p peer.ID) (had bool) {
	for k := range s.list {
		if o := &s.list[k]; o.peer == p && !o.closed {
			o.closed, had = true, true
		}
	}
	return had
}

// forget drops what an interface that changes makes void: of a family with which it is
// in another network all that may be its, else what was of addresses that it has no
// more. Peers do not say again what they have seen, so no more than that goes.
func (s *sightings) forget(before, after *Interface) {
	s.list = slices.DeleteFunc(s.list, func(o sighting) bool {
		local := o.local.Addr()
		if sameNetwork(before, after, familyOf(o.seen.Addr())) {
			return before.owns(local) && !after.owns(local)
		}
		return local.IsUnspecified() || before.owns(local)
	})
}

// outdate drops what was seen before and is not so any more by what several see now:
// another address of this interface, or another port of the same of this host's.
func (s *sightings) outdate(i *Interface, now []sighting) {
	for _, n := range now {
		addr, port := 0, 0
		for _, o := range now {
			if o.seen.Addr() == n.seen.Addr() {
				addr++
			}
			if o.seen == n.seen && o.local == n.local {
				port++
			}
		}
		s.list = slices.DeleteFunc(s.list, func(o sighting) bool {
			if !o.at.Before(n.at) || familyOf(o.seen.Addr()) != familyOf(n.seen.Addr()) ||
				!o.local.Addr().IsUnspecified() && !i.owns(o.local.Addr()) {
				return false
			}
			return addr >= leastObservers && o.seen.Addr() != n.seen.Addr() ||
				port >= leastObservers && o.transport == n.transport && o.local.Port() == n.local.Port() && o.seen.Port() != n.seen.Port()
		})
	}
}

// observer is who counts once: whoever has a /64 has all its addresses.
func observer(a netip.Addr) netip.Prefix {
	bits := 32
	if !a.Is4() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// view is what the sightings of one transport and family come to.
type view struct {
	mapping euid.Mapping
	// addr is the address that most observers saw; invalid where too few agree.
	addr netip.Addr
	// seen is what most observers saw of the port local, where the mapping is
	// independent.
	seen      netip.AddrPort
	local     uint16
	observers int
	why       string // nothing is known
	at        time.Time
}

// contradicts reports whether a sighting is of another address, or another port, than a
// view says.
func (v *view) contradicts(s *sighting) bool {
	return v.addr.IsValid() && v.addr != s.seen.Addr() ||
		v.mapping == euid.MappingIndependent && v.local == s.local.Port() && v.seen != s.seen
}

// viewOf is what the sightings of open connections come to, or if that is nothing
// those of all.
func viewOf(list []sighting, own func(netip.Addr) bool) view {
	open := slices.DeleteFunc(slices.Clone(list), func(o sighting) bool { return o.closed })
	if v := compare(open, own); v.mapping != euid.MappingUnknown {
		return v
	}
	return compare(list, own)
}

// compare tells a NAT's mapping from what several observers saw:
//
//	the interface's own address and port      no NAT
//	the same port, whoever looks              endpoint-independent
//	another port for each                     endpoint-dependent
//
// (RFC 4787, section 4.1). Only sightings of one local port can be compared, and what
// counts is what most observers say.
func compare(list []sighting, own func(netip.Addr) bool) view {
	if len(list) == 0 {
		return view{why: "no peer has seen this host yet"}
	}
	v := view{observers: countObservers(list), why: "no two peers have seen one port of this host"}
	v.addr = agreed(list)
	for _, s := range list {
		if s.at.After(v.at) {
			v.at = s.at
		}
	}
	for _, g := range byLocalPort(list) {
		n, top, same := countObservers(g), 0, netip.AddrPort{}
		for _, s := range g {
			k := countObservers(slices.DeleteFunc(slices.Clone(g), func(o sighting) bool { return o.seen != s.seen }))
			if k > top {
				top, same = k, s.seen
			}
		}
		switch {
		case top >= leastObservers && 2*top > n && own(same.Addr()) && same.Port() == g[0].local.Port():
			v.mapping = euid.MappingNone
		case top >= leastObservers && 2*top > n:
			v.mapping, v.seen, v.local = euid.MappingIndependent, same, g[0].local.Port()
		case n >= leastDisagreeing:
			v.mapping = euid.MappingDependent
		case n == leastDisagreeing-1:
			v.why = "two peers disagree: a third is needed"
			continue
		default:
			continue
		}
		v.why = ""
		return v
	}
	// TCP may leave by a new port for each connection. That those with public addresses
	// of their own are seen as they are needs no comparison.
	if v.addr.IsValid() && own(v.addr) {
		v.mapping, v.why = euid.MappingNone, ""
	}
	return v
}

// agreed is the address that most observers saw, if there are enough of them.
func agreed(list []sighting) (best netip.Addr) {
	top := 0
	for _, s := range list {
		k := countObservers(slices.DeleteFunc(slices.Clone(list), func(o sighting) bool { return o.seen.Addr() != s.seen.Addr() }))
		if k > top {
			best, top = s.seen.Addr(), k
		}
	}
	if n := countObservers(list); top < leastObservers || 2*top <= n {
		return netip.Addr{}
	}
	return best
}

func countObservers(list []sighting) int {
	var seen []netip.Prefix
	for _, s := range list {
		if o := observer(s.by); !slices.Contains(seen, o) {
			seen = append(seen, o)
		}
	}
	return len(seen)
}

// byLocalPort groups sightings by the local port, the best observed group first.
func byLocalPort(list []sighting) [][]sighting {
	var groups [][]sighting
	for _, s := range list {
		k := slices.IndexFunc(groups, func(g []sighting) bool { return g[0].local.Port() == s.local.Port() })
		if k < 0 {
			groups = append(groups, []sighting{s})
			continue
		}
		groups[k] = append(groups[k], s)
	}
	slices.SortStableFunc(groups, func(a, b []sighting) int { return cmp.Compare(countObservers(b), countObservers(a)) })
	return groups
}

// public reports whether an address is one of the internet at large.
func public(a netip.Addr) bool {
	c, _ := euid.ClassOf(a.String())
	return c == euid.ClassOrdinary || c == euid.ClassAnycast
}

func (v *view) String() string {
	s := v.mapping.String()
	if v.observers > 0 {
		s += fmt.Sprintf(" (%d observers", v.observers)
		if v.addr.IsValid() {
			s += ", seen as " + v.addr.String()
		}
		s += ")"
	}
	return s
}
