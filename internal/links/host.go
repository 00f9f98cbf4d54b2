package links

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
)

// maxPeerStreams bounds our protocol's streams of one peer in each direction: one is
// in use, another may replace it, the rest wait for that.
const maxPeerStreams = 4

// newHost starts a libp2p host with what links need and nothing that calls others
// unasked: no AutoNAT, no metrics, no ping service; relays, hole punching and port
// mapping by the options of traverse.go, where they are wanted.
func newHost(cfg Config, more ...libp2p.Option) (host.Host, error) {
	resources, err := newResourceManager(cfg)
	if err != nil {
		return nil, fmt.Errorf("links: resource manager: %w", err)
	}
	conns, err := connmgr.NewConnManager(cfg.MaxLinks, cfg.MaxConns)
	if err != nil {
		_ = resources.Close()
		return nil, fmt.Errorf("links: connection manager: %w", err)
	}
	options := []libp2p.Option{
		libp2p.Identity(cfg.Identity),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(conns),
		libp2p.UserAgent(cfg.UserAgent),
		libp2p.SwarmOpts(swarm.WithDialRanker(cfg.scout.rank)),
		// libp2p's own memory of what does not get through (a hundred dials by UDP, or by
		// IPv6, of which few came up) knows of one network only: carried to another one it
		// keeps from QUIC for long. And until it has seen a hundred it dials nobody back for
		// AutoNAT. The scout remembers better.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.DisableMetrics(),
		libp2p.Ping(false),
	}
	transports, err := transportOptions(cfg.Transports, cfg.sockets)
	if err != nil {
		_ = conns.Close()
		_ = resources.Close()
		return nil, err
	}
	options = append(options, transports...)
	first, later := cfg.listenAddrs()
	if len(first) > 0 {
		options = append(options, libp2p.ListenAddrs(first...))
	} else {
		options = append(options, libp2p.NoListenAddrs)
	}
	if !cfg.ObservedAddrs {
		options = append(options, libp2p.DisableIdentifyAddressDiscovery())
	}
	if cfg.Gater != nil {
		options = append(options, libp2p.ConnectionGater(cfg.Gater))
	}
	options = append(options, more...)
	h, err := libp2p.New(append(options, cfg.Libp2p...)...)
	if err != nil {
		_ = conns.Close()
		_ = resources.Close()
		return nil, fmt.Errorf("links: starting the host: %w", err)
	}
	if err := listenLater(h, later); err != nil {
		_ = h.Close()
		return nil, fmt.Errorf("links: starting the host: %w", err)
	}
	return h, nil
}

// Connections with one place. libp2p's default is 8 for an IPv4 address or an IPv6 /56:
// a home with some peers behind its one address, or a LAN, all the IPv6 hosts of which
// are in one /64, exhausts that (our measurement: with seven hosts on each of two LANs
// dials between them began to fail). The numbers are our guess.
var (
	perSubnet4 = []rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: 16}}
	perSubnet6 = []rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: 32}, {PrefixLength: 48, ConnCount: 64}}
)

// newResourceManager bounds connections, streams and memory. What others begin is
// bounded apart, so that it never takes the place of what this host begins.
func newResourceManager(cfg Config) (network.ResourceManager, error) {
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	limits.AddProtocolPeerLimit(ProtocolID, rcmgr.BaseLimit{
		Streams:         2 * maxPeerStreams,
		StreamsInbound:  maxPeerStreams,
		StreamsOutbound: maxPeerStreams,
		Memory:          cfg.MaxMemory,
	}, rcmgr.BaseLimitIncrease{})
	fixed := rcmgr.PartialLimitConfig{System: rcmgr.ResourceLimits{
		Memory:        rcmgr.LimitVal64(cfg.MaxMemory),
		Conns:         rcmgr.LimitVal(2 * cfg.MaxConns),
		ConnsInbound:  rcmgr.LimitVal(cfg.MaxConns),
		ConnsOutbound: rcmgr.LimitVal(cfg.MaxConns),
	}}.Build(limits.Scale(0, 0))
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(fixed), rcmgr.WithLimitPerSubnet(perSubnet4, perSubnet6))
}
