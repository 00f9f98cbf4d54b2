package omni

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func term(epoch uint64) uint64 { return epoch >> 32 }

// rootKey is the key of the root that this peer knows.
func (m *Machine) rootKey() uint64 { return protocol.KeyOf(m.root) }

// whole reports whether this peer is connected with the root as far as it knows.
func (m *Machine) whole() bool { return m.isRoot() || m.parent != nil && !m.rooted.cut }

// state is where this peer stands, as a peer is told. Whoever is told may take this
// one for a parent: see bar.
func (m *Machine) state(to *peer) State {
	s := State{Reach: m.nics.reach(), Root: m.root, Epoch: m.epoch, At: m.place.Coordinate()}
	if !m.whole() {
		return s
	}
	serial := m.serial()
	s.Attached, s.Publishes = true, m.rooted.publishes
	s.Latency = m.lat
	s.Offer = micros(m.lat + time.Duration(len(m.children)+1)*serial)
	s.Prime = min(m.prime(serial), s.Offer)
	s.Spare = min(m.spare(false), MaxChildren)
	if s.Spare == 0 {
		s.Price = m.price()
	}
	s.Path = slices.Clone(m.path)
	if to != nil && to.child {
		turn := slices.Index(m.children, to) + 1
		s.Wait = micros(time.Duration(turn) * serial)
		after := 0
		for _, c := range m.children[turn:] {
			after += c.weight
		}
		s.Relief = micros(time.Duration(after) * serial / time.Duration(max(to.weight, 1)))
	}
	m.bar.told(m.epoch, m.lat)
	return s
}

// hear takes note of where a peer says that it stands.
func (m *Machine) hear(now protocol.Time, p *peer, s State) {
	p.state, p.heard = s, now
	if old := m.samples.get(p.id); s.Attached && old != nil {
		known := keep(&Sample{Peer: p.id, At: s.At, Latency: s.Latency, Offer: s.Offer, Prime: s.Prime,
			Spare: s.Spare, Price: s.Price, Reach: s.Reach, Weight: max(p.weight, 1)}, now, protocol.KeyOf(s.Root))
		known.weight, known.door, known.addr = max(known.weight, old.weight), old.door, old.addr
		m.samples.put(known, m.worse)
	}
	if p.rtt > 0 {
		m.place.Update(p.rtt, s.At, m.rng)
	}
}

// takeBeat takes a whole beat.
func (m *Machine) takeBeat(now protocol.Time, p *peer, s State, out *protocol.Outbox) {
	p.heardOf = &whole{s, now}
	m.beaten(now, p, s, out)
}

// beaten follows the parent, or takes note of what a source says.
func (m *Machine) beaten(now protocol.Time, p *peer, s State, out *protocol.Outbox) {
	m.hear(now, p, s)
	switch {
	case p == m.parent:
		m.follow(now, out)
	case m.rival(now, p, s, out):
	case !p.source && m.joining.to != p:
		out.Send(p.id, Leave{Stranger}, protocol.Control, now.Add(time.Second))
	}
}

// takeOffer takes note of where a peer stands, and looks whether that is better.
func (m *Machine) takeOffer(now protocol.Time, p *peer, s State, out *protocol.Outbox) {
	m.hear(now, p, s)
	if p == m.parent {
		m.follow(now, out)
		return
	}
	if m.rival(now, p, s, out) || !s.Attached {
		return
	}
	if p.rtt == 0 && p.probe == nil && m.parent != nil {
		p.probe = &probe{why: asParent, until: now.Add(probeFor / 4)} // to measure it
		m.changed = true
		return
	}
	if m.parent == nil && !m.isRoot() {
		m.look(now)
	} else if m.predict(now, p) < m.goal(now) && m.joining.to == nil && !m.isRoot() && !m.refusals.has(now, p.id) {
		m.join(now, p, false, out)
	}
}

// follow stands where the parent's last word puts this peer.
func (m *Machine) follow(now protocol.Time, out *protocol.Outbox) {
	s := m.parent.state
	if slices.Contains(s.Path, m.key) || len(s.Path) >= MaxPath-1 || s.Root == m.self {
		out.Send(m.parent.id, Leave{Loop}, protocol.Control, now.Add(time.Second))
		m.orphaned(now, "loop", out)
		return
	}
	if !s.Attached {
		if !m.rooted.cut {
			m.rooted.cut = true
			m.tellChildren(now, 0)
		}
		return
	}
	if s.Epoch < m.epoch {
		return // said before this peer came
	}
	before, hadCut := m.lat, m.rooted.cut
	m.rooted.cut, m.rooted.publishes = false, s.Publishes
	news := s.Epoch > m.epoch || hadCut
	if s.Epoch > m.epoch {
		if term(s.Epoch) > term(m.epoch) {
			m.newTerm(now)
		}
		m.epoch, m.root = s.Epoch, s.Root
		m.staleAt = now.Add(staleAfter)
	}
	m.path = append(append(m.path[:0:0], s.Path...), m.parent.key)
	m.lat = m.through(m.parent)
	d := m.lat - before
	switch {
	case news:
		m.tellChildren(now, 0)
	case max(d, -d) > max(before/32, time.Millisecond):
		m.tellChildren(now, beatSoon)
	}
}

// through is the latency that the parent p gives this peer.
func (m *Machine) through(p *peer) time.Duration {
	return micros(p.state.Latency + p.state.Wait + p.rtt/2 + hopCost)
}

// refresh reckons the latency anew after a round trip has changed.
func (m *Machine) refresh(now protocol.Time, out *protocol.Outbox) {
	if m.parent != nil && m.parent.state.Attached {
		m.follow(now, out)
	}
}

// tellChildren has the children told where this peer stands.
func (m *Machine) tellChildren(now protocol.Time, delay time.Duration) {
	for _, c := range m.children {
		at := now.Add(delay)
		if delay > 0 {
			at = max(at, c.told.Add(beatSoon))
		}
		c.beatAt = min(c.beatAt, at)
	}
}

// advanceBeats begins a beat, if this peer is the root, and tells who is to be told.
func (m *Machine) advanceBeats(now protocol.Time, out *protocol.Outbox) {
	if m.beatAt <= now {
		m.beatAt = protocol.Never
		if m.isRoot() {
			m.epoch++
			m.beatAt = now.Add(beatEvery)
			m.tellChildren(now, 0)
		}
	}
	if m.staleAt <= now {
		m.staleAt = protocol.Never
		if m.parent != nil {
			out.Send(m.parent.id, Leave{Lost}, protocol.Control, now.Add(time.Second))
			m.orphaned(now, "stale", out)
		}
	}
	for _, p := range m.peers.order {
		if p.beatAt > now {
			continue
		}
		p.beatAt = protocol.Never
		if p.watcher {
			p.beatAt = now.Add(m.jitter(watcherBeat))
		}
		if p.child || p.watcher {
			m.beat(now, p, out)
		}
	}
	if m.reportAt <= now {
		m.report(now, out)
	}
}

// report tells the parent of the subtree.
func (m *Machine) report(now protocol.Time, out *protocol.Outbox) {
	m.reportAt = protocol.Never
	if m.parent == nil {
		return
	}
	m.reportAt = now.Add(upEvery)
	m.reported = now
	out.Send(m.parent.id, Report{Weight: m.weight, Value: m.value(now), Other: m.elsewhere(now), At: m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
}

// takeReport takes note of a child's subtree.
func (m *Machine) takeReport(now protocol.Time, p *peer, msg Report, out *protocol.Outbox) {
	if !p.child {
		out.Send(p.id, Leave{Stranger}, protocol.Control, now.Add(time.Second))
		return
	}
	p.weight, p.value, p.other, p.state.At = msg.Weight, believed(msg.Value, msg.Weight), msg.Other, msg.At
	m.reweigh(now)
}

// reweigh puts the children in the order of their weights, for who has most hosts
// behind it is to be sent to first, and tells the parent of a new sum.
func (m *Machine) reweigh(now protocol.Time) {
	for _, c := range m.children {
		if c.creditUntil <= now {
			c.credit = 0
		}
	}
	slices.SortStableFunc(m.children, func(a, b *peer) int {
		return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(b.weight, a.weight), cmp.Compare(a.id, b.id))
	})
	sum := 1
	for _, c := range m.children {
		sum += c.weight
	}
	sum = min(sum, MaxWeight)
	if sum != m.weight {
		m.weight = sum
		if m.parent != nil {
			m.reportAt = min(m.reportAt, max(now, m.reported.Add(upSoon)))
		}
	}
}
