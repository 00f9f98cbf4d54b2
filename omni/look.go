package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// lookFirst and lookLast are the shortest and the longest pause between two looks
	// for a better parent: it grows while there is none (our guesses).
	lookFirst = 250 * time.Millisecond
	lookLast  = 3 * time.Second
	// followFirst is how long a peer waits for its parent to go over to a new root
	// before it does itself (our guess).
	followFirst = 400 * time.Millisecond
	// orphanRetry is the pause between two attempts of a peer without a parent.
	orphanRetry = 200 * time.Millisecond
	// orphanSlack is what an answer to such a peer may take beside the round trip until
	// another is asked, belatedFor for how long it is welcome after that.
	orphanSlack = 50 * time.Millisecond
	belatedFor  = 2 * time.Second
	// silentFor is the silence after which a peer without a parent asks others first:
	// pings come about once a second (our guess).
	silentFor = 600 * time.Millisecond
	// maxProbes bounds the peers that are dialled to be looked at, maxOrphanProbes
	// the same for a peer without a parent (our guesses).
	maxProbes       = 3
	maxOrphanProbes = 4
	// probeFor bounds the time for one.
	probeFor = 8 * time.Second
	// probePause is for how long a member is not looked at again: once its round trip
	// is known there is no need without a better offer. unreachedPause is the same
	// after a dial that failed.
	probePause     = 4 * time.Second
	unreachedPause = time.Minute
	// invitePause is for how long a member is not offered a place again (our guess).
	invitePause = 20 * time.Second
	// exploreOdds: one look in so many is at a candidate drawn from those that would do
	// if they were nearer than foretold, instead of the best: coordinates err, and the
	// detours that are shorter than the straight way are worth most (our guess).
	exploreOdds = 2
	// punchCost is what a candidate has to be better that is reached by a punch only,
	// which takes two dials and often fails (our guess).
	punchCost = 3 * time.Millisecond
)

// purpose is why a peer is looked at.
type purpose uint8

const (
	asParent purpose = iota // it may be a better parent
	asChild                 // this one may be a better parent for it
	asSource                // it may announce to this one
	asDoor                  // it is linked to one that is to be reached by a punch
)

// probe is a look at a peer, for which a link is opened.
type probe struct {
	why   purpose
	addr  string  // where it is said to be
	next  *sample // behind a door
	ask   bool    // for samples, once the link is up
	until protocol.Time
}

// candidate is a peer that may be a better parent.
type candidate struct {
	peer      *peer // nil without a link
	sample    *sample
	predicted time.Duration // this peer's root latency under it
	spare     bool
	price     time.Duration // of a place, without spare ones
}

// look makes this peer look for a parent soon, lookSoon often again.
func (m *Machine) look(now protocol.Time) {
	m.lookAt = min(m.lookAt, now.Add(m.jitter(100*time.Millisecond)))
}

func (m *Machine) lookSoon(now protocol.Time) {
	m.lookEvery = lookFirst
	m.lookAt = min(m.lookAt, now.Add(m.jitter(lookFirst)))
}

// advanceLook looks for a better parent, for standbys, and for children that could not
// come by themselves.
func (m *Machine) advanceLook(now protocol.Time, out *protocol.Outbox) {
	if m.lookAt > now {
		return
	}
	m.tidy(now)
	if !m.attached() {
		m.mend(now, out)
		return
	}
	m.lookAt = now.Add(m.jitter(m.lookEvery))
	m.lookEvery = min(m.lookEvery*33/32, lookLast)
	m.keepSources(now, out)
	if m.cfg.Fixed {
		return
	}
	if m.isRoot() || m.nics.reach() != ReachPublic {
		m.invite(now, out)
	}
	if !m.isRoot() && m.joining.to == nil && !m.goOver(now, out) {
		m.optimise(now, out)
	}
}

// tidy ends what has lasted too long.
func (m *Machine) tidy(now protocol.Time) {
	m.refusals.expire(now)
	for _, p := range m.peers.order {
		if p.probe != nil && p.probe.until <= now && m.joining.to != p {
			p.probe = nil
			m.changed = true
			if !p.linked {
				m.refused(now, p.id)
			}
		}
		if p.helps > 0 && p.helps <= now {
			p.helps, m.changed = 0, true
		}
		if p.belated > 0 && p.belated <= now {
			p.belated, m.changed = 0, true
		}
		if p.guest > 0 && p.guest <= now {
			p.guest, m.changed = 0, true
		}
	}
}

// goOver joins a neighbour in a later root's tree, where the parent has not gone there.
func (m *Machine) goOver(now protocol.Time, out *protocol.Outbox) bool {
	var best *peer
	for _, p := range m.peers.order {
		if p.speaks() && p != m.parent && !p.child && p.state.Attached && term(p.state.Epoch) > term(m.epoch) &&
			!m.refusals.has(now, p.id) && !slices.Contains(p.state.Path, m.key) &&
			(best == nil || m.predict(now, p) < m.predict(now, best)) {
			best = p
		}
	}
	if best == nil {
		return false
	}
	m.join(now, best, true, out)
	return true
}

// predict is this peer's root latency under one with a link, by what it said last.
func (m *Machine) predict(now protocol.Time, p *peer) time.Duration {
	return m.bid(now, p.state.Offer, p.state.Prime) + p.rtt/2 + hopCost
}

// margin is by how much a new parent has to be better: what changes by itself is no
// gain.
func (m *Machine) margin() time.Duration { return max(m.lat/128, 300*time.Microsecond) }

// optimise looks at one candidate.
func (m *Machine) optimise(now protocol.Time, out *protocol.Outbox) {
	best, drawn := m.candidates(now)
	if m.probing() >= maxProbes {
		return
	}
	c := best
	if c == nil || m.rng.IntN(exploreOdds) == 0 {
		c = drawn
	}
	switch {
	case c == nil:
	case c.peer != nil:
		m.join(now, c.peer, false, out)
	default:
		m.dial(now, c.sample, asParent, out)
	}
}

// candidates returns the best and one drawn from the good ones, nil for none, and notes
// what the best with a free place offers.
func (m *Machine) candidates(now protocol.Time) (best, drawn *candidate) {
	m.alt = maxLatency
	good, goal, at := 0, m.goal(now), m.place.Coordinate()
	value, root := m.value(now), m.rootKey()
	consider := func(c candidate, parent bool) {
		if c.spare && !parent {
			m.alt = min(m.alt, c.predicted)
		}
		if parent {
			return
		}
		if !c.spare {
			c.predicted += c.price*17/16/time.Duration(max(value, 1)) + m.margin()
		}
		if c.predicted < goal && (best == nil || c.predicted < best.predicted) {
			best = &c
		}
		if c.peer == nil && c.sample.rtt == 0 && c.predicted-c.sample.distance(at)/8 < goal {
			if good++; m.rng.IntN(good) == 0 {
				drawn = &c
			}
		}
	}
	for _, p := range m.peers.order {
		if !p.speaks() || p.child || p.heard == 0 || !p.state.Attached || p.rtt == 0 ||
			m.refusals.has(now, p.id) || slices.Contains(p.state.Path, m.key) {
			continue
		}
		if !m.bar.admits(p.state.Epoch, p.state.Latency) && p.state.Epoch == m.epoch {
			continue
		}
		consider(candidate{peer: p, predicted: m.predict(now, p), spare: p.state.Spare > 0, price: p.state.Price}, p == m.parent)
	}
	for i := range m.samples.list {
		s := &m.samples.list[i]
		if s.root != root {
			continue
		}
		away := s.distance(at)
		predicted := s.bid(value) + away/2 + hopCost
		if s.behind() {
			predicted += punchCost
		}
		if predicted >= m.alt && predicted-away/8 >= goal {
			continue // the most common case, and what follows costs more
		}
		if !m.dialable(s) || m.refusals.has(now, s.Peer) {
			continue
		}
		if p := m.peers.find(s.Peer); p != nil && (p.child || p.linked || p.probe != nil) {
			continue
		}
		consider(candidate{sample: s, predicted: predicted, spare: s.spare > 0, price: s.cost.duration()}, false)
	}
	return best, drawn
}

// elsewhere is the least latency to be had elsewhere.
func (m *Machine) elsewhere(protocol.Time) time.Duration {
	if m.alt == 0 {
		return maxLatency
	}
	return m.alt
}

// dialable reports whether this host can have a link to a member, by its door if need be.
func (m *Machine) dialable(s *sample) bool {
	if !s.behind() {
		return true
	}
	if !linkable(m.nics.reach(), s.Reach) || s.door == nil || s.door.peer == m.self {
		return false
	}
	if p := m.peers.find(s.door.peer); p != nil && p.linked || s.door.addr != "" {
		return true
	}
	door := m.samples.get(s.door.peer)
	return door != nil && door.Reach == ReachPublic && door.addr != ""
}

// probing counts the peers that are being looked at.
func (m *Machine) probing() (n int) {
	for _, p := range m.peers.order {
		if p.probe != nil && p.probe.why != asDoor {
			n++
		}
	}
	return n
}

// dial opens a link to a member to look at it; to one behind a NAT by its door.
func (m *Machine) dial(now protocol.Time, s *sample, why purpose, out *protocol.Outbox) {
	m.refusals.add(s.Peer, now.Add(probePause)) // whatever comes of it
	if s.behind() {
		if s.door == nil {
			return // there is no way to it
		}
		if d := m.peers.find(s.door.peer); d == nil || !d.linked {
			m.dialDoor(now, s)
			return
		} else if m.nics.reach() != ReachPunch {
			m.call(now, d, s.Peer, out)
			return
		}
	}
	p := m.peers.add(s.Peer)
	if p == nil || p.probe != nil {
		return
	}
	p.probe = &probe{why: why, addr: s.addr, until: now.Add(probeFor)}
	m.changed = true
	if p.linked && p.rtt > 0 {
		p.probe.until = now // it is what was asked for already
	}
}

// dialDoor opens a link to the door of a member.
func (m *Machine) dialDoor(now protocol.Time, s *sample) {
	p := m.peers.add(s.door.peer)
	if p == nil || p.probe != nil {
		return
	}
	next := *s
	p.probe = &probe{why: asDoor, addr: s.door.addr, next: &next, until: now.Add(probeFor)}
	if door := m.samples.get(s.door.peer); door != nil && door.addr != "" {
		p.probe.addr = door.addr
	}
	m.changed = true
}

// probed looks at a peer to which the link is up.
func (m *Machine) probed(now protocol.Time, p *peer, out *protocol.Outbox) {
	pr := p.probe
	if pr.why == asDoor {
		pr.until = now.Add(2*time.Second + 4*p.rtt)
		m.dial(now, pr.next, asParent, out)
		return
	}
	if p.rtt == 0 {
		return // LinkRTT follows
	}
	s := m.samples.get(p.id)
	if s != nil && p.heard == 0 {
		m.place.Update(p.rtt, s.At, m.rng)
		p.state.At = s.At
	}
	m.samples.measure(p.id, p.rtt)
	if pr.ask {
		m.question(now, p, out)
	} else if pr.why == asParent && m.attached() && now >= m.sampleAt.Add(-m.sampleEvery/2) {
		// It is near, or a good parent for who is: what it knows is what is wanted.
		m.sampleAt = now.Add(m.jitter(m.sampleEvery))
		m.question(now, p, out)
	}
	switch {
	case !m.attached():
		if m.joining.to == nil {
			m.join(now, p, true, out)
			return
		}
		pr.until = now.Add(2 * time.Second)
		return
	case pr.why == asChild:
		if s != nil && m.state(nil).Offer+p.rtt/2+hopCost+m.margin() < s.latency.duration() {
			out.Send(p.id, Offer{m.state(p)}, protocol.Control, now.Add(time.Second))
			m.refusals.add(p.id+"/child", now.Add(invitePause))
			pr.until = now.Add(time.Second + 2*p.rtt)
			return
		}
	case pr.why == asSource:
		m.watch(now, p, !m.prompted(), out)
	case m.joining.to == nil && !m.isRoot() && m.offered(now, p, s)+p.rtt/2+hopCost < m.goal(now):
		m.join(now, p, false, out)
		return
	}
	p.probe = nil
	m.changed = true
}

// offered is what a peer offers: as it says itself, or as s has it, which may be nil.
func (m *Machine) offered(now protocol.Time, p *peer, s *sample) time.Duration {
	switch {
	case p.heard > 0 && p.state.Attached:
		return m.bid(now, p.state.Offer, p.state.Prime)
	case s != nil:
		return s.bid(m.value(now))
	}
	return maxLatency
}

// invite looks for a member that this peer would serve better than its parent, and that
// cannot come by itself, because of this host's NAT.
func (m *Machine) invite(now protocol.Time, out *protocol.Outbox) {
	if m.probing() >= maxProbes || m.bound() == 0 {
		return
	}
	least := m.margin()
	if m.spare(false) == 0 {
		least *= 4
	}
	offer, at := m.state(nil).Offer, m.place.Coordinate()
	var best *sample
	most := time.Duration(0)
	for i := range m.samples.list {
		s := &m.samples.list[i]
		gain := s.latency.duration() - (offer + s.distance(at)/2 + hopCost)
		if s.root != m.rootKey() || gain <= least || gain*time.Duration(s.weight) <= most {
			continue
		}
		p := m.peers.find(s.Peer)
		if p != nil && (p.child || p == m.parent || p.probe != nil || p.linked) || !m.dialable(s) || m.refusals.has(now, s.Peer) || m.refusals.has(now, s.Peer+"/child") {
			continue
		}
		best, most = s, gain*time.Duration(s.weight)
	}
	if best != nil {
		m.dial(now, best, asChild, out)
	}
}
