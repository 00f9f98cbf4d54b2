package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// A peer behind a NAT that would be a good parent is reached through its door, a public
// peer that has a link to it. Where both can punch, the door is the rendezvous. Who can be
// dialled by anybody has the door tell the other to do so: a Call.

// callPause is the least time between two calls that are passed on for one peer (our
// guess).
const callPause = 100 * time.Millisecond

// call asks a door to have somebody dial this peer.
func (m *Machine) call(now protocol.Time, door *peer, to protocol.PeerID, out *protocol.Outbox) {
	out.Send(door.id, Call{To: to, Who: m.own()}, protocol.Control, now.Add(2*time.Second))
}

// takeCall passes a call on to who is meant, once, or dials the caller if that is this
// peer and would be the better parent of it.
func (m *Machine) takeCall(now protocol.Time, p *peer, msg Call, out *protocol.Outbox) {
	if msg.To != m.self {
		to := m.peers.find(msg.To)
		if to != nil && to.speaks() && msg.Who.Peer == p.id && now >= p.callAt {
			p.callAt = now.Add(callPause)
			out.Send(to.id, msg, protocol.Control, now.Add(2*time.Second))
		}
		return
	}
	s := keep(&msg.Who, now, m.rootKey())
	m.samples.put(s, m.worse)
	if q := m.peers.find(s.Peer); q != nil && q.linked {
		out.Send(q.id, Offer{m.state(q)}, protocol.Control, now.Add(time.Second))
		return
	}
	if m.whole() && m.bound() > 0 && m.probing() < 2*maxProbes {
		m.dial(now, &s, asChild, out)
	}
}
