package omni

import (
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// peer is another member with which this one has to do: a neighbour of the active
// view, or one to which it holds a link of its own.
type peer struct {
	id   protocol.PeerID
	key  uint64
	slot int // its bit in sets of holders, below MaxPeers

	member    bool // in the active view
	held      bool // asked for by Dial
	linked    bool
	suspected bool
	congested bool
	rtt       time.Duration

	// state is what it said last, at heard; 0 for never.
	state State
	heard protocol.Time
	spoke protocol.Time // when anything came from it last
	told  protocol.Time // when it was last told this one's state
	// heardOf and saidTo are the positions that it, and this peer, last told the other
	// whole; nil for none, as with most.
	heardOf, saidTo *whole

	child       bool
	weight      int           // of a child's subtree
	value       int           // the same and what it could do for others
	credit      int           // what a child counts for at first whatever its weight, until creditUntil
	other       time.Duration // what a child says it could have elsewhere
	beatAt      protocol.Time // when a child, or watcher, is told next; Never for no need
	creditUntil protocol.Time
	yields      protocol.Time // until when a child has been asked to look elsewhere

	source bool // it announces to this peer
	prompt bool // at once: it is asked to, being a source
	// promptAt is when it was asked to.
	promptAt protocol.Time
	watcher  bool          // this peer announces to it
	later    bool          // some at a time
	guest    protocol.Time // until when, for a while
	owed     bool          // it cried, at cried, and has not been sent anything yet
	cried    protocol.Time
	gift     Short // the item that it was sent unasked last, at gave
	gave     protocol.Time
	helps    protocol.Time // until when it is asked to announce for a while
	probe    *probe        // it is being looked at
	tried    protocol.Time // when it was last asked for a place
	belated  protocol.Time // until when a place from it is welcome that was asked for before; 0 for not

	answerAt protocol.Time // when samples from it are answered next
	callAt   protocol.Time // when a call of it is passed on next

	queue   []Announcement // to be announced; at most MaxIDs
	flushAt protocol.Time  // Never while queue is empty
	lastOut protocol.Time  // when something was announced last
	toPull  []Short        // scratch
}

// speaks reports whether messages to the peer make sense.
func (p *peer) speaks() bool { return p.linked && !p.suspected }

// peerTable holds the peers, ascending by ID.
type peerTable struct {
	order []*peer
	used  peerSet // their slots
}

func (t *peerTable) find(id protocol.PeerID) *peer {
	i, ok := slices.BinarySearchFunc(t.order, id, byID)
	if !ok {
		return nil
	}
	return t.order[i]
}

// add returns the peer with an ID, a new one where there is none; nil where MaxPeers
// are there.
func (t *peerTable) add(id protocol.PeerID) *peer {
	i, ok := slices.BinarySearchFunc(t.order, id, byID)
	if ok {
		return t.order[i]
	}
	if len(t.order) == MaxPeers {
		return nil
	}
	p := &peer{id: id, key: protocol.KeyOf(id), slot: t.used.free(), beatAt: protocol.Never, flushAt: protocol.Never}
	t.used.add(p)
	t.order = slices.Insert(t.order, i, p)
	return p
}

func (t *peerTable) remove(p *peer) {
	if i, ok := slices.BinarySearchFunc(t.order, p.id, byID); ok {
		t.order = slices.Delete(t.order, i, i+1)
		t.used.remove(p)
	}
}

func byID(p *peer, id protocol.PeerID) int { return strings.Compare(string(p.id), string(id)) }

// wanted reports whether this peer needs the link.
func (m *Machine) wanted(p *peer) bool {
	return m.parent == p || m.joining.to == p || m.swap.child != nil && m.swap.next == p || p.child || p.source || p.watcher || p.probe != nil || p.helps > 0 || p.belated > 0
}

// sync asks for the links that are needed, gives back those that are not, and forgets
// peers with which there is nothing.
func (m *Machine) sync(out *protocol.Outbox) {
	if !m.changed {
		return
	}
	m.changed = false
	for i := 0; i < len(m.peers.order); i++ {
		p := m.peers.order[i]
		switch wanted := m.wanted(p); {
		case wanted && !p.held:
			p.held = true
			d := protocol.Dial{Peer: p.id, Reason: "omni"}
			if p.probe != nil {
				d.Addr = p.probe.addr
			}
			out.Add(d)
		case !wanted && p.held:
			p.held = false
			out.Add(protocol.Close{Peer: p.id, Reason: "omni"})
			if !p.member {
				p.linked = false
			}
		}
		if !p.held && !p.member && p.guest == 0 {
			m.forget(p)
			i--
		}
	}
}

// forget removes a peer with which there is nothing any more.
func (m *Machine) forget(p *peer) {
	m.wants.forget(p)
	m.recent.forget(p)
	m.peers.remove(p)
}

// membersChanged follows the active view.
func (m *Machine) membersChanged(now protocol.Time, in protocol.MembersChanged, out *protocol.Outbox) {
	for _, d := range in.Deltas {
		m.changed = true
		if d.Gone {
			if p := m.peers.find(d.Peer); p != nil {
				p.member = false
			}
			continue
		}
		p := m.peers.add(d.Peer)
		if p == nil {
			continue
		}
		p.member, p.linked = true, true
		if d.RTT > 0 {
			p.rtt = d.RTT
		}
		m.greet(now, p, out)
	}
}

// greet tells a new neighbour where this peer stands, and of some others.
func (m *Machine) greet(now protocol.Time, p *peer, out *protocol.Outbox) {
	out.Send(p.id, Offer{m.state(p)}, protocol.Control, now.Add(time.Second))
	m.question(now, p, out)
	m.look(now)
}

// linkUp: a link that was asked for is up.
func (m *Machine) linkUp(now protocol.Time, l protocol.Link, out *protocol.Outbox) {
	p := m.peers.find(l.Peer)
	if p == nil {
		return
	}
	p.linked, p.suspected, p.congested = true, false, false
	if l.RTT > 0 {
		p.rtt = l.RTT
	}
	if p.helps > 0 {
		out.Send(p.id, m.cry(), protocol.Control, now.Add(time.Second))
	}
	if p.probe != nil {
		m.probed(now, p, out)
	}
}

// linkRTT takes a new estimate of a round trip.
func (m *Machine) linkRTT(now protocol.Time, in protocol.LinkRTT, out *protocol.Outbox) {
	p := m.peers.find(in.Peer)
	if p == nil {
		return
	}
	first := p.rtt == 0
	p.rtt = in.RTT
	if p.heard > 0 {
		m.place.Update(p.rtt, p.state.At, m.rng)
	}
	if first && p.probe != nil {
		m.probed(now, p, out)
	}
	if p == m.parent {
		m.refresh(now, out)
	}
}

// linkGone: a link is down, or could not be opened.
func (m *Machine) linkGone(now protocol.Time, id protocol.PeerID, down bool, out *protocol.Outbox) {
	p := m.peers.find(id)
	if p == nil {
		return
	}
	m.changed = true
	p.held, p.linked, p.guest, p.helps, p.belated = false, false, 0, 0, 0
	if down {
		p.member = false
	}
	if p.probe != nil {
		if m.refused(now, p.id); !down && m.attached() {
			m.refusals.add(p.id, now.Add(unreachedPause))
		}
		p.probe = nil
	}
	m.part(now, p, out)
}

// part ends all that is between this peer and another that cannot be reached.
func (m *Machine) part(now protocol.Time, p *peer, out *protocol.Outbox) {
	m.changed = true
	if p.child {
		m.dropChild(now, p, out)
	}
	if m.joining.to == p {
		m.joinFailed(now, out)
	}
	p.watcher, p.source, p.guest, p.heardOf, p.saidTo = false, false, 0, nil, nil
	p.queue, p.flushAt = nil, protocol.Never
	if m.parent == p {
		m.orphaned(now, "lost", out)
	}
	m.wants.hurry(now, p)
}

// suspect routes around a link that has fallen silent.
func (m *Machine) suspect(now protocol.Time, id protocol.PeerID, out *protocol.Outbox) {
	if p := m.peers.find(id); p != nil {
		p.suspected = true
		if p.child || p == m.parent {
			out.Send(p.id, Leave{Lost}, protocol.Control, now.Add(time.Second))
		}
		m.part(now, p, out)
	}
}
