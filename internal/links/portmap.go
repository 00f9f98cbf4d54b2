package links

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"
)

// portMapper is libp2p's NAT manager, which asks the router for ports by UPnP and
// NAT-PMP, kept where others can ask it. It looks for a router once, for 10 s after the
// host starts.
type portMapper struct {
	mu  sync.Mutex
	nat basichost.NATManager
}

// start is libp2p's constructor of it.
func (p *portMapper) start(n network.Network) basichost.NATManager {
	nat := basichost.NewNATManager(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nat = nat
	return nat
}

func (p *portMapper) manager() basichost.NATManager {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nat
}

// HasDiscoveredNAT reports whether a router was found that maps ports.
func (p *portMapper) HasDiscoveredNAT() bool {
	nat := p.manager()
	return nat != nil && nat.HasDiscoveredNAT()
}

// GetMapping returns the public end of the mapping for an address listened on, nil for
// none.
func (p *portMapper) GetMapping(listen ma.Multiaddr) ma.Multiaddr {
	if nat := p.manager(); nat != nil {
		return nat.GetMapping(listen)
	}
	return nil
}

// PortMapper is what the router was asked for, nil unless Config.PortMap is set.
type PortMapper interface {
	HasDiscoveredNAT() bool
	GetMapping(listen ma.Multiaddr) ma.Multiaddr
}

// PortMapper returns the host's, or nil.
func (m *Manager) PortMapper() PortMapper {
	if m.nat.mapper == nil {
		return nil
	}
	return m.nat.mapper
}
