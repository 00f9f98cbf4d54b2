package links

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/quilt-p2p/quilt/protocol"
)

// inbound is a stream that a peer opened and greeted on.
type inbound struct {
	stream   network.Stream
	frames   *frameReader
	greeting greeting
}

// accept is libp2p's call for each stream of our protocol.
func (m *Manager) accept(stream network.Stream) {
	if !m.enter() {
		_ = stream.ResetWithError(network.StreamShutdown)
		return
	}
	defer m.wg.Done()
	peer := stream.Conn().RemotePeer()
	if !m.expected(peer) {
		select {
		case m.greetings <- struct{}{}:
			defer func() { <-m.greetings }()
		default:
			m.refuse(stream, network.StreamResourceLimitExceeded)
			return
		}
	}
	in := inbound{stream: stream, frames: newFrameReader(stream)}
	_ = stream.SetReadDeadline(time.Now().Add(m.cfg.GreetingTimeout))
	frame, _, err := in.frames.next(maxGreeting)
	if err == nil {
		in.greeting, err = parseGreeting(frame)
		if err != nil {
			err = errMalformed
		}
	}
	switch {
	case err == errMalformed:
		m.charge(peer)
		_ = stream.ResetWithError(network.StreamProtocolViolation)
		return
	case err != nil:
		_ = stream.ResetWithError(network.StreamProtocolNegotiationFailed)
		return
	}
	if m.handler.Hello(peer, in.greeting.hello) != nil {
		m.refuse(stream, network.StreamGated)
		return
	}
	_ = stream.SetReadDeadline(time.Time{})
	m.attach(peer, in)
}

// expected reports whether this host has dialled the peer and waits to be greeted:
// such a stream needs no free place among strangers.
func (m *Manager) expected(peer protocol.PeerID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[peer]
	return l != nil && l.dialled && l.theirs.isZero()
}

// refuse resets an inbound stream and counts it.
func (m *Manager) refuse(stream network.Stream, code network.StreamErrorCode) {
	m.mu.Lock()
	m.total.Refused++
	m.mu.Unlock()
	_ = stream.ResetWithError(code)
}

// attach gives a greeted stream to the link it belongs to, or to a new one. A link
// that it replaces goes down first.
func (m *Manager) attach(peer protocol.PeerID, in inbound) {
	timer := time.NewTimer(m.cfg.GreetingTimeout)
	defer timer.Stop()
	for {
		m.mu.Lock()
		l := m.links[peer]
		what := m.judge(l, in.greeting)
		switch what {
		case take:
			fresh := l == nil
			if fresh {
				l = m.newLink(peer)
			}
			l.theirs = in.greeting.session
			l.arrived <- in
			if fresh {
				l.start()
			}
		case full:
			m.total.Refused++
		}
		m.mu.Unlock()
		switch what {
		case take:
			return
		case stale:
			_ = in.stream.ResetWithError(network.StreamSupplanted)
			return
		case full:
			_ = in.stream.ResetWithError(network.StreamResourceLimitExceeded)
			return
		case replace:
			l.end(ReasonReplaced, false)
		}
		select {
		case <-l.done:
		case <-timer.C:
			_ = in.stream.ResetWithError(network.StreamResourceLimitExceeded)
			return
		}
	}
}

// verdict is what to do with a greeted stream.
type verdict int

const (
	take    verdict = iota // give it to the link there is, or a new one
	replace                // end the link there is, wait, look again
	wait                   // the link there is has ended: wait, look again
	stale                  // it belongs to a session given up since
	full                   // no room for another link
)

// judge decides about a stream greeted with g, where l is the peer's link or nil.
// m.mu is held.
func (m *Manager) judge(l *link, g greeting) verdict {
	switch {
	case m.stopping:
		return stale
	case l == nil && !g.answers.isZero():
		return stale
	case l == nil:
		up, inbound, _ := m.count()
		if up >= m.cfg.MaxLinks || inbound >= m.cfg.MaxInbound {
			return full
		}
		return take
	case !g.answers.isZero() && g.answers != l.session:
		return stale
	case l.ended():
		return wait
	case l.theirs.isZero():
		return take
	case !g.session.supersedes(l.theirs):
		return stale
	default:
		return replace
	}
}

// count returns how many links are up, how many of all others have asked for, and
// how many are being dialled. m.mu is held.
func (m *Manager) count() (up, inbound, dialling int) {
	for _, l := range m.links {
		if l.up {
			up++
		}
		if !l.dialled {
			inbound++
		} else if !l.up {
			dialling++
		}
	}
	return up, inbound, dialling
}
