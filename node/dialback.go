package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	blankhost "github.com/libp2p/go-libp2p/p2p/host/blank"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	blackhole "github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// Limits of what others may ask of this peer in a minute: in all, of one of them, with
// the guard against amplification, and at once. One at a time only: libp2p's server
// mixes up two addresses of one peer that it calls at once.
const callsPerMinute, callsPerPeer, guardedCalls, callsAtOnce = 120, 12, 12, 1

// serveCalls tries for others whether they can be called, as AutoNAT v2 has it, until
// the node closes. libp2p's own option would do that too, but with it the host also
// asks by itself: a peer on the same LAN as soon as any other, at the price of 30 to
// 100 kB where the server is paid for the risk, and it takes its addresses back while
// nothing has come of it. Whom this peer asks, and what it makes of the answers, is the
// business of package detect.
func (n *Node) serveCalls(h host.Host) error {
	caller, err := n.newCaller(callerConfig{gater: callGate{n.gate}, counters: &n.verdicts})
	if err != nil || caller == nil {
		return err
	}
	nat, err := autonatv2.New(caller, autonatv2.WithServerRateLimit(callsPerMinute, callsPerPeer, guardedCalls, callsAtOnce))
	if err != nil {
		return errors.Join(err, caller.Close())
	}
	if err := nat.Start(h); err != nil {
		return errors.Join(err, caller.Close())
	}
	n.wg.Go(func() {
		<-n.closing
		nat.Close()
	})
	return nil
}

// callers are the hosts by which detection calls on others, until the node closes.
func (n *Node) callers() (by detect.Callers, err error) {
	visitor, err := n.newCaller(callerConfig{key: n.key, gater: callGate{n.gate}})
	if err != nil || visitor == nil {
		return by, err
	}
	n.closeLater(visitor)
	by.Visitor = visitor
	if s := n.links.QUICSockets(); s != nil {
		// It opens the NAT where the peer listens, so the gate is to remember it.
		looker, err := n.newCaller(callerConfig{gater: n.gate, sockets: s})
		if err != nil {
			return by, err
		}
		n.closeLater(looker)
		by.Looker = looker
	}
	return by, nil
}

// closeLater closes something when the node closes.
func (n *Node) closeLater(c io.Closer) {
	n.wg.Go(func() {
		<-n.closing
		_ = c.Close()
	})
}

// callerConfig says how a host calls.
type callerConfig struct {
	key      crypto.PrivKey // nil: a new one
	gater    connmgr.ConnectionGater
	counters *verdicts              // believed, and told nothing: whom it calls may well not be there; nil: none are
	sockets  *quicreuse.ConnManager // by which it calls, by QUIC only; nil: its own
	only     []links.Transport      // by which it calls
}

// newCaller makes a host that only calls, by QUIC, TCP and WebSocket as far as this peer
// uses them: nobody is to see it use others. Nil where it uses none.
func (n *Node) newCaller(c callerConfig) (host.Host, error) {
	for _, t := range []links.Transport{links.QUIC, links.TCP, links.WSS} {
		if used := n.cfg.transports; len(used) == 0 || slices.Contains(used, t) {
			c.only = append(c.only, t)
		}
	}
	if len(c.only) == 0 {
		return nil, nil
	}
	h, err := newCaller(c)
	if err != nil {
		return nil, fmt.Errorf("a host to call others with: %w", err)
	}
	return h, nil
}

// newCaller see [Node.newCaller].
func newCaller(c callerConfig) (_ host.Host, err error) {
	if c.key == nil {
		if c.key, _, err = crypto.GenerateEd25519Key(rand.Reader); err != nil {
			return nil, err
		}
	}
	counters := verdicts{}
	if c.counters != nil {
		counters = *c.counters
	}
	var resources network.ResourceManager = &network.NullResourceManager{} // calls are bounded otherwise
	id, err := peer.IDFromPrivateKey(c.key)
	if err != nil {
		return nil, err
	}
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(peers.AddPrivKey(id, c.key), peers.AddPubKey(id, c.key.GetPublic())); err != nil {
		return nil, err
	}
	swarm, err := blackhole.NewSwarm(id, peers, eventbus.NewBus(), blackhole.WithResourceManager(resources),
		blackhole.WithConnectionGater(c.gater), blackhole.WithDialRanker(blackhole.NoDelayDialRanker),
		blackhole.WithUDPBlackHoleSuccessCounter(counters.udp), blackhole.WithIPv6BlackHoleSuccessCounter(counters.ipv6),
		blackhole.WithReadOnlyBlackHoleDetector())
	if err != nil {
		return nil, errors.Join(err, peers.Close())
	}
	h := &callerHost{Host: blankhost.NewBlankHost(swarm)}
	if c.sockets == nil {
		err = addTCP(swarm, c, resources)
	}
	if err == nil && slices.Contains(c.only, links.QUIC) {
		err = h.addQUIC(swarm, c, resources)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// addTCP has a caller call by TCP and what runs on it.
func addTCP(swarm *blackhole.Swarm, c callerConfig, resources network.ResourceManager) error {
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	secure, err := noise.New(noise.ID, c.key, muxers)
	if err != nil {
		return err
	}
	upgrade, err := upgrader.New([]sec.SecureTransport{secure}, muxers, nil, resources, c.gater)
	if err != nil {
		return err
	}
	for _, t := range c.only {
		var add transport.Transport
		switch t {
		case links.TCP:
			add, err = tcp.NewTCPTransport(upgrade, resources, nil, tcp.DisableReuseport())
		case links.WSS:
			add, err = links.NewWebSocketDialer(upgrade, resources)
		default:
			continue
		}
		if err == nil {
			err = swarm.AddTransport(add)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addQUIC has a caller call by QUIC.
func (h *callerHost) addQUIC(swarm *blackhole.Swarm, c callerConfig, resources network.ResourceManager) error {
	sockets := c.sockets
	if sockets == nil {
		var err error
		if sockets, err = quicreuse.NewConnManager([32]byte{}, [32]byte{}); err != nil { // it never listens
			return err
		}
		h.sockets = sockets
	}
	byQUIC, err := quic.NewTransport(c.key, sockets, nil, c.gater, resources)
	if err != nil {
		return err
	}
	return swarm.AddTransport(byQUIC)
}

// callGate is the gate for calls. What leaves by other ports than the one listened on
// opens no NAT there, and is not remembered.
type callGate struct{ *gate }

func (g callGate) InterceptAddrDial(p protocol.PeerID, _ ma.Multiaddr) bool { return g.open(p) }

// callerHost closes its own sockets too.
type callerHost struct {
	host.Host
	sockets *quicreuse.ConnManager // nil: others close them
}

// Close implements host.Host.
func (h *callerHost) Close() error {
	err := errors.Join(h.Host.Close(), h.Peerstore().Close())
	if h.sockets != nil {
		err = errors.Join(err, h.sockets.Close())
	}
	return err
}
