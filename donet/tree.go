package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// plant notes that a stream has a spanning part.
func (m *Machine) plant(now protocol.Time, st *stream) {
	if st.tree {
		return
	}
	st.tree, st.orphan, st.planted = true, now, now
	st.lookEvery = lookFirst
	st.lookAt = now.Add(m.jitter(lookFirst))
}

// takeRoot makes this peer, the author, the origin of the spanning part.
func (m *Machine) takeRoot(now protocol.Time, st *stream) {
	m.plant(now, st)
	st.root, st.lag, st.path, st.parent = true, 0, nil, nil
	st.lookAt = protocol.Never
	st.beatAt = now
	m.tellAll(now, st) // before the first items come, if that can be
}

// mayRoot makes a publisher the origin of a spanning part where that serves more than
// one item: there is none yet, or this peer publishes again and again.
func (m *Machine) mayRoot(now protocol.Time, st *stream) {
	switch trees := m.streams.trees(); {
	case st.root:
	case st.tree, len(trees) == 0:
		m.takeRoot(now, st)
	case len(trees) < MaxTrees && st.flow.items >= 3:
		m.takeRoot(now, st)
	}
}

// stand is what a peer is told of where this one stands.
func (m *Machine) stand(st *stream, to *peer) Stand {
	s := Stand{Tag: st.tag, Attached: st.attached(), Beat: st.beat, Lag: min(st.lag, maxLag),
		Spare: m.spare(st), At: m.place.Coordinate(), Reach: m.nics.reach(), Path: st.path}
	i := len(st.children)
	for k, c := range st.children {
		if c.p == to {
			i, s.Child = k, true
		}
	}
	s.Base = min(m.base(st, i), maxLag)
	if s.Child {
		s.Cost = min(m.cost(st, i), maxLag)
	}
	return s
}

// tellStand tells a peer where this one stands.
func (m *Machine) tellStand(now protocol.Time, st *stream, p *peer, joined bool, out *protocol.Outbox) {
	r := st.rel(p)
	r.told, r.standAt = now, protocol.Never
	s := m.stand(st, p)
	s.Joined = joined
	out.Send(p.id, s, protocol.Control, now.Add(2*time.Second))
	if p.partner() && !s.Child {
		r.standAt = now.Add(m.jitter(standEvery))
	}
}

// standSoon has a peer told soon.
func (m *Machine) standSoon(now protocol.Time, st *stream, p *peer) {
	r := st.rel(p)
	r.standAt = min(r.standAt, max(now, r.told.Add(standSoon)))
}

// tellChildren has the children told, because something above them has changed.
func (m *Machine) tellChildren(now protocol.Time, st *stream) {
	for _, c := range st.children {
		m.standSoon(now, st, c.p)
	}
}

// tellAll has everybody told.
func (m *Machine) tellAll(now protocol.Time, st *stream) {
	for _, p := range m.peers.order {
		if p.speaks() {
			m.standSoon(now, st, p)
		}
	}
}

// refresh reckons the lag anew from what the parent said last.
func (m *Machine) refresh(now protocol.Time, st *stream) {
	r := st.known(st.parent)
	if r == nil || r.heard == 0 {
		return
	}
	old, path := st.lag, st.path
	st.lag = min(r.stand.Base+st.parent.rtt/2+hopCost, maxLag)
	st.settle()
	st.path = append(slices.Clip(slices.Clone(r.stand.Path)), st.parent.key)
	if d := st.lag - old; max(d, -d) > max(old/16, time.Millisecond) || !slices.Equal(path, st.path) {
		m.tellChildren(now, st)
	}
}

// takeStand takes note of where a peer stands.
func (m *Machine) takeStand(now protocol.Time, p *peer, s Stand, out *protocol.Outbox) {
	m.placedAt(p, s.At)
	st := m.stream(now, s.Tag)
	if st == nil {
		return
	}
	if !st.tree {
		if len(m.streams.trees()) >= MaxTrees || !s.Attached {
			return
		}
		m.plant(now, st)
	}
	r := st.rel(p)
	r.stand, r.heard = s, now
	m.members.put(member{Member: Member{Peer: p.id, At: s.At, Lag: s.Lag, Base: s.Base, Spare: min(s.Spare, maxSpare), Reach: s.Reach, Addr: m.members.addr(p.id)}, at: now, tag: st.tag, rtt: p.rtt})
	switch {
	case st.root:
		if s.Child {
			m.notMine(now, st, p, out)
		}
	case st.parent == p:
		m.fromParent(now, st, r, out)
	case st.joining == p && s.Joined && s.Child:
		m.adopt(now, st, p, out)
	case s.Child && st.former != p:
		m.notMine(now, st, p, out)
	case st.parent == nil:
		st.lookAt = min(st.lookAt, now.Add(m.jitter(standSoon)))
	}
}

// notMine tells a peer, now and then, that it is not the parent for which it takes
// itself.
func (m *Machine) notMine(now protocol.Time, st *stream, p *peer, out *protocol.Outbox) {
	if now < p.told.Add(time.Second) {
		return
	}
	p.told = now
	out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
}

// fromParent follows the parent.
func (m *Machine) fromParent(now protocol.Time, st *stream, r *relation, out *protocol.Outbox) {
	s := &r.stand
	switch {
	case !s.Child:
		m.orphaned(now, st, "dropped", out)
		return
	case slices.Contains(s.Path, m.key) || len(s.Path) >= MaxPath-1:
		out.Send(st.parent.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		m.orphaned(now, st, "loop", out)
		return
	}
	later := s.Beat > st.beat
	if later {
		st.beat, st.heard = s.Beat, now
	}
	m.refresh(now, st)
	if later {
		m.tellChildren(now, st)
	}
}

// adopt takes a peer for the parent, which has accepted.
func (m *Machine) adopt(now protocol.Time, st *stream, p *peer, out *protocol.Outbox) {
	r := st.rel(p)
	st.joining, st.joinUntil = nil, protocol.Never
	if slices.Contains(r.stand.Path, m.key) || st.child(p) != nil || !r.stand.Attached || !st.mayFollow(&r.stand) {
		out.Send(p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		return
	}
	m.changed = true
	st.noFormer(p)
	old, was := st.parent, st.lag
	st.parent, st.joined = p, now
	st.misses, st.excused, st.excuses = misses{brought: now}, now.Add(2*p.roundTrip()+adoptGrace), 0
	st.heard = now
	st.beat = r.stand.Beat
	st.pushed = 0
	st.lag = 0
	m.refresh(now, st)
	st.reportAt = now
	m.tellChildren(now, st)
	if old == nil {
		m.tellAll(now, st)
	} else {
		m.handOver(now, st, old, was, out)
		st.moves++
	}
	out.Note("donet.parent", p.id, protocol.ItemID{}, int64(st.lag/time.Microsecond))
}

// adoptGrace is for how long beside two round trips a new parent is not blamed.
const adoptGrace = 150 * time.Millisecond

// orphaned looks for a new parent; the subtree comes along, and meanwhile what is
// announced is asked for.
func (m *Machine) orphaned(now protocol.Time, st *stream, why string, out *protocol.Outbox) {
	if st.parent != nil {
		out.Note("donet.orphan: "+why, st.parent.id, protocol.ItemID{}, int64(len(st.children)))
		m.refusals.add(st.parent.id, now.Add(5*time.Second))
	}
	if now.Sub(st.orphan) > urgentFor {
		st.before = st.lag
	}
	st.parent, st.orphan, m.changed = nil, now, true
	st.lookEvery = lookFirst
	m.wants.hurryStream(now, st)
	m.alarm(now) // and not need: who asks all for maps at once asks the author for items
	m.tellChildren(now, st)
	st.lookAt = now
	m.look(now, st, out)
}

// takeLeave: a child needs no more, or the parent can no more.
func (m *Machine) takeLeave(now protocol.Time, p *peer, tag Tag, out *protocol.Outbox) {
	st := m.streams.find(tag)
	if st == nil {
		return
	}
	m.changed = true
	if st.child(p) != nil {
		st.removeChild(p)
		m.tellChildren(now, st)
		m.reportSoon(now, st)
	}
	if st.parent == p {
		m.orphaned(now, st, "left", out)
	}
	st.noFormer(p)
}

// takeReport takes note of a child's subtree; who has most behind it is sent to first.
func (m *Machine) takeReport(now protocol.Time, p *peer, msg Report) {
	st := m.streams.find(msg.Tag)
	if st == nil {
		return
	}
	c := st.child(p)
	if c == nil {
		return
	}
	if c.weight != msg.Weight {
		m.reportSoon(now, st)
	}
	c.weight, c.value, c.other = max(msg.Weight, 1), max(msg.Value, 1), msg.Other
	st.sortChildren()
}

// sortChildren orders children by the subtrees behind them, but leaves those in their order
// that differ by less than a quarter: an order that changes with every leaf would change
// everybody's lag.
func (st *stream) sortChildren() {
	for i := range st.children {
		for k := i; k > 0 && 4*st.children[k].weight > 5*st.children[k-1].weight; k-- {
			st.children[k], st.children[k-1] = st.children[k-1], st.children[k]
		}
	}
}

// reportSoon has the parent told of the subtree soon.
func (m *Machine) reportSoon(now protocol.Time, st *stream) {
	st.reportAt = min(st.reportAt, max(now, st.reported.Add(reportSoon)))
}

// report tells the parent of the subtree.
func (m *Machine) report(now protocol.Time, st *stream, out *protocol.Outbox) {
	st.weight = 1
	for _, c := range st.children {
		st.weight += c.weight
	}
	st.weight = min(st.weight, MaxWeight)
	st.reported, st.reportAt = now, protocol.Never
	if st.parent == nil {
		return
	}
	st.reportAt = now.Add(m.jitter(reportEvery))
	out.Send(st.parent.id, Report{st.tag, st.weight, min(m.value(st), MaxWeight), st.alt}, protocol.Control, now.Add(2*time.Second))
}

// advanceTrees does what is due in all streams.
func (m *Machine) advanceTrees(now protocol.Time, out *protocol.Outbox) {
	for _, st := range m.streams.order {
		if st.beatAt <= now {
			m.beat(now, st)
		}
		if st.tree && !st.root && st.parent != nil && now.Sub(st.heard) > staleAfter {
			out.Send(st.parent.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
			m.orphaned(now, st, "stale", out)
		}
		if st.joinUntil <= now {
			m.joinFailed(now, st)
		}
		if st.formerUntil <= now {
			m.dropFormer(now, st, out)
		}
		if st.reportAt <= now {
			m.report(now, st, out)
		}
		if st.lookAt <= now {
			m.look(now, st, out)
		}
		m.shed(now, st, out)
		for _, p := range m.peers.order {
			if r := st.known(p); r != nil && r.standAt <= now {
				r.standAt = protocol.Never
				if p.speaks() && st.tree {
					m.tellStand(now, st, p, false, out)
				}
			}
		}
	}
}

// beat begins a new one, at the author's host.
func (m *Machine) beat(now protocol.Time, st *stream) {
	st.beatAt = now.Add(beatEvery)
	if st.tag != 0 && now.Sub(st.used) > idleAfter {
		st.root, st.tree, st.beatAt = false, false, protocol.Never
		return
	}
	st.beat++
	st.heard = now
	m.tellChildren(now, st)
}

// shed gives up children with the least behind them, where the uplink carries less than
// was thought, or the stream takes more.
func (m *Machine) shed(now protocol.Time, st *stream, out *protocol.Outbox) {
	for n := len(st.children); n > 0 && m.load() > shedAt*m.up() && (n > 1 || !st.root); n-- {
		c := st.children[n-1]
		st.removeChild(c.p)
		m.changed = true
		out.Send(c.p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
		out.Note("donet.shed", c.p.id, protocol.ItemID{}, int64(n))
	}
}

// shedAt is the share of the uplink beyond which children are given up: what is pushed
// comes in bursts, and what is told and asked for needs room beside it (our guess).
const shedAt = 0.85

// dropChildren has the children look for others.
func (m *Machine) dropChildren(now protocol.Time, st *stream, out *protocol.Outbox) {
	for _, c := range st.children {
		out.Send(c.p.id, Leave{st.tag}, protocol.Control, now.Add(time.Second))
	}
	st.children, m.changed = nil, true
}
