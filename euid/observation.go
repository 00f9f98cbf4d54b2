package euid

import (
	"net/netip"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Observation is what detection saw of one interface. It says where its host is, so
// it is never sent to anybody. The zero value is that nothing is known.
type Observation struct {
	NIC protocol.NIC
	// Public are the addresses that others see, of each family; invalid for unknown.
	Public [NumFamilies]netip.Addr
	// Private are the interface's own addresses. Nothing is published of them.
	Private []netip.Addr
	// Reach, Mapping and Filtering are published as they are.
	Reach     [NumFamilies][NumTransports]Direction
	Mapping   Mapping
	Filtering Filtering
	// Resolver is the address of the DNS resolver as this host has it, "" for none.
	Resolver string
	// Hops are the addresses of the first routers towards the resolver, nearest
	// first, "" for one that stays silent. Those beyond [MaxHops] do not count.
	Hops []string
	// Segment is the name that the members of a multicast segment have agreed on,
	// Heard that another member's beacon was heard on it and this host's by that
	// member. One without the other is not published: an interface that can do
	// multicast on a network that does not pass it is common.
	Segment string
	Heard   bool
	// Measured are the latest measurements.
	Measured Measured
}

// Measured are measurements of an interface; 0 for what is not known.
type Measured struct {
	// RTT is the round trip to the resolver.
	RTT time.Duration
	// Up and Down are the bandwidths in bit/s.
	Up, Down float64
	// Lost of Sent packets did not arrive.
	Sent, Lost int
}

// EUID makes what is published of an observation. before is what was published
// before, the zero EUID at first: its ranges are kept while the measurements are not
// clearly out of them. All else is a function of the observation alone.
func (o *Observation) EUID(key Key, before EUID) EUID {
	e := EUID{Reach: o.Reach, Mapping: o.Mapping, Filtering: o.Filtering}
	for f := range NumFamilies {
		e.Prefix[f] = key.prefixTag(o.Public[f])
	}
	if o.Heard && o.Segment != "" {
		e.Segment = key.tag(tagSegment, o.Segment)
	}
	carrier := o.carrierNAT()
	e.Resolver = o.place(key, o.Resolver, carrier >= 0)
	for i, text := range o.Hops[:min(len(o.Hops), MaxHops)] {
		// One's own machine or an anycast address on the way identifies no router.
		if p := o.place(key, text, i < carrier); p.Class == ClassPrivate || p.Class == ClassOrdinary {
			e.Hops[i] = p
		}
	}
	m := &o.Measured
	e.RTT = follow(before.RTT, m.RTT > 0, m.RTT.Seconds()*1e3)
	e.Up = follow(before.Up, m.Up > 0, m.Up/1e6)
	e.Down = follow(before.Down, m.Down > 0, m.Down/1e6)
	e.Loss = follow(before.Loss, m.Sent > 0, float64(m.Lost)/float64(max(m.Sent, 1))*1e3)
	return e
}

// follow is the next range of a measurement, unknown for one that was not made.
func follow(before Range, made bool, value float64) Range {
	if !made {
		return 0
	}
	return before.Follow(value)
}

// place is what is published of a router or resolver. ambiguous says that private
// addresses identify nothing even with the public address.
func (o *Observation) place(key Key, text string, ambiguous bool) Place {
	class, text := ClassOf(text)
	switch class {
	case ClassOrdinary:
		return Place{class, key.tag(tagPlace, text)}
	case ClassPrivate:
		site := public(o.Public[familyOf(text)], siteBits4, siteBits6)
		if site != "" && !ambiguous {
			return Place{class, key.tag(tagPlace, text, site)}
		}
	}
	return Place{Class: class}
}

// carrierNAT is the index of the last hop that is a carrier's NAT, which puts many
// homes behind one public address: there the private addresses before it are not
// the site's. -1 without one.
func (o *Observation) carrierNAT() int {
	last := -1
	for i, text := range o.Hops {
		if a, err := netip.ParseAddr(text); err == nil && shared.Contains(canonical(a)) {
			last = i
		}
	}
	return last
}
