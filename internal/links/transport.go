package links

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/transport"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/internal/ways"
)

// Transport is a way to connect, by name.
type Transport string

// The transports. What each looks like to who watches the wire is in
// docs/transports.md.
const (
	QUIC         Transport = "quic"
	TCP          Transport = "tcp"          // with Noise and yamux
	WSS          Transport = "wss"          // WebSocket over TLS; Noise and yamux inside
	WebTransport Transport = "webtransport" // over QUIC
)

// Transports are all there are, in the order of preference.
var Transports = []Transport{QUIC, TCP, WSS, WebTransport}

// ParseTransports reads names separated by commas.
func ParseTransports(text string) ([]Transport, error) {
	var list []Transport
	for name := range strings.SplitSeq(text, ",") {
		t := Transport(strings.TrimSpace(name))
		if !slices.Contains(Transports, t) {
			return nil, fmt.Errorf("there is no transport %q: there are quic, tcp, wss and webtransport", name)
		}
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list, nil
}

// TransportOf tells by which transport an address is dialled or listened on; "" for
// another than ours, or a relay's.
func TransportOf(a ma.Multiaddr) Transport {
	var t Transport
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_CIRCUIT:
			return ""
		case ma.P_TCP:
			t = TCP
		case ma.P_QUIC_V1:
			t = QUIC
		case ma.P_WSS, ma.P_TLS:
			t = WSS
		case ma.P_WS: // without TLS it is none of ours
			if t != WSS {
				return ""
			}
		case ma.P_WEBTRANSPORT:
			t = WebTransport
		case marker.Protocol().Code: // see unfiltered
			if t == QUIC {
				t = WebTransport
			}
		}
	}
	return t
}

// wayOf is what a firewall sees of a dial to an address; false for a relay's, or one
// that names no IP address.
func wayOf(a ma.Multiaddr) (ways.Way, bool) {
	kind := slices.Index(Transports, TransportOf(a)) // in the same order as ways.Kind
	if kind < 0 || len(a) < 2 {
		return ways.Way{}, false
	}
	w := ways.Way{Kind: ways.Kind(kind)}
	ip, port := a[0], a[1]
	if ip.Protocol().Code == ma.P_IP6ZONE {
		ip, port = a[1], a[min(2, len(a)-1)]
	}
	switch ip.Protocol().Code {
	case ma.P_IP4:
	case ma.P_IP6:
		w.IPv6 = true
	default:
		return ways.Way{}, false
	}
	n, err := strconv.ParseUint(port.Value(), 10, 16)
	w.HTTPS = n == 443
	return w, err == nil
}

// transportOptions are those of the libp2p host that make the transports.
func transportOptions(list []Transport, sockets *quicSockets) ([]libp2p.Option, error) {
	shared := new(tcpListeners)
	var options []libp2p.Option
	for _, t := range list {
		switch t {
		case QUIC:
			options = append(options, libp2p.Transport(sockets.newQUIC))
		case TCP:
			options = append(options, libp2p.Transport(shared.newTCP))
		case WSS:
			config, err := outerTLS()
			if err != nil {
				return nil, err
			}
			options = append(options, libp2p.Transport(func(u transport.Upgrader, r network.ResourceManager) (*unfiltered, error) {
				inner, err := websocket.New(u, r, shared.of(u), websocket.WithTLSConfig(config.server), websocket.WithTLSClientConfig(config.client))
				return &unfiltered{inner, webSocketForm}, err
			}))
		case WebTransport:
			options = append(options, libp2p.Transport(newWebTransport))
		default:
			return nil, fmt.Errorf("links: there is no transport %q", t)
		}
	}
	return options, nil
}

// newWebTransport makes the transport as libp2p does, for fx fills in arguments by
// their types.
func newWebTransport(key crypto.PrivKey, psk pnet.PSK, c *quicreuse.ConnManager, g connmgr.ConnectionGater, r network.ResourceManager) (*unfilteredQUIC, error) {
	inner, err := webtransport.New(key, psk, c, g, r)
	return &unfilteredQUIC{unfiltered{inner, webTransportForm}}, err
}

// quicSockets are what QUIC leaves by.
type quicSockets struct {
	mu    sync.Mutex
	conns *quicreuse.ConnManager
}

// newQUIC makes the transport as libp2p does, and keeps what it sends by.
func (s *quicSockets) newQUIC(key crypto.PrivKey, c *quicreuse.ConnManager, psk pnet.PSK, g connmgr.ConnectionGater, r network.ResourceManager) (transport.Transport, error) {
	s.mu.Lock()
	s.conns = c
	s.mu.Unlock()
	return quic.NewTransport(key, c, psk, g, r)
}

// QUICSockets are the sockets on which the host listens for QUIC, and from which it
// dials; nil where QUIC is not among the transports. Who calls by them is seen by others
// where the host would be seen. They are closed with the Manager.
func (m *Manager) QUICSockets() *quicreuse.ConnManager {
	m.cfg.sockets.mu.Lock()
	defer m.cfg.sockets.mu.Unlock()
	return m.cfg.sockets.conns
}

// tcpListeners lets TCP and WebSocket listen on the same port: what comes in is told
// apart by its first three bytes.
type tcpListeners struct {
	mu sync.Mutex
	by map[transport.Upgrader]*tcpreuse.ConnMgr // one for each host made of the options: AutoNAT makes a second
}

func (s *tcpListeners) of(u transport.Upgrader) *tcpreuse.ConnMgr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = make(map[transport.Upgrader]*tcpreuse.ConnMgr)
	}
	if s.by[u] == nil {
		// With reuseport a dial leaves from the port listened on, and two peers that
		// dial each other at once can meet in one TCP connection, both as its initiator:
		// Noise then fails at both ("message is too short"; our measurement: 2% of
		// simultaneous dials on loopback). The price is that TCP shows nobody our
		// reachable port; QUIC does.
		s.by[u] = tcpreuse.NewConnMgr(false, u)
	}
	return s.by[u]
}

func (s *tcpListeners) newTCP(u transport.Upgrader, r network.ResourceManager) (*tcp.TcpTransport, error) {
	return tcp.NewTCPTransport(u, r, s.of(u), tcp.DisableReuseport())
}
