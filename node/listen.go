package node

import (
	"fmt"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
)

// listenError says which addresses cannot be listened on, and what to do.
func listenError(addrs []string, err error) error {
	return fmt.Errorf("cannot listen on %s: %w: stop what uses the port, choose another one, or port 0 for any free one",
		strings.Join(addrs, ", "), err)
}

// notListening returns the addresses with a port of their own that were asked for
// and are not listened on. libp2p is content when any one address of a list works,
// but whoever names a port has told others, or a router, about it.
func notListening(asked []string, listening []ma.Multiaddr) []string {
	ports := make(map[string]bool)
	for _, a := range listening {
		ports[socket(a)] = true
	}
	var missing []string
	for _, text := range asked {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			continue // links has refused it
		}
		if s := socket(a); !strings.HasSuffix(s, "/0") && !ports[s] {
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
