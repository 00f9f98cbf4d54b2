package donet

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// lookFirst and lookLast are the shortest and the longest pause between two looks for
	// a better parent: it grows while there is none (our guesses).
	lookFirst = 250 * time.Millisecond
	lookLast  = time.Second
	// lookUrgent is the same of a peer in an urgent case, for up to urgentFor after the parent was lost (our guesses).
	lookUrgent = 80 * time.Millisecond
	urgentFor  = 3 * time.Second
	// orphanRetry is the pause between two attempts of a peer without a parent.
	orphanRetry = 150 * time.Millisecond
	// silentFor is the silence after which a peer without a parent asks others first: who
	// has maps answers at once a peer that needs them, and then tells eight a second.
	silentFor = 350 * time.Millisecond
	// maxProbes bounds the peers that are dialled to be looked at, maxOrphanProbes the
	// same for a peer without a parent, probeFor and orphanProbeFor the time for one: half of
	// the members may be dead.
	maxProbes       = 3
	maxOrphanProbes = 4
	probeFor        = 8 * time.Second
	orphanProbeFor  = 500 * time.Millisecond
	// probePause is for how long a member is not looked at again, unreachedPause the same
	// after a dial that failed.
	probePause     = 2 * time.Second
	unreachedPause = time.Minute
	// staleBeats is how far behind a peer may be that was told of its standing a while ago,
	// for one that has a parent; what it answers to a Join is what counts.
	staleBeats = 5
	// freeAfter is for how long a peer without a parent tries to keep its children: without
	// any it may follow everybody.
	freeAfter = 350 * time.Millisecond
	// staleness: what a member was said to offer so long ago is taken to be worse by a
	// share of it that it has grown old (our guess: 1 ms in ten seconds).
	staleness = 10_000
	// exploreOdds: one look in so many is at a candidate drawn from the good ones instead
	// of the best, for coordinates err (our guess).
	exploreOdds = 4
)

// purpose is why a peer is looked at.
type purpose uint8

const (
	asParent  purpose = iota // it may be a better parent
	asPartner                // it may be a partner
	asHelp                   // it may have what does not come
)

// probe is a look at a peer, for which a link is opened.
type probe struct {
	why   purpose
	st    Tag
	addr  string // where it is said to be
	until protocol.Time
	base  time.Duration // of a place there that was offered; 0 for none
}

// candidate is a peer that may be a better parent.
type candidate struct {
	peer   *peer   // nil without a link
	member *member // nil with one
	lag    time.Duration
}

// lookSoon makes this peer look for parents soon.
func (m *Machine) lookSoon(now protocol.Time) {
	for _, st := range m.streams.trees() {
		if !st.root {
			st.lookAt = min(st.lookAt, now.Add(m.jitter(100*time.Millisecond)))
		}
	}
}

// margin is by how much a new parent has to be better: what changes by itself is no gain.
func (m *Machine) margin(st *stream) time.Duration {
	return max(st.lag/96, 300*time.Microsecond)
}

// look looks for a parent, or a better one.
func (m *Machine) look(now protocol.Time, st *stream, out *protocol.Outbox) {
	if st.root || !st.tree || !m.running {
		st.lookAt = protocol.Never
		return
	}
	m.endProbes(now)
	if st.parent == nil {
		st.lookAt = now.Add(m.jitter(orphanRetry))
	} else {
		st.lookAt = now.Add(m.jitter(m.pause(now, st)))
	}
	if st.parent == nil && now.Sub(st.orphan) >= orphanWait {
		m.dialSome(now, st) // those with a link may all be dead
	}
	if st.joining != nil || m.cfg.Fixed && st.parent != nil {
		return
	}
	if st.parent == nil && len(st.children) > 0 && now.Sub(st.orphan) > freeAfter {
		m.dropChildren(now, st, out)
	}
	best := m.candidates(now, st)
	c := best.member
	if st.parent != nil && m.rng.IntN(exploreOdds) == 0 {
		c = best.drawn
	}
	switch {
	case best.peer.peer != nil && (st.parent == nil || c.member == nil || best.peer.lag < c.lag || m.probing() >= maxProbes):
		m.join(now, st, best.peer.peer, out)
	case c.member != nil && m.probing() < maxProbes:
		m.dial(now, c.member, asParent, st)
	case st.parent == nil:
		m.dialSome(now, st) // nobody is known with a link
	}
}

// urgent reports whether this peer has lost its parent just now, took the first that had
// room, and is much worse off.
func (st *stream) urgent(now protocol.Time) bool {
	return now.Sub(st.orphan) < urgentFor && 4*st.lag > 5*st.before && st.before > 0
}

// pause is the time until the next look of a peer with a parent.
func (m *Machine) pause(now protocol.Time, st *stream) time.Duration {
	if st.urgent(now) {
		return lookUrgent
	}
	d := st.lookEvery
	st.lookEvery = min(d*17/16, lookLast)
	return d
}

// choice is what candidates there are.
type choice struct {
	// peer is the best with a link, member the best without, drawn one without a link drawn
	// from the good ones.
	peer, member, drawn candidate
}

// candidates returns what there is, and notes what the best with a free place offers.
func (m *Machine) candidates(now protocol.Time, st *stream) (found choice) {
	st.alt = maxLag
	limit := st.price() - m.margin(st)
	if st.parent == nil {
		limit = maxLag
	} else if st.yielding > now {
		limit = max(limit, st.yieldLimit)
	}
	good := 0
	consider := func(c candidate, spare int) {
		if spare > 0 {
			st.alt = min(st.alt, c.lag)
		} else if st.yielding > now {
			return
		} else {
			c.lag += m.margin(st) * 2 // it will hardly be worth somebody else's place
			if st.parent == nil {
				c.lag += orphanGain
			}
		}
		best := &found.peer
		if c.peer == nil {
			best = &found.member
		}
		if c.lag < limit && (best.lag == 0 || c.lag < best.lag) {
			*best = c
		}
		if c.member != nil && c.member.rtt == 0 && c.lag < limit+limit/8 {
			if good++; m.rng.IntN(good) == 0 {
				found.drawn = c
			}
		}
	}
	for _, p := range m.peers.order {
		r := st.known(p)
		if r == nil || r.heard == 0 || !m.fit(now, st, p, &r.stand) {
			continue
		}
		lag := r.stand.Base + p.roundTrip()/2 + hopCost
		if now.Sub(p.spoke) > silentFor && (st.parent == nil || p.partner() && st.urgent(now)) {
			lag += orphanGain // dead, perhaps, but the failure detector does not know yet
		}
		consider(candidate{peer: p, lag: lag}, r.stand.Spare)
	}
	at := m.place.Coordinate()
	for i := range m.members.list {
		s := &m.members.list[i]
		if s.tag != st.tag || !m.dialable(s) || m.refusals.has(now, s.Peer) || m.grudges.has(now, s.Peer) {
			continue
		}
		if p := m.peers.find(s.Peer); p != nil && (p.linked || p.probe != nil) {
			continue
		}
		lag := s.Base + s.distance(at)/2 + hopCost
		if s.rtt == 0 {
			lag += s.distance(at) / 16 // coordinates err, and promise too much where one looks for the least
		}
		lag += min(now.Sub(s.at)/staleness, lag/8) // who was good is sought by others too
		consider(candidate{member: s, lag: lag}, s.Spare)
	}
	return found
}

// fit reports whether a peer with a link may be the parent.
func (m *Machine) fit(now protocol.Time, st *stream, p *peer, s *Stand) bool {
	return p.speaks() && p != st.parent && st.child(p) == nil && s.Attached && s.Beat+staleBeats >= st.beat && (st.parent == nil || st.mayFollow(s)) &&
		!slices.Contains(s.Path, m.key) && len(s.Path) < MaxPath-2 &&
		!m.refusals.has(now, p.id) && !m.grudges.has(now, p.id)
}

// dialable reports whether this host can open a link to a member.
func (m *Machine) dialable(s *member) bool { return s.Reach != ReachNone }

// endProbes ends what has lasted too long.
func (m *Machine) endProbes(now protocol.Time) {
	for _, p := range m.peers.order {
		if p.probe != nil && p.probe.until <= now {
			p.probe, m.changed = nil, true
		}
	}
}

// probing counts the peers that are being looked at.
func (m *Machine) probing() (n int) {
	for _, p := range m.peers.order {
		if p.probe != nil {
			n++
		}
	}
	return n
}

// dial opens a link to a member to look at it.
func (m *Machine) dial(now protocol.Time, s *member, why purpose, st *stream) {
	p := m.peers.add(s.Peer)
	if p == nil || p.probe != nil || p.linked {
		return
	}
	p.probe = &probe{why: why, addr: s.Addr, until: now.Add(probeFor)}
	if st != nil {
		p.probe.st = st.tag
		if st.parent == nil {
			p.probe.until = now.Add(orphanProbeFor)
		}
	}
	m.refusals.add(s.Peer, now.Add(probePause)) // whatever comes of it
	m.placedAt(p, s.At)
	m.changed = true
}

// dialSome opens links to some members that are known of, for a peer without a parent.
func (m *Machine) dialSome(now protocol.Time, st *stream) {
	for n := m.probing(); n < maxOrphanProbes; n++ {
		s := m.members.draw(m.rng, func(s *member) bool {
			p := m.peers.find(s.Peer)
			return m.dialable(s) && !m.refusals.has(now, s.Peer) && !m.grudges.has(now, s.Peer) && (p == nil || !p.linked && p.probe == nil)
		})
		if s == nil {
			return
		}
		m.dial(now, s, asParent, st)
	}
}

// probed looks at a peer to which the link is up.
func (m *Machine) probed(now protocol.Time, p *peer, out *protocol.Outbox) {
	if p.rtt == 0 {
		return // LinkRTT follows
	}
	pr := p.probe
	s := m.members.get(p.id)
	if s != nil {
		s.rtt = p.rtt
		m.place.Update(p.rtt, s.At, m.rng)
	}
	switch st := m.streams.find(pr.st); {
	case pr.why == asPartner:
		m.meet(now, p, out)
	case pr.why == asHelp:
		out.Send(p.id, Meet{Mode: MeetOnce, At: m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
		pr.until = now.Add(helpFor)
		return
	case st == nil || st.root || st.joining != nil && st.parent != nil:
	case pr.base > 0:
		if pr.base+p.rtt/2+hopCost < st.yieldLimit {
			m.join(now, st, p, out)
		}
	case st.parent == nil,
		s != nil && s.tag == st.tag && s.Base+p.rtt/2+hopCost < st.price()-m.margin(st):
		m.join(now, st, p, out)
	}
	p.probe = nil
	m.changed = true
	if now >= m.membersAt.Add(-m.membersEvery/2) {
		// It is near, or a good parent for who is: what it knows is what is wanted.
		m.membersAt = now.Add(m.jitter(m.membersEvery))
		m.sendMembers(now, p, false, out)
	}
}
