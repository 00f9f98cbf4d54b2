package donet

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// While all that is new is pushed, nobody needs to know what partners have, nor at once
// that one of them is gone: maps and pings are rare then. Who lacks something that will not
// be pushed to it says so by a Meet with MeetOnce, and is told of all eight times a second
// for a while; and has its host watch all links.

// needs takes note that a peer needs to know soon what is new here.
func (m *Machine) needs(now protocol.Time, p *peer) {
	p.needy = now.Add(needFor)
	for _, st := range m.streams.order {
		if r := st.known(p); r != nil && r.flushAt != protocol.Never {
			r.flushAt = min(r.flushAt, max(now, r.flushed.Add(mapEvery)))
		}
	}
}

// alarm has all links watched closely for a while: who of the others is still there?
func (m *Machine) alarm(now protocol.Time) {
	m.alarmed, m.calmAt, m.changed = true, now.Add(needFor), true
}

// need tells partners that this peer needs to know soon what they have: something that it
// lacks will not be pushed to it.
func (m *Machine) need(now protocol.Time, out *protocol.Outbox) {
	if now < m.needAt || m.cfg.Paper {
		return
	}
	m.needAt = now.Add(needPause)
	m.alarm(now)
	for _, p := range m.peers.order {
		if p.partner() && p.speaks() {
			out.Send(p.id, Meet{MeetOnce, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
		}
	}
}
