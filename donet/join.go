package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// join asks a peer with a link to push the stream.
func (m *Machine) join(now protocol.Time, st *stream, p *peer, out *protocol.Outbox) {
	st.joining = p
	lag := st.price()
	if st.yielding > now {
		lag = st.yieldLimit
	}
	st.joinUntil = now.Add(joinWait + p.roundTrip())
	if st.parent == nil || st.urgent(now) {
		st.joinUntil = now.Add(orphanWait + p.roundTrip()*5/4)
	}
	m.changed = true
	out.Send(p.id, Join{Tag: st.tag, Orphan: st.parent == nil, Lag: min(lag, maxLag), RTT: min(p.rtt, maxLag), Weight: st.weight,
		Value: min(m.value(st), MaxWeight), Turn: min(time.Duration(len(st.children)+1)*m.serial(st), maxLag),
		Spare: m.spare(st), At: m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
}

// joinFailed gives up waiting.
func (m *Machine) joinFailed(now protocol.Time, st *stream) {
	if st.joining != nil {
		m.refused(now, st, st.joining.id)
		st.joining = nil
		m.changed = true
	}
	st.joinUntil = protocol.Never
	if st.parent == nil {
		st.lookAt = min(st.lookAt, now)
	}
}

// refused leaves a peer alone for a while: a shorter one without a parent.
func (m *Machine) refused(now protocol.Time, st *stream, p protocol.PeerID) {
	d := 4 * time.Second
	if !st.attached() {
		d = time.Second
	}
	m.refusals.add(p, now.Add(m.jitter(d)))
}

// takeRefuse looks elsewhere.
func (m *Machine) takeRefuse(now protocol.Time, p *peer, s Stand, out *protocol.Outbox) {
	m.takeStand(now, p, s, out)
	st := m.streams.find(s.Tag)
	if st == nil || st.joining != p {
		return
	}
	st.joining, st.joinUntil = nil, protocol.Never
	m.changed = true
	m.refused(now, st, p.id)
	if st.parent == nil {
		m.look(now, st, out)
	}
}

// takeJoin takes a peer in as a child, or refuses.
func (m *Machine) takeJoin(now protocol.Time, p *peer, msg Join, out *protocol.Outbox) {
	if p.rtt == 0 {
		p.rtt = msg.RTT // until it is measured here
	}
	m.placedAt(p, msg.At)
	st := m.stream(now, msg.Tag)
	if st == nil {
		return
	}
	if st.child(p) != nil {
		m.tellStand(now, st, p, true, out) // the answer was lost
		return
	}
	switch {
	case !m.running, !st.attached(), st.parent == p, slices.Contains(st.path, p.key), m.grudges.has(now, p.id),
		len(st.path) >= MaxPath-2:
	case !msg.Orphan && p.rtt > 0 && m.base(st, len(st.children))+p.rtt/2+hopCost >= msg.Lag:
		out.Note("donet.no-gain", p.id, protocol.ItemID{}, int64(m.base(st, len(st.children))+p.rtt/2+hopCost-msg.Lag))
	case m.spare(st) > 0 || m.displace(now, st, p, msg, out):
		st.children = append(st.children, &child{p: p, weight: max(msg.Weight, 1), value: max(msg.Value, 1), other: maxLag})
		st.sortChildren()
		m.changed = true
		m.tellStand(now, st, p, true, out)
		m.catchUp(now, st, p)
		m.reportSoon(now, st)
		return
	}
	out.Send(p.id, Refuse{m.stand(st, p)}, protocol.Control, now.Add(time.Second))
	if msg.Orphan {
		m.sendMembers(now, p, true, out)
	}
}

const (
	// yieldFor is how long a child is given to find another place; maxOver how many more
	// than the bound there are meanwhile.
	yieldFor = 3 * time.Second
	maxOver  = 2
)

// displace reports whether a peer that asks for a place is worth that a child has to look
// for another, which it is told. Each is counted with all that depend on it.
func (m *Machine) displace(now protocol.Time, st *stream, p *peer, msg Join, out *protocol.Outbox) bool {
	if p.rtt == 0 || len(st.children) >= m.bound(st)+maxOver || len(st.children) >= MaxChildren {
		return false
	}
	lag := m.base(st, len(st.children)-1) + p.rtt/2 + hopCost
	gain := msg.Lag - lag
	if msg.Orphan {
		gain = orphanGain
	}
	if gain <= m.margin(st) {
		return false
	}
	worth := gain * time.Duration(min(max(msg.Value, 1), MaxWeight))
	var best *child
	least := worth * 15 / 16
	for i, c := range st.children {
		if c.yields > now {
			return false // one at a time
		}
		at := m.base(st, i) + c.p.rtt/2 + hopCost
		to := c.other
		if msg.Spare > 0 {
			to = min(to, lag+msg.Turn+vivaldi.Distance(msg.At, c.p.at)/2+hopCost)
		}
		if loss := max(to-at, 0) * time.Duration(c.value); loss < least {
			best, least = c, loss
		}
	}
	if best == nil {
		out.Note("donet.no-place", p.id, protocol.ItemID{}, int64(least))
		return false
	}
	best.yields = now.Add(yieldFor)
	y := Yield{Tag: st.tag, Limit: min(st.lag+worth/time.Duration(best.value)+best.p.rtt/2, maxLag)}
	if msg.Spare > 0 {
		y.To, y.Base = p.id, min(lag+msg.Turn, maxLag)
	}
	out.Send(best.p.id, y, protocol.Control, now.Add(time.Second))
	out.Note("donet.displace", best.p.id, protocol.ItemID{}, int64(least/time.Microsecond))
	return true
}

// orphanGain is what a place is worth to who has none (our guess).
const orphanGain = 100 * time.Millisecond

// takeYield looks for another place, because this one is asked back.
func (m *Machine) takeYield(now protocol.Time, p *peer, msg Yield, out *protocol.Outbox) {
	st := m.streams.find(msg.Tag)
	if st == nil || st.parent != p {
		return
	}
	st.yielding, st.yieldLimit = now.Add(yieldFor), msg.Limit
	st.lookAt = now
	if msg.To == "" || msg.To == m.self || st.joining != nil {
		return
	}
	to := m.peers.add(msg.To)
	if to == nil || to.probe != nil {
		return
	}
	to.probe = &probe{why: asParent, st: st.tag, addr: m.members.addr(msg.To), until: now.Add(yieldFor), base: msg.Base}
	m.changed = true
	if to.speaks() {
		m.probed(now, to, out)
	}
}
