package euid

import (
	"fmt"
	"strings"
)

// MaxHops is how many of the first routers an EUID names: five (the prototype of
// 2010 looked at four; a home, a building and a provider's first two take that many).
const MaxHops = 5

// EUID is the environment identifier of one interface: what a peer publishes of
// where it is. It can be compared with ==. The zero EUID says nothing.
type EUID struct {
	// Reach says who can open a connection to it.
	Reach     [NumFamilies][NumTransports]Direction
	Mapping   Mapping
	Filtering Filtering
	// Resolver is the DNS resolver.
	Resolver Place
	// Hops are the first routers towards the resolver, nearest first. A gap, and what
	// is beyond the last known, is the zero Place. None is a stub or anycast.
	Hops [MaxHops]Place
	// Segment is the multicast segment, 0 without a working one.
	Segment Tag
	// Prefix are the providers' networks of its public addresses.
	Prefix [NumFamilies]Tag
	// RTT is the round trip to the resolver in ms, Up and Down the bandwidths in
	// Mbit/s, Loss the packets of a thousand that do not arrive.
	RTT, Up, Down, Loss Range
}

// Place is a router or a resolver. An ordinary one has a tag; a private one has one
// where the public address was known; others have none.
type Place struct {
	Class Class
	Tag   Tag
}

func (p Place) String() string {
	switch {
	case p.Tag == 0:
		return p.Class.String()
	case p.Class == ClassPrivate:
		return "private:" + p.Tag.String()
	}
	return p.Tag.String()
}

// check returns ErrInvalid for what Append must not write and Parse not accept.
func (e *EUID) check() error {
	for _, transports := range e.Reach {
		for _, d := range transports {
			if d >= numDirections {
				return fmt.Errorf("%w: direction %d", ErrInvalid, d)
			}
		}
	}
	if e.Mapping >= numMappings || e.Filtering >= numFilterings {
		return fmt.Errorf("%w: mapping %d, filtering %d", ErrInvalid, e.Mapping, e.Filtering)
	}
	if !e.Resolver.valid() {
		return fmt.Errorf("%w: resolver %+v", ErrInvalid, e.Resolver)
	}
	for i, p := range e.Hops {
		if !p.valid() || p.Class == ClassStub || p.Class == ClassAnycast {
			return fmt.Errorf("%w: hop %d is %+v", ErrInvalid, i+1, p)
		}
	}
	for _, t := range [...]Tag{e.Segment, e.Prefix[IPv4], e.Prefix[IPv6]} {
		if t > MaxTag {
			return fmt.Errorf("%w: tag %d", ErrInvalid, t)
		}
	}
	for _, r := range [...]Range{e.RTT, e.Up, e.Down, e.Loss} {
		if r > MaxRange {
			return fmt.Errorf("%w: range %d", ErrInvalid, r)
		}
	}
	return nil
}

func (p Place) valid() bool {
	switch p.Class {
	case ClassOrdinary:
		return p.Tag > 0 && p.Tag <= MaxTag
	case ClassPrivate:
		return p.Tag <= MaxTag
	}
	return p.Class < numClasses && p.Tag == 0
}

// path is how many hops there are up to the last known one.
func (e *EUID) path() int {
	n := MaxHops
	for n > 0 && e.Hops[n-1] == (Place{}) {
		n--
	}
	return n
}

// String is for people: "udp4 public, tcp4 public, resolver 3fa, hops 1a2 none 7bc".
func (e EUID) String() string {
	var parts []string
	for f := range NumFamilies {
		for t := range NumTransports {
			if d := e.Reach[f][t]; d != DirectionNone {
				parts = append(parts, [...]string{"udp", "tcp"}[t]+[...]string{"4 ", "6 "}[f]+d.String())
			}
		}
	}
	parts = append(parts, "mapping "+e.Mapping.String(), "filtering "+e.Filtering.String(), "resolver "+e.Resolver.String())
	if n := e.path(); n > 0 {
		hops := make([]string, n)
		for i := range hops {
			hops[i] = e.Hops[i].String()
		}
		parts = append(parts, "hops "+strings.Join(hops, " "))
	}
	for _, t := range [...]struct {
		what string
		tag  Tag
	}{{"multicast", e.Segment}, {"prefix4", e.Prefix[IPv4]}, {"prefix6", e.Prefix[IPv6]}} {
		if t.tag != 0 {
			parts = append(parts, t.what+" "+t.tag.String())
		}
	}
	for _, r := range [...]struct {
		what, unit string
		r          Range
	}{{"rtt", "ms", e.RTT}, {"up", "Mbit/s", e.Up}, {"down", "Mbit/s", e.Down}, {"loss", "‰", e.Loss}} {
		if r.r != 0 {
			parts = append(parts, r.what+" "+r.r.String()+" "+r.unit)
		}
	}
	return strings.Join(parts, ", ")
}
