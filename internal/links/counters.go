package links

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Counters counts since New, or since Up for one Peer. Bytes are those of frames
// and their lengths as handed to the transport, without greetings and what the
// transport adds.
type Counters struct {
	BytesIn, BytesOut   uint64
	FramesIn, FramesOut uint64
	// Dropped counts frames refused for want of room, Expired those too late when
	// their turn came.
	Dropped, Expired [protocol.NumClasses]uint64

	// Payload counts bytes out of frames that carry items: those of the classes Fresh
	// and Repair. RelayedOut and RelayedPayload are BytesOut and Payload of links that a
	// relay passes on.
	Payload, RelayedOut, RelayedPayload uint64

	// The following are not counted for one Peer.

	// Malformed counts frames and greetings that were none.
	Malformed uint64
	// Refused counts inbound streams refused: by Handler.Hello, or for want of room.
	Refused uint64
	// Dials counts dials begun; DialsFailed links that were asked for and did not
	// come up, those whose dial never began included; Ups links that did.
	Dials, DialsFailed, Ups uint64
}

// add adds what links count.
func (c *Counters) add(d Counters) {
	c.BytesIn += d.BytesIn
	c.BytesOut += d.BytesOut
	c.FramesIn += d.FramesIn
	c.FramesOut += d.FramesOut
	c.Payload += d.Payload
	c.RelayedOut += d.RelayedOut
	c.RelayedPayload += d.RelayedPayload
	for i := range c.Dropped {
		c.Dropped[i] += d.Dropped[i]
		c.Expired[i] += d.Expired[i]
	}
}

// Peer describes a link that is up.
type Peer struct {
	Link protocol.Link
	// Addr is the remote address, a multiaddr as text.
	Addr string
	// Since is when the link came up, by the wall clock.
	Since time.Time
	// QueuedFrames and QueuedBytes wait in the queue, all classes together.
	QueuedFrames, QueuedBytes int
	// Counters has what this link counted.
	Counters Counters
}

// Counters returns what happened since New.
func (m *Manager) Counters() Counters {
	m.mu.Lock()
	defer m.mu.Unlock()
	total := m.total
	for _, l := range m.links {
		total.add(l.counters())
	}
	return total
}

// counters returns what the link counted.
func (l *link) counters() Counters {
	c := Counters{BytesIn: l.bytesIn.Load(), FramesIn: l.framesIn.Load()}
	l.out.count(&c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && relayed(l.conn) {
		c.RelayedOut, c.RelayedPayload = c.BytesOut, c.Payload
	}
	return c
}

// peerInfo describes a link that is up.
func (l *link) peerInfo() Peer {
	p := Peer{Link: l.describe(), Addr: l.conn.RemoteMultiaddr().String(), Since: l.since, Counters: l.counters()}
	p.QueuedFrames, p.QueuedBytes = l.out.queued()
	return p
}
