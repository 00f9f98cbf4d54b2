package links

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// connTag marks connections that carry a link.
const connTag = "quilt"

// linkValue is what libp2p's connection manager holds against trimming a connection
// that carries a link somebody else asked for; one without a link has 0.
const linkValue = 10

// protect keeps libp2p from trimming the connection: that of a link this host asked
// for never goes, another after all that carry no link. m.mu is held.
func (l *link) protect() {
	cm := l.m.host.ConnManager()
	if l.dialled {
		cm.Protect(l.peer, connTag)
	} else {
		cm.TagPeer(l.peer, connTag, linkValue)
	}
}

// unprotect takes that back. m.mu is held.
func (l *link) unprotect() {
	cm := l.m.host.ConnManager()
	cm.Unprotect(l.peer, connTag)
	cm.UntagPeer(l.peer, connTag)
}

// reapLater closes, after a while, the connections to a peer that nobody speaks on:
// each would cost keep-alives for ever. It is called when a link came up, for of two
// that dialled each other one connection may be left over, and when it has gone; not
// at once, for the peer may be about to open a stream.
func (m *Manager) reapLater(peer protocol.PeerID) {
	time.AfterFunc(m.cfg.idle, func() {
		if !m.enter() {
			return
		}
		defer m.wg.Done()
		m.reap(peer)
	})
}

// reap closes connections without streams, but young ones, and those that another
// protocol on this host wants kept.
func (m *Manager) reap(peer protocol.PeerID) {
	m.mu.Lock()
	linked := m.links[peer] != nil
	m.mu.Unlock()
	if !linked && m.wanted(peer) {
		return
	}
	for _, conn := range m.host.Network().ConnsToPeer(peer) {
		old := time.Since(conn.Stat().Opened) >= m.cfg.idle
		if old && len(conn.GetStreams()) == 0 {
			_ = conn.Close()
		}
	}
}

// wanted reports whether something else than a link needs the connection to a peer: it
// is our relay, or we are its.
func (m *Manager) wanted(peer protocol.PeerID) bool {
	cm := m.host.ConnManager()
	if cm.IsProtected(peer, "") {
		return true
	}
	info := cm.GetTagInfo(peer)
	return info != nil && info.Tags[reservationTag] > 0
}

// reservationTag is what libp2p's relay marks those with that have a place.
const reservationTag = "relay-reservation"
