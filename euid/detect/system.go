package detect

import (
	"context"
	"net/netip"
	"time"

	"github.com/quilt-p2p/quilt/euid"
)

// System is what detection asks of the machine it runs on. Its methods may be called
// from several goroutines.
type System interface {
	// Interfaces lists all interfaces, by index.
	Interfaces() ([]Interface, error)
	// Watch sends, without waiting for anybody, when interfaces, addresses or routes
	// may have changed, until ctx ends. Its error is why it cannot.
	Watch(ctx context.Context) (<-chan struct{}, error)
	// ReadFile reads a small file.
	ReadFile(name string) ([]byte, error)
	// Probe sends one UDP datagram and waits for what comes back of it, until ctx
	// ends. errors.ErrUnsupported says that this system cannot tell.
	Probe(ctx context.Context, p Probe) (Answer, error)
	// Multicast opens a socket for beacons on an interface.
	Multicast(i Interface, f euid.Family, ttl int) (MulticastConn, error)
}

// Interface is what the kernel says of a network interface.
type Interface struct {
	Index int
	Name  string
	// Kind is what the kernel calls a virtual interface ("bridge", "veth"), "" for
	// hardware and where it does not say.
	Kind string
	// Master is the index of the bridge or bond that this is a port of, 0 for none.
	Master int
	// Running: it is up and has a carrier.
	Running, Loopback, Multicast bool
	// Addrs are its addresses, sorted.
	Addrs []netip.Prefix
	// Default says that a default route of the family leaves by it, Gateway is the
	// next router on that, and Metric orders several: the least is used.
	Default [euid.NumFamilies]bool
	Gateway [euid.NumFamilies]netip.Addr
	Metric  [euid.NumFamilies]uint32
}

// has reports whether it has a usable address of the family: one that is good beyond
// the link.
func (i *Interface) has(f euid.Family) bool {
	for _, p := range i.Addrs {
		if familyOf(p.Addr()) == f && !p.Addr().IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}

// owns reports whether an address is the interface's.
func (i *Interface) owns(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range i.Addrs {
		if p.Addr().WithZone("") == a {
			return true
		}
	}
	return false
}

// equal reports whether nothing has changed.
func (i *Interface) equal(j *Interface) bool {
	if i.Index != j.Index || i.Name != j.Name || i.Kind != j.Kind || i.Master != j.Master ||
		i.Running != j.Running || i.Loopback != j.Loopback || i.Multicast != j.Multicast ||
		i.Default != j.Default || i.Gateway != j.Gateway || i.Metric != j.Metric || len(i.Addrs) != len(j.Addrs) {
		return false
	}
	for k := range i.Addrs {
		if i.Addrs[k] != j.Addrs[k] {
			return false
		}
	}
	return true
}

// Probe is one datagram of a trace.
type Probe struct {
	Target netip.AddrPort
	// TTL is the IPv4 time to live, or IPv6 hop limit.
	TTL int
	// By is the interface it leaves by.
	By      Interface
	Payload []byte
}

// AnswerKind says what a probe came to.
type AnswerKind uint8

// What comes back of a probe.
const (
	// Exceeded: a router had no more TTL to pass it on with.
	Exceeded AnswerKind = iota
	// Reached: the target answered, if only that nobody listens there.
	Reached
	// Refused: a router does not pass it on.
	Refused
)

// Answer is what came back of a probe.
type Answer struct {
	Kind  AnswerKind
	From  netip.Addr
	After time.Duration
}

// MulticastConn is a socket for beacons on one interface, for one family.
type MulticastConn interface {
	// Send sends to the group.
	Send(b []byte) error
	// Receive waits for a datagram that came by the interface.
	Receive(b []byte) (n int, err error)
	// Close ends Receive too.
	Close() error
}

func familyOf(a netip.Addr) euid.Family {
	if a.Unmap().Is4() {
		return euid.IPv4
	}
	return euid.IPv6
}

// plain is an address in the form in which it is compared: without zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
