package links

import (
	"context"
	"encoding/binary"
	"errors"
	"os"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multistream"
)

// errNotUp: the link did not come up; why is in link.reason.
var errNotUp = errors.New("links: link did not come up")

// establish brings a link to where it can go up: our stream is open and greeted, and
// so is the peer's, which it returns. It counts against MaxDials while it works on
// what the peer did not begin.
func (l *link) establish() (inbound, error) {
	timeout := l.m.cfg.GreetingTimeout
	peer, ok := l.greeted()
	if !ok {
		select {
		case l.m.dialSlots <- struct{}{}:
			defer func() { <-l.m.dialSlots }()
			timeout = l.m.cfg.DialTimeout + l.m.punchTimeout()
		case peer = <-l.arrived:
		case <-l.ctx.Done():
			return peer, errNotUp
		}
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()

	conn, peer, err := l.connect(ctx, peer)
	if err != nil {
		if errors.Is(err, errPunch) {
			l.end(ReasonPunch, false)
		}
		l.end(ReasonUnreachable, false)
		return peer, errNotUp
	}
	if peer.stream != nil && !l.hold(theirs, peer.stream) {
		return peer, errNotUp
	}
	if err := l.greet(ctx, conn, peer.greeting.session); err != nil {
		return peer, err
	}
	if peer.stream == nil {
		select {
		case peer = <-l.arrived:
		case <-ctx.Done():
			return peer, errNotUp
		}
		if !l.hold(theirs, peer.stream) {
			return peer, errNotUp
		}
	}
	return peer, nil
}

// greeted returns the stream that the peer opened, if it is there.
func (l *link) greeted() (inbound, bool) {
	select {
	case peer := <-l.arrived:
		return peer, true
	default:
		return inbound{}, false
	}
}

// connect returns the connection to open our stream on: the one by which the peer
// greeted, or else one that it dials, unless the peer's own stream comes first.
func (l *link) connect(ctx context.Context, peer inbound) (network.Conn, inbound, error) {
	if peer.stream != nil {
		return peer.stream.Conn(), peer, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.m.mu.Lock()
	l.m.total.Dials++
	relayWillDo := l.relayWillDo
	l.m.mu.Unlock()
	// When to try again is the core's to decide: libp2p's own back-off, of up to 5
	// minutes an address, would hide a peer that was restarted.
	if s, ok := l.m.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(l.peer)
	}
	type result struct {
		conn network.Conn
		err  error
	}
	dialled := make(chan result, 1)
	go func() {
		conn, err := l.m.reach(ctx, l.peer, relayWillDo)
		dialled <- result{conn, err}
	}()
	select {
	case r := <-dialled:
		return r.conn, inbound{}, r.err
	case peer := <-l.arrived:
		cancel()
		<-dialled
		return peer.stream.Conn(), peer, nil
	}
}

// greet opens our stream on conn and writes the greeting, answering the peer's
// session where it greeted first. It is opened on that very connection: of a peer
// that was restarted there may be another, dead one.
func (l *link) greet(ctx context.Context, conn network.Conn, answers session) error {
	stream, err := conn.NewStream(network.WithAllowLimitedConn(ctx, "a link"))
	if err != nil {
		l.end(ReasonUnreachable, false)
		return err
	}
	if !l.hold(ours, stream) {
		return errNotUp
	}
	l.out.limit(quotaOf(conn))
	if err := stream.SetProtocol(ProtocolID); err != nil {
		l.end(ReasonFull, false)
		return err
	}
	g := greeting{session: l.session, answers: answers, hello: l.m.cfg.Hello()}
	if len(g.hello) > MaxHello {
		panic("links: Config.Hello returned more than MaxHello bytes")
	}
	body := g.appendTo(nil)
	b := binary.AppendUvarint(make([]byte, 0, len(body)+binary.MaxVarintLen32), uint64(len(body)))
	b = append(b, body...)
	// Which protocol is meant goes out in one write with the greeting; whether the
	// peer speaks it shows when the watcher reads its answer.
	negotiated := multistream.NewMSSelect(stream, ProtocolID)
	if deadline, ok := ctx.Deadline(); ok {
		_ = stream.SetWriteDeadline(deadline)
	}
	if _, err := negotiated.Write(b); err != nil {
		l.end(ReasonLost, false)
		return err
	}
	l.m.wg.Go(func() { l.watch(negotiated) })
	return nil
}

// watch waits for our stream to be closed by the peer, who never writes on it.
func (l *link) watch(stream multistream.LazyConn) {
	var b [1]byte
	n, _ := stream.Read(b[:])
	l.m.mu.Lock()
	up := l.up
	l.m.mu.Unlock()
	switch {
	case n > 0:
		l.malformed()
	case up:
		l.end(ReasonLost, false)
	default:
		l.end(ReasonNoGreeting, false)
	}
}

// isTimeout reports whether a deadline passed.
func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
