package links

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/protocol"
)

// Dial asks for a link to a peer, at addresses given as binary multiaddrs (at most
// MaxDialAddrs of them, those that do not parse are passed over) and at those libp2p
// knows. Up or DialFailed follows, unless the link is up already. It does not wait.
func (m *Manager) Dial(to protocol.PeerID, addrs []string) { m.dialTo(to, addrs, false) }

// dialTo is Dial and DialRelayed.
func (m *Manager) dialTo(to protocol.PeerID, addrs []string, relayWillDo bool) {
	reason := ReasonUnreachable // for what is no peer ID at all
	if _, err := peer.IDFromBytes([]byte(to)); err == nil {
		m.learn(to, addrs)
		reason = m.dial(to, relayWillDo)
	}
	if reason != "" && m.enter() {
		go func() {
			defer m.wg.Done()
			m.mu.Lock()
			m.total.DialsFailed++
			m.mu.Unlock()
			m.handler.DialFailed(to, reason)
		}()
	}
}

// dial starts a link, or joins what is there; it returns why not.
func (m *Manager) dial(to protocol.PeerID, relayWillDo bool) (reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[to]
	switch {
	case to == m.host.ID():
		return ReasonSelf
	case m.stopping:
		return ReasonStopped
	case l != nil && l.ended():
		l.redial = true
		return ""
	case l != nil && l.up:
		return ""
	case l != nil:
		l.dialled = true
		l.relayWillDo = l.relayWillDo || relayWillDo
		l.protect()
		return ""
	}
	if up, _, dialling := m.count(); up >= m.cfg.MaxLinks || dialling >= MaxPendingDials {
		return ReasonFull
	}
	l = m.newLink(to)
	l.dialled, l.relayWillDo = true, relayWillDo
	l.start()
	return ""
}

// learn gives libp2p addresses at which a peer may be found.
func (m *Manager) learn(of protocol.PeerID, addrs []string) {
	var known []ma.Multiaddr
	for _, b := range addrs {
		if len(known) == MaxDialAddrs {
			break
		}
		addr, err := ma.NewMultiaddrBytes([]byte(b))
		if err != nil {
			continue
		}
		// An address may name the peer at its end; another peer's is none of it.
		addr, id := peer.SplitAddr(addr)
		if addr != nil && (id == "" || id == of) {
			known = append(known, addr)
		}
	}
	m.host.Peerstore().AddAddrs(of, known, peerstore.TempAddrTTL)
}
