package donet

import (
	"slices"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// peer is another member with which this one has to do: a neighbour of the active view,
// or one to which it holds a link of its own.
type peer struct {
	id   protocol.PeerID
	key  uint32
	slot int // its bit in sets, below MaxPeers

	member    bool // in the active view
	held      bool // asked for by Dial
	linked    bool
	relied    bool // the host was told that this peer depends on the link
	suspected bool
	congested bool
	rtt       time.Duration
	at        vivaldi.Coordinate // where it says to be; meaningful once heard of
	placed    bool

	mine, theirs bool          // a partner that this peer sought; that sought this one
	meetUntil    protocol.Time // asked to be a partner; 0 for not
	since        protocol.Time // a partner since
	askedOnce    protocol.Time // when it last asked for a full map for once
	needy        protocol.Time // until when it needs to know soon what is new here
	told         protocol.Time // when it last was told that it is no parent or child

	record
	probe  *probe
	opened int // wants that it was the first to name
	owes   int // items it was asked for and has not sent
	toAsk  []*want
}

// speaks reports whether messages to the peer make sense.
func (p *peer) speaks() bool { return p.linked && !p.suspected }

// partner reports whether maps are exchanged with the peer.
func (p *peer) partner() bool { return p.mine || p.theirs }

// roundTrip is the measured round trip, or a stand-in.
func (p *peer) roundTrip() time.Duration {
	if p.rtt == 0 {
		return unknownRTT
	}
	return p.rtt
}

// unknownRTT stands in for a round trip that nobody has measured (our guess).
const unknownRTT = 100 * time.Millisecond

// keyOf is the end of a peer's ID, where IDs differ most: enough to find a peer in a
// path.
func keyOf(p protocol.PeerID) (key uint32) {
	for i := max(0, len(p)-4); i < len(p); i++ {
		key = key<<8 | uint32(p[i])
	}
	return key
}

// peerTable holds the peers, ascending by ID.
type peerTable struct {
	order []*peer
	used  peerSet // their slots
}

func byID(p *peer, id protocol.PeerID) int { return strings.Compare(string(p.id), string(id)) }

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
	p := &peer{id: id, key: keyOf(id), slot: t.used.free()}
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

// wanted reports whether this peer needs the link.
func (m *Machine) wanted(p *peer) bool {
	if p.partner() || p.meetUntil > 0 || p.probe != nil {
		return true
	}
	for _, st := range m.streams.order {
		if st.parent == p || st.former == p || st.joining == p || st.child(p) != nil {
			return true
		}
	}
	return false
}

// sync asks for the links that are needed, gives back those that are not, and forgets
// peers with which there is nothing. It depends on the links along which items are pushed,
// and on all when they have ceased to come.
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
			d := protocol.Dial{Peer: p.id, Reason: "donet"}
			if p.probe != nil {
				d.Addr = p.probe.addr
			}
			out.Add(d)
		case !wanted && p.held:
			p.held = false
			out.Add(protocol.Close{Peer: p.id, Reason: "donet"})
			if !p.member {
				p.linked = false
			}
		}
		if on := p.linked && (m.alarmed || m.depends(p)); on != p.relied {
			p.relied = on
			out.Add(protocol.Rely{Peer: p.id, On: on})
		}
		if !p.held && !p.member {
			m.forget(p)
			i--
		}
	}
}

// forget removes a peer with which there is nothing any more.
func (m *Machine) forget(p *peer) {
	m.wants.forget(p)
	for _, st := range m.streams.order {
		st.forget(p)
	}
	m.serving.forget(p)
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

// greet tells a new neighbour where this peer stands, and of some members.
func (m *Machine) greet(now protocol.Time, p *peer, out *protocol.Outbox) {
	for _, st := range m.streams.trees() {
		m.tellStand(now, st, p, false, out)
	}
	m.sendMembers(now, p, false, out)
	m.lookSoon(now)
}

// linkUp: a link that was asked for is up.
func (m *Machine) linkUp(now protocol.Time, l protocol.Link, out *protocol.Outbox) {
	p := m.peers.find(l.Peer)
	if p == nil {
		return
	}
	p.linked, p.suspected, p.congested = true, false, false
	m.changed = true
	if l.RTT > 0 {
		p.rtt = l.RTT
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
	if p.placed {
		m.place.Update(p.rtt, p.at, m.rng)
	}
	if first && p.probe != nil {
		m.probed(now, p, out)
	}
	for _, st := range m.streams.order {
		if st.parent == p {
			m.refresh(now, st)
		}
	}
}

// linkGone: a link is down, or could not be opened.
func (m *Machine) linkGone(now protocol.Time, id protocol.PeerID, down bool, out *protocol.Outbox) {
	p := m.peers.find(id)
	if p == nil {
		return
	}
	m.changed = true
	p.held, p.linked, p.relied = false, false, false
	if down {
		p.member = false
	}
	if p.probe != nil {
		p.probe = nil
		m.refusals.add(p.id, now.Add(unreachedPause))
	}
	if !down {
		m.members.remove(id)
	}
	m.part(now, p, out)
}

// part ends all that is between this peer and another that cannot be reached.
func (m *Machine) part(now protocol.Time, p *peer, out *protocol.Outbox) {
	m.changed = true
	if p.mine {
		m.meetAt = min(m.meetAt, now.Add(m.jitter(meetSoon)))
	}
	p.mine, p.theirs, p.meetUntil = false, false, 0
	for _, st := range m.streams.order {
		st.removeChild(p)
		st.noFormer(p)
		if st.joining == p {
			st.joining = nil
			st.lookAt = min(st.lookAt, now)
		}
		if st.parent == p {
			m.orphaned(now, st, "lost", out)
		}
	}
	m.wants.hurry(now, p)
}

// suspect routes around a link that has fallen silent.
func (m *Machine) suspect(now protocol.Time, id protocol.PeerID, out *protocol.Outbox) {
	p := m.peers.find(id)
	if p == nil {
		return
	}
	p.suspected = true
	for _, st := range m.streams.order {
		if st.parent == p || st.child(p) != nil {
			out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		}
	}
	m.part(now, p, out)
}

// refusals are peers that are left alone until some time, at most MaxRefusals; the oldest
// goes.
type refusals struct {
	until map[protocol.PeerID]protocol.Time // for lookup only
	order []protocol.PeerID
}

func (r *refusals) has(now protocol.Time, p protocol.PeerID) bool { return r.until[p] > now }

func (r *refusals) add(p protocol.PeerID, until protocol.Time) {
	if r.until == nil {
		r.until = make(map[protocol.PeerID]protocol.Time)
	}
	if _, ok := r.until[p]; !ok {
		if len(r.order) == MaxRefusals {
			delete(r.until, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		r.order = append(r.order, p)
	}
	r.until[p] = until
}
