package euid

// AnchorKind says what an anchor is.
type AnchorKind uint8

// The kinds of anchors.
const (
	// AnchorSegment is a multicast segment.
	AnchorSegment AnchorKind = iota
	// AnchorRouter is a router.
	AnchorRouter
	// AnchorResolver is a DNS resolver.
	AnchorResolver
	numAnchorKinds
)

var anchorKindNames = [numAnchorKinds]string{"segment", "router", "resolver"}

func (k AnchorKind) String() string { return name(anchorKindNames[:], int(k)) }

// Anchor is something in an interface's environment around which a patch could form.
type Anchor struct {
	Kind AnchorKind
	// Depth is how far a router is, from 1 to MaxHops; 0 for other kinds.
	Depth int
	Tag   Tag
}

// AnchorID names an anchor from wherever it is seen: a router is the same at any
// depth, and the home router that one peer has for a router and another, whose trace
// it did not answer, only for a resolver is one place too.
type AnchorID struct {
	// Segment is set for a multicast segment, else it is a router or a resolver.
	Segment bool
	Tag     Tag
}

// ID is what two anchors have in common that are the same thing.
func (a Anchor) ID() AnchorID { return AnchorID{Segment: a.Kind == AnchorSegment, Tag: a.Tag} }

// Anchors are what a patch could form around, nearest first: the multicast segment,
// the routers by depth, the resolver; each ID once. What identifies no place is none:
// a private address whose public one is not known, a public anycast resolver, a stub,
// a gap. There are at most MaxHops+2.
func Anchors(e EUID) []Anchor {
	var list []Anchor
	add := func(a Anchor) {
		if a.Tag == 0 {
			return
		}
		for _, b := range list {
			if a.ID() == b.ID() {
				return
			}
		}
		list = append(list, a)
	}
	add(Anchor{Kind: AnchorSegment, Tag: e.Segment})
	for i, p := range e.Hops {
		add(Anchor{Kind: AnchorRouter, Depth: i + 1, Tag: p.Tag})
	}
	add(Anchor{Kind: AnchorResolver, Tag: e.Resolver.Tag})
	return list
}
