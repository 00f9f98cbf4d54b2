package node

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/quilt-p2p/quilt/internal/links"
)

// Transports are the ways to connect that there are, by name: "quic", "tcp", "wss"
// (WebSocket over TLS) and "webtransport".
func Transports() (names []string) {
	for _, t := range links.Transports {
		names = append(names, string(t))
	}
	return names
}

// listenOn are the addresses of all interfaces with one UDP and one TCP port, which
// the transports share.
func listenOn(port uint16, transports []links.Transport, ipv6 bool) (addrs []string) {
	hosts := []string{"/ip4/0.0.0.0"}
	if ipv6 {
		hosts = append(hosts, "/ip6/::")
	}
	for _, h := range hosts {
		for _, t := range transports {
			form := map[links.Transport]string{
				links.QUIC: "%s/udp/%d/quic-v1", links.TCP: "%s/tcp/%d",
				links.WSS: "%s/tcp/%d/tls/ws", links.WebTransport: "%s/udp/%d/quic-v1/webtransport",
			}[t]
			addrs = append(addrs, fmt.Sprintf(form, h, port))
		}
	}
	return addrs
}

// hasIPv6 reports whether this host can listen on IPv6 at all.
func hasIPv6() bool {
	conn, err := net.ListenPacket("udp6", "[::]:0")
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// listenAddrs are the addresses to listen on by all options together.
func (c *config) listenAddrs() []string {
	transports := c.transports
	if len(transports) == 0 {
		transports = links.Transports
	}
	if !c.listenSet && len(c.ports) == 0 {
		return listenOn(0, transports, true) // where there is no IPv6, IPv4 is enough
	}
	list := slices.Clone(c.listen)
	for _, port := range c.ports {
		list = append(list, listenOn(port, transports, hasIPv6())...)
	}
	return list
}

// listenError says which addresses cannot be listened on, and what to do.
func listenError(addrs []string, err error) error {
	for _, text := range addrs {
		if cause := tryListen(text); cause != nil {
			err = cause // libp2p's words say less
			break
		}
	}
	// One of each socket is enough.
	told := make(map[string]bool)
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(text string) bool {
		a, err := ma.NewMultiaddr(text)
		if err != nil || !told[socket(a)] {
			told[socket(a)] = err == nil
			return false
		}
		return true
	})
	return fmt.Errorf("cannot listen on %s: %w: %s", strings.Join(addrs, ", "), err, listenAdvice(err))
}

// listenAdvice is what to do about an error of listening.
func listenAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		if runtime.GOOS != "linux" {
			return "ports below 1024 are for privileged programs: give this one the right, or choose another port, from 1024 to 65535"
		}
		program, err := os.Executable()
		if err != nil {
			program = "quilt-peer"
		}
		return fmt.Sprintf("ports below 1024 are for privileged programs: run \"sudo setcap cap_net_bind_service=+ep %s\" once, or choose another port, from 1024 to 65535", program)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this host has no such address: 0.0.0.0 and :: mean all that it has"
	}
	return "stop what uses the port, choose another one, or port 0 for any free one"
}

// notFree returns the addresses with a port of their own that cannot be listened on.
func notFree(addrs []string) (taken []string) {
	for _, text := range addrs {
		a, err := ma.NewMultiaddr(text)
		if err == nil && !strings.HasSuffix(socket(a), "/0") && tryListen(text) != nil {
			taken = append(taken, text)
		}
	}
	return taken
}

// tryListen finds out why an address cannot be listened on; nil if it can.
func tryListen(text string) error {
	a, err := ma.NewMultiaddr(text)
	if err != nil {
		return nil
	}
	network, host, err := manet.DialArgs(a)
	if err != nil {
		return nil
	}
	var socket interface{ Close() error }
	if strings.HasPrefix(network, "udp") {
		socket, err = net.ListenPacket(network, host)
	} else {
		socket, err = net.Listen(network, host)
	}
	if err != nil {
		var system *os.SyscallError
		if errors.As(err, &system) {
			return system
		}
		return err
	}
	socket.Close()
	return nil
}

// notListening returns the addresses with a port of their own that were asked for
// and are not listened on. libp2p is content when any one address of a list works,
// but whoever names a port has told others, or a router, about it.
func notListening(asked []string, listening []ma.Multiaddr) []string {
	ports := make(map[string]bool)
	for _, a := range listening {
		ports[socket(a)+string(links.TransportOf(a))] = true
	}
	var missing []string
	for _, text := range asked {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			continue // links has refused it
		}
		if s := socket(a); !strings.HasSuffix(s, "/0") && !ports[s+string(links.TransportOf(a))] {
			missing = append(missing, text)
		}
	}
	return missing
}

// socket is the part of an address that only one process can have: up to its port.
func socket(a ma.Multiaddr) string {
	var b strings.Builder
	for _, c := range a {
		fmt.Fprintf(&b, "/%s/%s", c.Protocol().Name, c.Value())
		if code := c.Protocol().Code; code == ma.P_TCP || code == ma.P_UDP {
			break
		}
	}
	return b.String()
}
