package links

import (
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"
)

// ErrListen: an address to listen on makes no sense.
var ErrListen = errors.New("listen address")

// checkListen says what is wrong with an address to listen on.
func (c *Config) checkListen(text string) error {
	a, err := ma.NewMultiaddr(text)
	if err != nil {
		return fmt.Errorf("links: %w %q: %w", ErrListen, text, err)
	}
	switch t := TransportOf(a); {
	case t == "":
		return fmt.Errorf("links: %w %q: it must end in /udp/PORT/quic-v1, /tcp/PORT, /tcp/PORT/tls/ws or /udp/PORT/quic-v1/webtransport", ErrListen, text)
	case !slices.Contains(c.Transports, t):
		return fmt.Errorf("links: %w %q: its transport %s is not among those to be used", ErrListen, text, t)
	}
	return nil
}

// listenAddrs are the addresses to listen on, and apart from them those that come
// later: WebTransport on any port, which shall be the same as QUIC's, for a router
// then has one port less to forward. (TCP and WebSocket share one as it is.)
func (c *Config) listenAddrs() (first, later []ma.Multiaddr) {
	for _, text := range c.Listen {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			continue // was checked
		}
		if port, _ := a.ValueForProtocol(ma.P_UDP); port == "0" && TransportOf(a) == WebTransport && slices.Contains(c.Transports, QUIC) {
			later = append(later, a)
		} else {
			first = append(first, a)
		}
	}
	return first, later
}

// listenLater listens on the addresses that were put off, on the port that QUIC has
// got at the same address, if there is one. As libp2p does, it is content when any
// address works, for a host may lack a family.
func listenLater(h host.Host, later []ma.Multiaddr) error {
	var failed error
	for _, a := range later {
		for _, b := range h.Network().ListenAddresses() {
			if TransportOf(b) == QUIC && b[0].Equal(&a[0]) {
				a = append(append(ma.Multiaddr(nil), b...), a[len(a)-1])
				break
			}
		}
		failed = errors.Join(failed, h.Network().Listen(a))
	}
	if len(h.Network().ListenAddresses()) > 0 {
		return nil
	}
	return failed
}
