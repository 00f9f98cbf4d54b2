package links

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
)

// lan announces this host on the local network and hears others, by multicast DNS.
type lan struct {
	m *Manager

	mu      sync.Mutex
	service mdns.Service
	err     error
	stopped bool
}

func newLAN(m *Manager) *lan { return &lan{m: m} }

// announce begins, or begins again because the addresses have changed: the service
// asks for them only once. A host without any address or multicast interface goes on
// without, until its addresses change.
func (n *lan) announce() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.service != nil {
		_ = n.service.Close()
		n.service = nil
	}
	if n.stopped {
		return
	}
	service := mdns.NewMdnsService(n.m.host, MDNSService, n)
	if n.err = service.Start(); n.err == nil {
		n.service = service
	}
}

// HandlePeerFound is called by the mdns service, each time in a goroutine of its own.
func (n *lan) HandlePeerFound(found peer.AddrInfo) {
	if !n.m.enter() {
		return
	}
	defer n.m.wg.Done()
	addrs := sortAddrs(found.Addrs)
	n.m.handler.Found(found.ID, addrs[:min(len(addrs), MaxDialAddrs)])
}

// stop ends it for good.
func (n *lan) stop() {
	n.mu.Lock()
	n.stopped = true
	n.mu.Unlock()
	n.announce()
}

// MDNSError returns why this host does not take part in discovery on the LAN; nil
// where it does, or was not asked to.
func (m *Manager) MDNSError() error {
	if m.lan == nil {
		return nil
	}
	m.lan.mu.Lock()
	defer m.lan.mu.Unlock()
	return m.lan.err
}
