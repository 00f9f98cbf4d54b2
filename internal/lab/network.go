package lab

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"
)

// Network describes what is to be built. The zero values of most fields are
// sensible; see each. [Parse] makes one from text.
type Network struct {
	Sites []Site
	// Default is the link between two sites that Links does not name.
	Default Link
	// Links are links of two named sites; their ends may be given in any order.
	Links []Link
	// Seed draws the packets that are lost.
	Seed uint64
}

// Kind is what stands between the hosts of a site and the others.
type Kind string

// Kinds of sites.
const (
	// LAN: public addresses, nothing is filtered.
	LAN Kind = "lan"
	// Cone: a home with private addresses behind one public address. Its NAT
	// keeps a host's port where it is free, and lets in only what comes from an
	// address and port that the host has sent to.
	Cone Kind = "cone"
	// Restricted: as Cone, but it lets in what comes from any port of an address that the
	// host's port has sent to ("address-dependent filtering", RFC 4787, section 5).
	Restricted Kind = "restricted"
	// FullCone: as Cone, but it lets in whatever comes to a port from which the host has
	// sent by UDP ("endpoint-independent filtering"), also from within ("hairpinning",
	// section 6).
	FullCone Kind = "fullcone"
	// Symmetric: as Cone, but its NAT draws another port for every destination.
	Symmetric Kind = "symmetric"
	// Firewall: public addresses; what was not asked for is dropped.
	Firewall Kind = "firewall"
	// TLSOnly: as Firewall, and what leaves must be TCP to port 443, the first
	// bytes of which begin as TLS does.
	TLSOnly Kind = "tlsonly"
)

var kinds = []Kind{LAN, Cone, Restricted, FullCone, Symmetric, Firewall, TLSOnly}

// Private says whether the site's hosts share one public IPv4 address.
func (k Kind) Private() bool {
	return k == Cone || k == Restricted || k == FullCone || k == Symmetric
}

// Filtered says whether packets that nobody in the site asked for are dropped.
func (k Kind) Filtered() bool { return k != LAN }

// Family is the versions of IP that a site speaks.
type Family string

// Families. The empty one is IPv4.
const (
	IPv4 Family = "4"
	IPv6 Family = "6" // no IPv4 at all
	Dual Family = "46"
)

// Has4 says whether the family includes IPv4.
func (f Family) Has4() bool { return f != IPv6 }

// Has6 says whether the family includes IPv6 beyond link-local addresses.
func (f Family) Has6() bool { return f == IPv6 || f == Dual }

// Multicast is what a site's switch does with multicast packets.
type Multicast string

// Kinds of switches. The empty one floods.
const (
	Flood Multicast = "flood" // to every host
	Snoop Multicast = "snoop" // to members of the group, as IGMP and MLD tell (after some 10 s; before that it floods)
	Block Multicast = "block" // to nobody, as many wireless networks do; neighbour discovery works
)

// What a site's resolver may be beside the name of a router.
const (
	AtGateway  = "gateway" // the site's own router answers, as at home
	AtHost     = "stub"    // each host asks itself, at 127.0.0.53
	NoResolver = "none"
)

// Site is one place: a switch, the hosts on it, and the router that connects
// it to the others.
type Site struct {
	Name string
	Kind Kind   // empty: LAN
	IP   Family // empty: IPv4
	// Hosts are the hosts here. One that several sites list has an interface at
	// each, and its default route by the first.
	Hosts []string
	// Path names the routers from the site's own outwards that every packet from
	// it passes; one called [Silent] never tells of itself. Sites that name the
	// same router share it.
	Path []string
	// Resolver is AtGateway, AtHost, NoResolver or a name as in Path: a server at
	// the end of the path. Empty means AtGateway.
	Resolver string
	// Access is the one-way delay to the end of the path, which the resolver is
	// at; it does not add to a link's. Zero means [DefaultAccess].
	Access    time.Duration
	Multicast Multicast // empty: Flood
	// Expiry is how long the NAT or firewall remembers an idle UDP flow. Zero
	// leaves it at the kernel's 30 s, and 120 s for one answered.
	Expiry time.Duration
	// PortMap lets hosts ask the NAT for ports (NAT-PMP).
	PortMap bool
	// Rate is what each host's cable carries, in bit/s in either direction; more waits,
	// up to 100 ms, and is dropped then. Zero means no limit.
	Rate int
}

// Link is what lies between the ends of two sites' paths.
type Link struct {
	A, B  string
	Delay time.Duration // one way, from router to router, the paths' share included
	Loss  float64       // share of the packets lost, in either direction
	Hops  []string      // routers from A to B; names as in Site.Path
}

// Silent is the name of a router that forwards and says nothing.
const Silent = "*"

// Bounds and defaults of a description.
const (
	MaxSites      = 200     // addresses are made for so many, and for as many renumberings
	MaxHosts      = 200     // of one site: they share a /24
	MaxNICs       = 4       // of a host: sites that list it
	MaxHops       = 30      // of a path or link
	MaxRouters    = 1 << 15 // different names of routers and resolvers
	MaxDelay      = 10 * time.Second
	DefaultAccess = 2 * time.Millisecond
	MinRate       = 64_000 // bit/s: less, and not a packet passes in the time that one waits
)

// validName keeps names fit for parts of file names. Host and site names are
// short, for the names of interfaces and namespaces are made of them.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,15}$`)

// check says what is wrong with a description.
func (n *Network) check() error {
	if len(n.Sites) == 0 || len(n.Sites) > MaxSites {
		return fmt.Errorf("lab: %d sites; from 1 to %d can be built", len(n.Sites), MaxSites)
	}
	sites, hosts := make(map[string]bool), make(map[string][]string)
	for i := range n.Sites {
		s := &n.Sites[i]
		if sites[s.Name] {
			return fmt.Errorf("lab: two sites are called %q", s.Name)
		}
		sites[s.Name] = true
		if err := s.check(); err != nil {
			return fmt.Errorf("lab: site %q: %w", s.Name, err)
		}
		for _, h := range s.Hosts {
			if slices.Contains(hosts[h], s.Name) {
				return fmt.Errorf("lab: host %q is at site %s twice", h, s.Name)
			}
			if hosts[h] = append(hosts[h], s.Name); len(hosts[h]) > MaxNICs {
				return fmt.Errorf("lab: host %q is at %d sites; it can be at %d", h, len(hosts[h]), MaxNICs)
			}
		}
	}
	if err := n.Default.check(); err != nil {
		return fmt.Errorf("lab: the default link: %w", err)
	}
	if r := n.routers(); r > MaxRouters {
		return fmt.Errorf("lab: %d routers; there can be %d", r, MaxRouters)
	}
	seen := make(map[[2]string]bool)
	for _, l := range n.Links {
		if !sites[l.A] || !sites[l.B] || l.A == l.B {
			return fmt.Errorf("lab: a link joins %q and %q, which are not two sites", l.A, l.B)
		}
		pair := [2]string{min(l.A, l.B), max(l.A, l.B)}
		if seen[pair] {
			return fmt.Errorf("lab: two links join %s and %s", l.A, l.B)
		}
		seen[pair] = true
		if err := l.check(); err != nil {
			return fmt.Errorf("lab: link of %s and %s: %w", l.A, l.B, err)
		}
	}
	return nil
}

// routers counts names of routers and resolvers.
func (n *Network) routers() int {
	names := make(map[string]bool)
	add := func(list ...string) {
		for _, h := range list {
			names[h] = true
		}
	}
	for i := range n.Sites {
		add(n.Sites[i].Path...)
		add(n.Sites[i].resolver())
	}
	for _, l := range n.Links {
		add(l.Hops...)
	}
	add(n.Default.Hops...)
	return len(names)
}

func (s *Site) check() error {
	if !validName.MatchString(s.Name) {
		return fmt.Errorf("the name is not 1 to 16 of a-z, 0-9 and -")
	}
	if !slices.Contains(kinds, s.kind()) {
		return fmt.Errorf("there is no kind %q", s.Kind)
	}
	if f := s.family(); f != IPv4 && f != IPv6 && f != Dual {
		return fmt.Errorf("there is no IP family %q", s.IP)
	}
	if s.kind().Private() && !s.family().Has4() {
		return fmt.Errorf("a NAT of IPv4 at a site without IPv4")
	}
	if !slices.Contains([]Multicast{"", Flood, Snoop, Block}, s.Multicast) {
		return fmt.Errorf("no switch treats multicast as %q", s.Multicast)
	}
	if len(s.Hosts) > MaxHosts {
		return fmt.Errorf("%d hosts; there can be %d", len(s.Hosts), MaxHosts)
	}
	for _, h := range s.Hosts {
		if !validName.MatchString(h) {
			return fmt.Errorf("the host name %q is not 1 to 16 of a-z, 0-9 and -", h)
		}
	}
	if s.Access < 0 || s.Access > MaxDelay {
		return fmt.Errorf("an access delay of %v; it can be from 0 to %v", s.Access, MaxDelay)
	}
	if s.Rate < 0 || s.Rate > 0 && s.Rate < MinRate {
		return fmt.Errorf("a rate of %d bit/s; it can be from %d", s.Rate, MinRate)
	}
	// The kernel counts it in seconds.
	if s.Expiry < 0 || s.Expiry%time.Second != 0 {
		return fmt.Errorf("flows expire after %v; it must be whole seconds", s.Expiry)
	}
	if s.PortMap && !s.kind().Private() {
		return fmt.Errorf("ports of a site of kind %q cannot be mapped: it has no NAT", s.Kind)
	}
	if r := s.resolver(); !validName.MatchString(r) {
		return fmt.Errorf("the resolver's name %q is not 1 to 16 of a-z, 0-9 and -", r)
	}
	return checkHops(s.Path)
}

func (l *Link) check() error {
	if l.Delay < 0 || l.Delay > MaxDelay {
		return fmt.Errorf("a delay of %v; it can be from 0 to %v", l.Delay, MaxDelay)
	}
	if !(l.Loss >= 0 && l.Loss <= 1) {
		return fmt.Errorf("a loss of %v; it can be from 0 to 1", l.Loss)
	}
	return checkHops(l.Hops)
}

func checkHops(names []string) error {
	if len(names) > MaxHops {
		return fmt.Errorf("%d hops; there can be %d", len(names), MaxHops)
	}
	for _, h := range names {
		if h != Silent && !validName.MatchString(h) {
			return fmt.Errorf("the router's name %q is neither %s nor 1 to 16 of a-z, 0-9 and -", h, Silent)
		}
	}
	return nil
}

func (s *Site) kind() Kind {
	if s.Kind == "" {
		return LAN
	}
	return s.Kind
}

func (s *Site) family() Family {
	if s.IP == "" {
		return IPv4
	}
	return s.IP
}

func (s *Site) resolver() string {
	if s.Resolver == "" {
		return AtGateway
	}
	return s.Resolver
}

func (s *Site) access() time.Duration {
	if s.Access == 0 {
		return DefaultAccess
	}
	return s.Access
}

// remote says whether the site's resolver is a server on the way out.
func (s *Site) remote() bool {
	r := s.resolver()
	return r != AtGateway && r != AtHost && r != NoResolver
}

// link returns what lies from site a to site b.
func (n *Network) link(a, b string) Link {
	for _, l := range n.Links {
		switch {
		case l.A == a && l.B == b:
			return l
		case l.A == b && l.B == a:
			l.A, l.B = a, b
			l.Hops = slices.Clone(l.Hops)
			slices.Reverse(l.Hops)
			return l
		}
	}
	l := n.Default
	l.A, l.B = a, b
	l.Hops = slices.Clone(l.Hops)
	if a > b {
		slices.Reverse(l.Hops)
	}
	return l
}

// losses returns the source of losses from one site to another.
func (n *Network) losses(from, to int) *rand.Rand {
	return rand.New(rand.NewPCG(n.Seed, uint64(from)<<32|uint64(to)))
}
