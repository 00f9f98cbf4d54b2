package links

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/internal/ways"
)

// place is where in the world this host is: the network it has to get out of.
type place struct {
	// id is made of the prefixes of the host's interfaces and the resolvers it was told
	// to ask. Half the world's homes have the same; what is learnt in one then counts
	// in the other until it is learnt anew, which costs a second at a dial.
	id ways.ID
	// own are the prefixes: what is in them is on the same LAN.
	own []netip.Prefix
	// noLAN has everything count as outside, this host too: for tests.
	noLAN bool
}

// maxResolvConf bounds what is read of the file (our guess).
const maxResolvConf = 64 << 10

// lookAround finds out the place. Without any address that is one too.
func lookAround() place {
	addrs, _ := net.InterfaceAddrs()
	var resolvers []byte
	if f, err := os.Open("/etc/resolv.conf"); err == nil {
		resolvers = make([]byte, maxResolvConf)
		n, _ := f.Read(resolvers)
		resolvers = resolvers[:n]
		_ = f.Close()
	}
	return newPlace(addrs, resolvers)
}

// newPlace makes it of the addresses of interfaces and the text of resolv.conf.
func newPlace(addrs []net.Addr, resolvConf []byte) place {
	var p place
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if prefix = prefix.Masked(); !slices.Contains(p.own, prefix) {
			p.own = append(p.own, prefix)
		}
	}
	slices.SortFunc(p.own, netip.Prefix.Compare)
	sum := sha256.New()
	for _, prefix := range p.own {
		sum.Write([]byte(prefix.String() + "\n"))
	}
	lines := bufio.NewScanner(bytes.NewReader(resolvConf))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == "nameserver" {
			sum.Write([]byte(f[1] + "\n"))
		}
	}
	copy(p.id[:], sum.Sum(nil))
	return p
}

// has reports whether this host has an address of a family by which it could get out.
func (p *place) has(ipv6 bool) bool {
	return p.noLAN || slices.ContainsFunc(p.own, func(own netip.Prefix) bool { return own.Addr().Is6() == ipv6 })
}

// far returns by which way an address is dialled where that leads out of the LAN: what
// gets through within says nothing of what is outside.
func (p *place) far(a ma.Multiaddr) (ways.Way, bool) {
	w, ok := wayOf(a)
	if ok && p.noLAN {
		return w, true
	}
	if !ok || manet.IsPrivateAddr(a) || manet.IsIPLoopback(a) || manet.IsIP6LinkLocal(a) {
		return w, false
	}
	ip, err := manet.ToIP(a)
	if err != nil {
		return w, false
	}
	addr, _ := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	return w, !slices.ContainsFunc(p.own, func(own netip.Prefix) bool { return own.Contains(addr) })
}
