package euid

// Family is an address family.
type Family uint8

// The address families.
const (
	IPv4 Family = iota
	IPv6
	NumFamilies
)

// Transport is what peers connect over.
type Transport uint8

// The transports. What runs on top shares the way: WebTransport that of UDP,
// WebSocket that of TCP.
const (
	UDP Transport = iota // QUIC
	TCP
	NumTransports
)

// Direction says who can open a connection to an interface by one transport and
// family.
type Direction uint8

// The directions.
const (
	// DirectionNone: the interface does not have the transport or the family.
	DirectionNone Direction = iota
	// DirectionUnknown: nobody has tried yet.
	DirectionUnknown
	// DirectionPublic: anyone.
	DirectionPublic
	// DirectionPunchable: whoever it sends to at the same time, if not both are
	// behind NATs that hinder it.
	DirectionPunchable
	// DirectionRelayed: nobody directly, but a relay passes on.
	DirectionRelayed
	// DirectionUnreachable: nobody.
	DirectionUnreachable
	numDirections
)

var directionNames = [numDirections]string{"none", "unknown", "public", "punchable", "relayed", "unreachable"}

func (d Direction) String() string { return name(directionNames[:], int(d)) }

// Mapping is how a NAT gives out ports (RFC 4787, section 4.1).
type Mapping uint8

// The mappings.
const (
	MappingUnknown Mapping = iota
	// MappingNone: others see the interface's own address and port.
	MappingNone
	// MappingIndependent: one port for all destinations ("endpoint-independent").
	MappingIndependent
	// MappingDependent: another port for another destination ("address-dependent",
	// or "address and port-dependent").
	MappingDependent
	numMappings
)

var mappingNames = [numMappings]string{"unknown", "none", "independent", "dependent"}

func (m Mapping) String() string { return name(mappingNames[:], int(m)) }

// Filtering is what a NAT or firewall lets in (RFC 4787, section 5).
type Filtering uint8

// The filterings.
const (
	FilteringUnknown Filtering = iota
	// FilteringNone: everything.
	FilteringNone
	// FilteringIndependent: what comes to a port from which anything was sent.
	FilteringIndependent
	// FilteringDependent: what comes from where something was sent to.
	FilteringDependent
	numFilterings
)

var filteringNames = [numFilterings]string{"unknown", "none", "independent", "dependent"}

func (f Filtering) String() string { return name(filteringNames[:], int(f)) }

// name is the name of a value, for people.
func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "?"
}

// Linkable reports whether two interfaces may be able to have a direct link,
// whichever side opens it. It errs towards true: what is unknown counts as possible.
// Whether a dial works only the dial says.
func Linkable(a, b EUID) bool {
	for f := range NumFamilies {
		for t := range NumTransports {
			if linkable(a.Reach[f][t], b.Reach[f][t], a.Mapping, b.Mapping) {
				return true
			}
		}
	}
	return false
}

// Dialable reports whether a dial from one interface to another may get through: to
// one that is public, or by a hole punch, which takes both sides and somebody whom
// both have a link to. It errs towards true, as [Linkable] does, which asks for either
// side's dial.
func Dialable(from, to EUID) bool {
	return anyPath(from, to, func(a, b Direction) bool {
		return callable(b) || punches(a, from.Mapping) && punches(b, to.Mapping)
	})
}

// Callable reports whether a dial may get through without anybody's help.
func Callable(from, to EUID) bool {
	return anyPath(from, to, func(_, b Direction) bool { return callable(b) })
}

func callable(d Direction) bool { return d == DirectionPublic || d == DirectionUnknown }

// anyPath reports whether some transport of some family that both have will do.
func anyPath(from, to EUID, will func(a, b Direction) bool) bool {
	for f := range NumFamilies {
		for t := range NumTransports {
			a, b := from.Reach[f][t], to.Reach[f][t]
			if a != DirectionNone && b != DirectionNone && will(a, b) {
				return true
			}
		}
	}
	return false
}

func linkable(a, b Direction, am, bm Mapping) bool {
	switch {
	case a == DirectionNone || b == DirectionNone:
		return false
	case a == DirectionPublic || b == DirectionPublic:
		return true
	}
	return punches(a, am) && punches(b, bm)
}

// punches reports whether a side can take part in a hole punch: the other must be
// able to foretell its port.
func punches(d Direction, m Mapping) bool {
	return (d == DirectionPunchable || d == DirectionUnknown) && m != MappingDependent
}
