package node

import (
	"time"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of the loop (our guesses).
const (
	// MaxInputs bounds the inputs that wait for the core; whoever brings another
	// waits, and so in the end does the peer that sends it.
	MaxInputs = 1024
	// maxSleep is the longest sleep; a deadline further off is looked at again.
	maxSleep = time.Minute
	// maxMalformed is how many malformed frames or greetings of one peer end in its
	// being refused for banMalformed: what core does about invalid items.
	maxMalformed = 3
	banMalformed = 10 * time.Minute
)

// now is the driver's monotonic clock.
func (n *Node) now() protocol.Time { return protocol.Time(time.Since(n.started)) }

// tell brings the core an input; it waits while too many wait, and gives up when
// the node closes.
func (n *Node) tell(in protocol.Input) {
	select {
	case n.inputs <- in:
	case <-n.closing:
	}
}

// look runs f in the core's goroutine, after everything told so far, and waits for
// it: to read, not to steer. It reports false when the node is closed.
func (n *Node) look(f func(now protocol.Time, h *core.Host)) bool {
	done := make(chan struct{})
	select {
	case n.inputs <- lookIn{look: func(now protocol.Time, h *core.Host) { f(now, h); close(done) }}:
	case <-n.closing:
		return false
	}
	select {
	case <-done:
		return true
	case <-n.looped: // perhaps without having come to it
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// lookIn is a look that waits for its turn.
type lookIn struct {
	protocol.HostInput
	look func(protocol.Time, *core.Host)
}

// loop is the goroutine that owns the core.
func (n *Node) loop() {
	defer close(n.looped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		n.arm(timer)
		select {
		case in := <-n.inputs:
			n.handle(in)
			n.handleWaiting()
		case <-timer.C:
			if now := n.now(); n.core.Deadline() <= now {
				n.core.Advance(now, &n.out)
				n.perform()
			}
		case <-n.closing:
			n.core.Handle(n.now(), protocol.Stop{}, &n.out)
			n.perform()
			return
		}
	}
}

// handle gives the core one input. Links coming and going also start and stop the
// streaming to the peer.
func (n *Node) handle(in protocol.Input) {
	switch e := in.(type) {
	case lookIn:
		e.look(n.now(), n.core)
		return
	case frameIn:
		n.budget.give(e.size)
		in = e.received
	case linkUp:
		n.startServer(e.link.Peer)
		in = protocol.LinkUp{Link: e.link}
	case linkDown:
		n.stopServer(e.peer)
		if e.reason == links.ReasonMalformed && n.links.Charges(e.peer) >= maxMalformed {
			n.gate.ban(e.peer, banMalformed)
			n.log.Warn("peer refused for a while", "peer", e.peer, "reason", "malformed frames", "for", banMalformed)
		}
		in = protocol.LinkDown{Peer: e.peer, Reason: e.reason}
	}
	n.core.Handle(n.now(), in, &n.out)
	n.perform()
}

// handleWaiting takes inputs that wait already without setting the alarm between
// them, but not for ever: deadlines must not starve.
func (n *Node) handleWaiting() {
	for range 64 {
		select {
		case in := <-n.inputs:
			n.handle(in)
		default:
			return
		}
	}
}

// arm sets the alarm for the core's deadline.
func (n *Node) arm(timer *time.Timer) {
	sleep := maxSleep
	if d := n.core.Deadline(); d != protocol.Never {
		sleep = min(maxSleep, max(0, d.Sub(n.now())))
	}
	timer.Reset(sleep)
}
