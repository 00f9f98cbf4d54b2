package driver

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

// Config says where a driver may send and hear. Zero fields take their defaults.
type Config struct {
	// Interfaces are the names of those allowed. Default: all that are up, can do
	// multicast, are no loopback or point-to-point ones, and have an address.
	Interfaces []string
	// Forbidden are never used.
	Forbidden []string
	// TTL is the greatest number of links that packets cross, 1 to 255. Default 1.
	TTL int
	// Packet bounds datagrams in bytes, ipmc.MinPacket to ipmc.MaxPacket. Default: what
	// fits into the smallest frame of the interfaces used.
	Packet int
	// Buffer is how many bytes may wait for this process in each socket, as far as the
	// system permits. Default 4 MiB.
	Buffer int
	// Alone says that no other peer runs on this host: then what is sent does not come
	// back here.
	Alone bool
	// MaxGroups bounds the groups joined on each interface. Default 16, or what the
	// system permits if that is less. Further topics share groups if Sharing is set,
	// else they cannot be joined.
	MaxGroups int
	// Sharing says how topics share groups where there are too many; nil for not at all.
	Sharing *Sharing
}

// Defaults, our choices.
const (
	defaultTTL       = 1
	defaultBuffer    = 4 << 20
	defaultMaxGroups = 16
	// headers is what IPv6 and UDP add to a datagram.
	headers = 48
)

// ErrNoInterface: none of those allowed can do multicast.
var ErrNoInterface = errors.New("no interface for IP multicast")

// NIC is an interface that is used.
type NIC struct {
	protocol.NIC
	Name string

	ifi net.Interface
	six bool // it has an IPv6 address to send from
}

// complete fills in defaults and finds the interfaces.
func (c *Config) complete() ([]NIC, error) {
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	if c.Buffer == 0 {
		c.Buffer = defaultBuffer
	}
	if c.MaxGroups == 0 {
		c.MaxGroups = defaultMaxGroups
	}
	c.MaxGroups = min(c.MaxGroups, kernelLimit())
	switch {
	case c.TTL < 1 || c.TTL > 255:
		return nil, fmt.Errorf("a multicast TTL of %d: 1 to 255 are possible", c.TTL)
	case c.Buffer < 0 || c.MaxGroups < 0:
		return nil, errors.New("buffers and groups cannot be less than none")
	case c.Packet != 0 && (c.Packet < ipmc.MinPacket || c.Packet > ipmc.MaxPacket):
		return nil, fmt.Errorf("packets of %d bytes: %d to %d are possible", c.Packet, ipmc.MinPacket, ipmc.MaxPacket)
	}
	nics, err := c.find()
	if err != nil {
		return nil, err
	}
	mtu := ipmc.MaxPacket
	for _, n := range nics {
		mtu = min(mtu, n.ifi.MTU-headers)
	}
	if c.Packet == 0 {
		c.Packet = mtu
	}
	if c.Packet > mtu || c.Packet < ipmc.MinPacket {
		return nil, fmt.Errorf("packets of %d bytes: the interfaces take %d, and %d are needed", c.Packet, mtu, ipmc.MinPacket)
	}
	return nics, nil
}

// find returns the interfaces that are allowed and can do multicast.
func (c *Config) find() ([]NIC, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("looking for interfaces: %w", err)
	}
	var nics []NIC
	for _, ifi := range all {
		named := slices.Contains(c.Interfaces, ifi.Name)
		const not = net.FlagLoopback | net.FlagPointToPoint
		switch {
		case slices.Contains(c.Forbidden, ifi.Name), len(c.Interfaces) > 0 && !named:
			continue
		case ifi.Flags&net.FlagUp == 0, ifi.Flags&net.FlagMulticast == 0 && !named, ifi.Flags&not != 0 && !named:
			continue
		}
		four, six := families(&ifi)
		if four || six {
			nics = append(nics, NIC{NIC: protocol.NIC(ifi.Index), Name: ifi.Name, ifi: ifi, six: six})
		}
	}
	for _, name := range c.Interfaces {
		if !slices.ContainsFunc(nics, func(n NIC) bool { return n.Name == name }) {
			return nil, fmt.Errorf("%w: %s is forbidden, down, without an address or not there", ErrNoInterface, name)
		}
	}
	if len(nics) == 0 {
		return nil, ErrNoInterface
	}
	return nics, nil
}

// families says by which versions of IP an interface can send multicast.
func families(ifi *net.Interface) (four, six bool) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return false, false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if n.IP.To4() != nil {
				four = true
			} else {
				six = true
			}
		}
	}
	return four, six
}
