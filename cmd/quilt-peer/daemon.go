package main

import (
	"context"

	"github.com/quilt-p2p/quilt/internal/control"
	peerdaemon "github.com/quilt-p2p/quilt/internal/daemon"
	"github.com/quilt-p2p/quilt/node"
)

// runConfig is what "quilt-peer run" passes to the daemon that it runs.
type runConfig struct {
	Home       string            // absolute; exists, with mode 0700 if it was made for this run; locked
	Listen     []string          // multiaddrs; with none, and no port: the daemon's default
	Ports      []uint16          // to listen on, by all transports
	Transports []string          // by which to listen and dial; empty: all
	Join       []string          // tickets
	MDNS       bool              // look for peers on the local network
	Detect     bool              // find out where this peer is
	Traverse   bool              // get past NATs
	Relay      *node.RelayLimits // relay for others within these limits; nil: do not
	PortMap    bool              // ask the router for ports
	IPMC       []string          // interfaces for IP multicast in place of gossip where it works
	LargeLimit int64             // bytes of large files; 0: the default
	Version    string
}

// startDaemon starts a peer. It returns once the peer listens and can be asked;
// the function closes it and returns when everything is on disk. The context is
// for starting only. A ticket or address that is no good is refused with
// control.CodeRefused.
func startDaemon(ctx context.Context, cfg runConfig) (control.Daemon, func() error, error) {
	opts := []node.Option{
		node.WithHome(cfg.Home), node.WithMDNS(cfg.MDNS), node.WithDetection(cfg.Detect), node.WithTickets(cfg.Join...),
		node.WithTraversal(cfg.Traverse), node.WithPortMapping(cfg.PortMap), node.WithUserAgent("quilt-peer/" + cfg.Version),
		node.WithLargeLimit(cfg.LargeLimit),
	}
	if len(cfg.Listen) > 0 {
		opts = append(opts, node.WithListen(cfg.Listen...))
	}
	for _, port := range cfg.Ports {
		opts = append(opts, node.WithPort(port))
	}
	if len(cfg.Transports) > 0 {
		opts = append(opts, node.WithTransports(cfg.Transports...))
	}
	if cfg.Relay != nil {
		opts = append(opts, node.WithRelay(*cfg.Relay))
	}
	if len(cfg.IPMC) > 0 {
		opts = append(opts, node.WithMulticast(node.Multicast{Interfaces: cfg.IPMC}))
	}
	n, err := node.New(ctx, opts...)
	if err != nil {
		return nil, nil, peerdaemon.Explain(err)
	}
	d, err := peerdaemon.New(n, cfg.Version)
	if err != nil {
		return nil, nil, peerdaemon.Explain(err)
	}
	return d, d.Close, nil
}
