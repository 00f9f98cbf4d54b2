package links

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/quilt-p2p/quilt/protocol"
)

// link is one attempt at a link to a peer, and the link where it succeeds. At most
// one a peer is in Manager.links; it stays there until its Down has returned.
type link struct {
	m       *Manager
	peer    protocol.PeerID
	session session
	// arrived hands over the stream the peer opened; at most one ever.
	arrived chan inbound
	out     *sender
	// ctx ends with the link; done is closed when the link is forgotten.
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	framesIn, bytesIn atomic.Uint64

	// Guarded by m.mu.
	theirs  session // what the peer greeted with, zero before
	dialled bool    // this host asked for the link
	// relayWillDo is set where a connection through a relay is better than none.
	relayWillDo bool
	up          bool
	since       time.Time
	redial      bool // dial again when this one is done

	// Guarded by mu.
	mu      sync.Mutex
	reason  string         // why the link ended
	flush   bool           // it ended in good order
	streams [2]muxedStream // ours and theirs, nil before; reset when the link ends
	conn    network.Conn   // of our stream
}

// muxedStream is what ending a link needs of a stream.
type muxedStream interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	ResetWithError(network.StreamErrorCode) error
}

// Indices of link.streams.
const (
	ours = iota
	theirs
)

// newLink makes a link that is to be started by start. m.mu is held.
func (m *Manager) newLink(peer protocol.PeerID) *link {
	m.serial++
	l := &link{
		m:       m,
		peer:    peer,
		session: session{m.epoch, m.serial},
		arrived: make(chan inbound, 1),
		out:     newSender(),
		done:    make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// start begins the link's life. m.mu is held.
func (l *link) start() {
	l.m.links[l.peer] = l
	l.protect()
	l.m.wg.Go(l.run)
}

// ended reports whether the link is on its way down.
func (l *link) ended() bool { return l.ctx.Err() != nil }

// end ends the link; the first reason counts. With flush, what is in the queue of
// class control still goes out and the peer reads an end in good order; without,
// the streams are reset. It does not wait, but for the transport to take resets.
func (l *link) end(reason string, flush bool) {
	l.mu.Lock()
	if l.ended() {
		l.mu.Unlock()
		return
	}
	l.reason, l.flush = reason, flush
	l.cancel()
	l.out.close(flush)
	if flush && l.streams[ours] != nil {
		_ = l.streams[ours].SetWriteDeadline(time.Now().Add(l.m.cfg.FlushTimeout))
	}
	l.mu.Unlock()
	if !flush {
		l.reset()
	}
}

// hold makes the link responsible for a stream, or resets it where the link has
// ended.
func (l *link) hold(which int, s network.Stream) bool {
	l.mu.Lock()
	ended := l.ended()
	if !ended {
		l.streams[which] = s
		if which == ours {
			l.conn = s.Conn()
		}
	}
	l.mu.Unlock()
	if ended {
		_ = s.ResetWithError(network.StreamShutdown)
	}
	return !ended
}

// refuse resets a stream that came for a link which has ended.
func (l *link) refuse(in inbound) { _ = in.stream.ResetWithError(network.StreamSupplanted) }

// reset resets the link's streams: whoever reads or writes them returns.
func (l *link) reset() {
	l.mu.Lock()
	streams, code := l.streams, errorCode(l.reason)
	l.mu.Unlock()
	for _, s := range streams {
		if s != nil {
			_ = s.ResetWithError(code)
			// A stream of WebTransport whose session went without a word leaves who reads it
			// waiting (webtransport-go v0.13.0) until its deadline.
			_ = s.SetReadDeadline(time.Now())
		}
	}
}

// errorCode says in libp2p's terms why a stream was reset.
func errorCode(reason string) network.StreamErrorCode {
	switch reason {
	case ReasonMalformed:
		return network.StreamProtocolViolation
	case ReasonReplaced:
		return network.StreamSupplanted
	case ReasonFull:
		return network.StreamResourceLimitExceeded
	default:
		return network.StreamShutdown
	}
}

// run is the link's life: it makes all calls of the Handler about the link but
// Hello and Frame.
func (l *link) run() {
	peer, err := l.establish()
	if err == nil && l.rise() {
		l.m.handler.Up(l.describe())
		l.m.reapLater(l.peer)
		l.serve(peer)
		l.m.handler.Down(l.peer, l.endReason())
	} else {
		l.fail()
	}
	l.m.forget(l)
}

// rise marks the link as up, unless it ended just now or there are too many.
func (l *link) rise() bool {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if up, _, _ := l.m.count(); up >= l.m.cfg.MaxLinks {
		l.end(ReasonFull, true)
	}
	if l.ended() {
		return false
	}
	l.up = true
	l.since = time.Now()
	l.m.total.Ups++
	return true
}

// serve runs a link that is up until it has ended and nothing of it is left but its
// entry in Manager.links.
func (l *link) serve(peer inbound) {
	var works sync.WaitGroup
	readEnded := make(chan struct{})
	works.Go(func() { l.read(peer.frames); close(readEnded) })
	works.Go(func() { l.write(l.streams[ours].(network.Stream)) })
	for !l.ended() {
		select {
		case <-l.out.news:
			l.report()
		case <-l.ctx.Done():
		}
	}
	answered := l.reason == ReasonPeerClosed || l.reason == ReasonReplaced
	if l.flush {
		// The writer says what there is to say and closes. That the peer has read it
		// shows in the end of its stream.
		timer := time.NewTimer(l.m.cfg.FlushTimeout)
		select {
		case <-readEnded:
			answered = true
		case <-timer.C:
		}
		timer.Stop()
	}
	l.reset()
	works.Wait()
	l.report()
	l.mu.Lock()
	conn, spent := l.conn, l.reason == ReasonRelay
	l.mu.Unlock()
	switch {
	case spent: // whatever else is spoken on it would be cut off
		_ = conn.Close()
	case !answered || relayed(conn): // the next link has a relay's limit all anew
		l.dropConn()
	}
}

// dropConn closes the connection unless something else is spoken on it. One whose
// other end is long gone looks as good as any until it is used: it must not serve
// the next attempt too.
func (l *link) dropConn() {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn != nil && len(conn.GetStreams()) == 0 {
		_ = conn.Close()
	}
}

// report tells the Handler what became of the queue.
func (l *link) report() {
	losses, turn := l.out.report()
	for _, d := range losses {
		l.m.handler.Dropped(l.peer, d.Class, d.Tag)
	}
	switch turn {
	case 1:
		l.m.handler.Congested(l.peer)
	case -1:
		l.m.handler.Drained(l.peer)
	}
}

// fail ends a link that did not come up.
func (l *link) fail() {
	l.end(ReasonNoGreeting, false)
	l.reset()
	l.dropConn()
	l.m.mu.Lock()
	dialled := l.dialled
	if dialled {
		l.m.total.DialsFailed++
	}
	l.m.mu.Unlock()
	if dialled {
		l.m.handler.DialFailed(l.peer, l.endReason())
	}
}

// endReason is why the link ended.
func (l *link) endReason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// describe is what the Handler is told of the link.
func (l *link) describe() protocol.Link {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return protocol.Link{Peer: l.peer, Outbound: l.dialled, Relayed: relayed(l.conn)}
}
