package links

import (
	"context"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"
)

// portMapper asks the router for ports: by UPnP, which libp2p's NAT manager speaks, and
// looks for once, for 10 s after the host starts; and by NAT-PMP (natpmp.go). It is
// libp2p's NAT manager itself, so that mapped addresses are among the host's.
type portMapper struct {
	gateway func() netip.Addr // may be nil

	mu     sync.Mutex
	upnp   basichost.NATManager
	pmp    *pmp
	cancel context.CancelFunc
	ended  chan struct{}
}

// start is libp2p's constructor of it.
func (p *portMapper) start(n network.Network) basichost.NATManager {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upnp = basichost.NewNATManager(n)
	if p.gateway != nil {
		ctx, cancel := context.WithCancel(context.Background())
		p.pmp = &pmp{gateway: p.gateway, listen: n.ListenAddresses}
		p.cancel, p.ended = cancel, make(chan struct{})
		go func() {
			defer close(p.ended)
			p.pmp.run(ctx)
		}()
	}
	return p
}

func (p *portMapper) managers() (basichost.NATManager, *pmp) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upnp, p.pmp
}

// HasDiscoveredNAT reports whether a router was found that maps ports.
func (p *portMapper) HasDiscoveredNAT() bool {
	upnp, pmp := p.managers()
	return pmp != nil && pmp.found() || upnp != nil && upnp.HasDiscoveredNAT()
}

// GetMapping returns the public end of the mapping for an address listened on, nil for
// none.
func (p *portMapper) GetMapping(listen ma.Multiaddr) ma.Multiaddr {
	upnp, pmp := p.managers()
	if pmp != nil {
		if a := pmp.mapping(listen); a != nil {
			return a
		}
	}
	if upnp != nil {
		return upnp.GetMapping(listen)
	}
	return nil
}

// Close gives back what was mapped.
func (p *portMapper) Close() error {
	upnp, pmp := p.managers()
	if pmp != nil {
		p.cancel()
		<-p.ended
	}
	return upnp.Close()
}

// PortMapper is what the router was asked for.
type PortMapper interface {
	HasDiscoveredNAT() bool
	GetMapping(listen ma.Multiaddr) ma.Multiaddr
}

// PortMapper returns the host's, nil unless Config.PortMap is set.
func (m *Manager) PortMapper() PortMapper {
	if m.nat.mapper == nil {
		return nil
	}
	return m.nat.mapper
}
