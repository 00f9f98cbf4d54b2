package topology

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// NAT is what stands between a host and others.
type NAT uint8

const (
	// NATNone: anyone reaches the host.
	NATNone NAT = iota
	// NATCone keeps a host's port for all destinations, and filters what comes in by
	// address and port.
	NATCone
	// NATSymmetric gives a host a new port for each destination.
	NATSymmetric
	// NATFirewall leaves the host its public address, and drops what comes in
	// unsolicited.
	NATFirewall
)

// natNames are the names in the table of hosts, in the order of the values.
var natNames = []string{"none", "cone", "symmetric", "firewall"}

func (n NAT) String() string {
	if int(n) < len(natNames) {
		return natNames[n]
	}
	return fmt.Sprintf("NAT(%d)", uint8(n))
}

// ParseNAT returns the NAT of a name as [NAT.String] gives it. The error names the
// choices.
func ParseNAT(s string) (NAT, error) {
	for i, name := range natNames {
		if s == name {
			return NAT(i), nil
		}
	}
	return 0, fmt.Errorf("unknown NAT %q: it is %s", s, strings.Join(natNames, ", "))
}

const (
	// PunchSuccess is the probability that a punch which [Punches] allows works,
	// drawn once for a pair: see [PunchWorks].
	PunchSuccess = 0.9
	// PunchRoundTrips is what a punch takes. It needs a rendezvous that both reach.
	PunchRoundTrips = 2
)

// Reaches reports whether a host behind a reaches one behind b that does not expect
// it: "anyone reaches none", and nobody any other.
func Reaches(a, b NAT) bool { return b == NATNone && a <= NATFirewall }

// Punches reports whether two hosts, neither of which the other reaches, can open a
// link by both sending at once, either side first:
//
//	           cone  symmetric  firewall
//	cone       yes      no        yes
//	symmetric   no      no         no
//	firewall   yes      no        yes
//
// Where one of them is reached there is nothing to punch, and Punches is false: the
// other dials, if need be because it was asked to through a rendezvous.
func Punches(a, b NAT) bool {
	return (a == NATCone || a == NATFirewall) && (b == NATCone || b == NATFirewall)
}

// Linkable reports whether two hosts can have a direct link at all, whichever side
// opens it.
func Linkable(a, b NAT) bool { return Reaches(a, b) || Reaches(b, a) || Punches(a, b) }

// PunchWorks is the draw with [PunchSuccess] for a pair of hosts, by index: the same
// for the same seed in either order, without remembering any.
func PunchWorks(seed uint64, a, b int) bool {
	draw := rand.NewPCG(seed, uint64(min(a, b))<<32|uint64(max(a, b)))
	draw.Uint64() // the first value of a PCG still shows its seed
	return float64(draw.Uint64()>>11)/(1<<53) < PunchSuccess
}
