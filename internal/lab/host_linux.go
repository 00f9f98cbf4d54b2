package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Host is a host of a lab: a namespace with an interface at each site that the
// description lists it at: eth0 at the first, eth1 at the second.
type Host struct {
	lab  *Lab
	name string
	ns   namespace
	dir  string
	log  func(host, line string)
	nics []*nic

	mu   sync.Mutex
	peer *Peer // the last that was started
}

// Name is the host's name in the description.
func (h *Host) Name() string { return h.name }

// Site is the name of the host's site, the first if there are several.
func (h *Host) Site() string { return h.nics[0].site.Name }

// Dir is a directory of the host's own, until the lab is closed. Its namespace
// does not hide other files.
func (h *Host) Dir() string { return h.dir }

// build makes the host, once its sites are there.
func (h *Host) build() error {
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	settings := quiet
	if len(h.nics) > 1 {
		settings = append(append([]string(nil), quiet...), // another interface takes over
			"ipv4/conf/all/ignore_routes_with_linkdown=1", "ipv6/conf/all/ignore_routes_with_linkdown=1")
	}
	if err := h.ns.sysctls(settings...); err != nil {
		return err
	}
	for _, n := range h.nics {
		if err := n.build(); err != nil {
			return err
		}
	}
	if err := h.ns.ip("link set lo up"); err != nil {
		return err
	}
	if err := h.configure(); err != nil {
		return err
	}
	for _, n := range h.nics {
		if n.site.resolver() == AtHost {
			return h.lab.resolve(h.ns, "127.0.0.53:53")
		}
	}
	return nil
}

// configure gives the host its addresses and routes, brings the interfaces up, and
// tells it its resolvers.
func (h *Host) configure() error {
	for _, n := range h.nics {
		if err := n.configure(); err != nil {
			return err
		}
	}
	return h.announce()
}

// announce tells the lab's resolvers of the host, and the host of its resolvers.
func (h *Host) announce() error {
	h.lab.names.Store(h.name, h.public())
	var conf strings.Builder
	for _, a := range h.resolvers() {
		fmt.Fprintf(&conf, "nameserver %s\n", a)
	}
	// Rewritten in place: a running process sees it by a mount of this file.
	if err := os.WriteFile(h.resolvConf(), []byte(conf.String()), 0o644); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

func (h *Host) resolvConf() string { return filepath.Join(h.dir, "resolv.conf") }

// at returns the host's interfaces at the named sites, all if none is named. It
// panics if the host is not at one: that is a mistake in the program.
func (h *Host) at(sites []string) []*nic {
	if len(sites) == 0 {
		return h.nics
	}
	var list []*nic
	for _, name := range sites {
		i := slices.IndexFunc(h.nics, func(n *nic) bool { return n.site.Name == name })
		if i < 0 {
			panic("lab: host " + h.name + " is not at site " + name)
		}
		list = append(list, h.nics[i])
	}
	return list
}

// Addrs returns the addresses of the host's interfaces at these sites, of all if
// none is named: at each site IPv4 first.
func (h *Host) Addrs(sites ...string) []netip.Addr {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	var list []netip.Addr
	for _, n := range h.at(sites) {
		list = append(list, n.addrs()...)
	}
	return list
}

// Public returns the addresses from which others see the host's packets, in the
// order of Addrs.
func (h *Host) Public() []netip.Addr {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	return h.public()
}

func (h *Host) public() (list []netip.Addr) {
	for _, n := range h.nics {
		list = append(list, n.public()...)
	}
	return list
}

// Resolvers returns the addresses that the host's resolv.conf names.
func (h *Host) Resolvers() []netip.Addr {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	return h.resolvers()
}

func (h *Host) resolvers() (list []netip.Addr) {
	for _, n := range h.nics {
		list = append(list, n.site.nameservers()...)
	}
	return list
}

// Do calls f with the host's network. Only what f does in its own goroutine is
// done there: a socket that it makes stays the host's wherever it is used then,
// but a goroutine that it starts has the machine's network (a net.Dialer starts
// some where a name has several addresses), and so has a program that outlives f.
func (h *Host) Do(f func() error) error { return h.ns.do(f) }

// ListenUDP opens a UDP socket of the host. The address is as in net.ListenPacket.
func (h *Host) ListenUDP(address string) (*net.UDPConn, error) {
	var conn net.PacketConn
	err := h.Do(func() (err error) {
		conn, err = net.ListenPacket("udp", address)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// Command returns a program to be run on the host, with its network and its
// resolv.conf. It is killed when ctx ends, or by Close.
func (h *Host) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	// ip gives it mounts of its own; sh replaces itself by the program.
	const script = `mount --bind "$0" /etc/resolv.conf && exec "$@"`
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", string(h.ns),
		"sh", "-c", script, h.resolvConf(), program}, args...)...)
}
