package node

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
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
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return err
	}
	caller, err := newCaller(key, callGate{n.gate}, &n.verdicts)
	if err != nil {
		return fmt.Errorf("a host to call others with: %w", err)
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

// newCaller makes a host that only calls, by QUIC and TCP, and by other ports than this
// peer listens on: what comes from those a NAT would let in. It believes what the
// counters say and tells them nothing, for whom it calls may well not be there.
func newCaller(key crypto.PrivKey, gater connmgr.ConnectionGater, v *verdicts) (host.Host, error) {
	var resources network.ResourceManager = &network.NullResourceManager{} // calls are bounded otherwise
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(peers.AddPrivKey(id, key), peers.AddPubKey(id, key.GetPublic())); err != nil {
		return nil, err
	}
	swarm, err := blackhole.NewSwarm(id, peers, eventbus.NewBus(), blackhole.WithResourceManager(resources),
		blackhole.WithConnectionGater(gater), blackhole.WithDialRanker(blackhole.NoDelayDialRanker),
		blackhole.WithUDPBlackHoleSuccessCounter(v.udp), blackhole.WithIPv6BlackHoleSuccessCounter(v.ipv6),
		blackhole.WithReadOnlyBlackHoleDetector())
	if err != nil {
		return nil, errors.Join(err, peers.Close())
	}
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	secure, err := noise.New(noise.ID, key, muxers)
	if err != nil {
		return nil, errors.Join(err, swarm.Close())
	}
	upgrade, err := upgrader.New([]sec.SecureTransport{secure}, muxers, nil, resources, gater)
	if err != nil {
		return nil, errors.Join(err, swarm.Close())
	}
	byTCP, err := tcp.NewTCPTransport(upgrade, resources, nil, tcp.DisableReuseport())
	if err != nil {
		return nil, errors.Join(err, swarm.Close())
	}
	sockets, err := quicreuse.NewConnManager([32]byte{}, [32]byte{}) // it never listens
	if err != nil {
		return nil, errors.Join(err, swarm.Close())
	}
	byQUIC, err := quic.NewTransport(key, sockets, nil, gater, resources)
	if err == nil {
		err = errors.Join(swarm.AddTransport(byTCP), swarm.AddTransport(byQUIC))
	}
	if err != nil {
		return nil, errors.Join(err, sockets.Close(), swarm.Close())
	}
	return callerHost{blankhost.NewBlankHost(swarm), sockets}, nil
}

// callGate is the gate for calls. What leaves by other ports than the one listened on
// opens no NAT there, and is not remembered.
type callGate struct{ *gate }

func (g callGate) InterceptAddrDial(p protocol.PeerID, _ ma.Multiaddr) bool { return g.open(p) }

// callerHost closes its sockets too.
type callerHost struct {
	host.Host
	sockets *quicreuse.ConnManager
}

// Close implements host.Host.
func (h callerHost) Close() error {
	return errors.Join(h.Host.Close(), h.Peerstore().Close(), h.sockets.Close())
}
