package donet

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// meetSoon is the pause between two searches for a missing partner, meetWait how long
	// the answer is waited for.
	meetSoon = 300 * time.Millisecond
	meetWait = 2 * time.Second
	// newcomer is for how long a partner is not judged.
	newcomer = 10 * time.Second
)

// Partners are four peers, or Config.Partners, that this one has sought, and those that
// have sought it: acceptFactor times as many at most. On average as many seek a peer as it
// seeks itself, so half of all places are free whenever everybody has enough partners, and
// nobody need ever be evicted to let another in. (The paper leaves open how to join when
// everybody is full.)

// sought counts the partners that this peer has sought, or is seeking, and those that
// sought it.
func (m *Machine) sought() (mine, theirs int) {
	for _, p := range m.peers.order {
		if p.mine || p.meetUntil > 0 {
			mine++
		}
		if p.theirs && !p.mine {
			theirs++
		}
	}
	return mine, theirs
}

// advancePartners seeks partners that are missing, and now and then gives the worst one
// up for another.
func (m *Machine) advancePartners(now protocol.Time, out *protocol.Outbox) {
	if m.meetAt <= now {
		m.meetAt = protocol.Never
		for _, p := range m.peers.order {
			if 0 < p.meetUntil && p.meetUntil <= now {
				p.meetUntil, m.changed = 0, true
				m.refusals.add(p.id, now.Add(probePause))
			}
			if p.meetUntil > 0 {
				m.meetAt = min(m.meetAt, p.meetUntil)
			}
		}
		if mine, _ := m.sought(); mine < m.cfg.Partners {
			m.seek(now, out)
			m.meetAt = min(m.meetAt, now.Add(m.jitter(meetSoon)))
		}
	}
	if m.exchangeAt <= now {
		m.exchangeAt = now.Add(m.jitter(m.cfg.Exchange))
		m.exchange(now, out)
	}
}

// seek asks one more peer to be a partner: every second time, as it falls, one that is
// known but not linked, so that partners are not all neighbours of each other.
func (m *Machine) seek(now protocol.Time, out *protocol.Outbox) {
	if m.rng.IntN(2) == 0 {
		if p := m.candidatePartner(now); p != nil {
			m.meet(now, p, out)
			return
		}
	}
	s := m.members.draw(m.rng, func(s *member) bool {
		p := m.peers.find(s.Peer)
		return m.dialable(s) && !m.refusals.has(now, s.Peer) && !m.grudges.has(now, s.Peer) && (p == nil || !p.linked && p.probe == nil)
	})
	if s != nil && m.probing() < maxProbes {
		m.dial(now, s, asPartner, nil)
		return
	}
	if p := m.candidatePartner(now); p != nil {
		m.meet(now, p, out)
	}
}

// candidatePartner is a linked peer drawn from those that may become partners; nil for
// none.
func (m *Machine) candidatePartner(now protocol.Time) (chosen *peer) {
	n := 0
	for _, p := range m.peers.order {
		if !p.speaks() || p.mine || p.meetUntil > 0 || m.refusals.has(now, p.id) || m.grudges.has(now, p.id) {
			continue
		}
		if n++; m.rng.IntN(n) == 0 {
			chosen = p
		}
	}
	return chosen
}

// meet asks a peer to be a partner.
func (m *Machine) meet(now protocol.Time, p *peer, out *protocol.Outbox) {
	if p.mine {
		return
	}
	if p.theirs {
		m.befriend(now, p, true, out) // it has asked already
		return
	}
	p.meetUntil = now.Add(meetWait + p.roundTrip())
	m.meetAt = min(m.meetAt, p.meetUntil)
	m.changed = true
	out.Send(p.id, Meet{MeetAsk, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
}

// takeMeet takes what a peer says about partnership.
func (m *Machine) takeMeet(now protocol.Time, p *peer, msg Meet, out *protocol.Outbox) {
	m.placedAt(p, msg.At)
	switch msg.Mode {
	case MeetAsk:
		_, theirs := m.sought()
		if !p.partner() && (theirs >= acceptFactor*m.cfg.Partners || m.grudges.has(now, p.id)) {
			out.Send(p.id, Meet{MeetNo, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
			m.sendMembers(now, p, true, out)
			return
		}
		out.Send(p.id, Meet{MeetYes, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
		m.befriend(now, p, false, out)
	case MeetYes:
		if p.meetUntil > 0 {
			m.befriend(now, p, true, out)
		}
	case MeetNo:
		if p.meetUntil > 0 {
			p.meetUntil, m.changed = 0, true
			m.refusals.add(p.id, now.Add(m.jitter(10*time.Second)))
		}
	case MeetEnd:
		m.changed = true
		if p.mine {
			m.meetAt = min(m.meetAt, now.Add(m.jitter(meetSoon)))
		}
		p.mine, p.theirs = false, false
	case MeetOnce:
		if now >= p.askedOnce.Add(cryPause) {
			p.askedOnce = now
			m.needs(now, p)
			m.tellRecent(now, p, out)
		}
	}
}

// befriend begins a partnership with all that each has lately got.
func (m *Machine) befriend(now protocol.Time, p *peer, mine bool, out *protocol.Outbox) {
	m.changed = true
	p.meetUntil = 0
	if !p.partner() {
		p.since = now
		p.record.begin(now)
	}
	if mine {
		p.mine = true
	} else {
		p.theirs = true
	}
	for _, st := range m.streams.order {
		m.flushFull(now, st, p, out)
		if st.tree {
			m.standSoon(now, st, p)
		}
	}
}

// exchange gives up the partner with the lowest score for another: "each node
// periodically establishes new partnerships with nodes randomly selected" and drops the
// one with the lowest score, max of what it was sent and what it sent (INFOCOM 2005,
// section III-E). A parent or child stays.
func (m *Machine) exchange(now protocol.Time, out *protocol.Outbox) {
	mine, _ := m.sought()
	if mine < m.cfg.Partners {
		return
	}
	var worst *peer
	for _, p := range m.peers.order {
		if !p.mine || now.Sub(p.since) < newcomer || m.depends(p) {
			continue
		}
		if worst == nil || p.score(now) < worst.score(now) {
			worst = p
		}
	}
	if worst == nil {
		return
	}
	m.unfriend(now, worst, out)
	m.refusals.add(worst.id, now.Add(m.jitter(m.cfg.Exchange)))
}

// depends reports whether items are pushed between this peer and another.
func (m *Machine) depends(p *peer) bool {
	for _, st := range m.streams.order {
		if st.parent == p || st.child(p) != nil {
			return true
		}
	}
	return false
}

// unfriend ends a partnership. One that the other sought goes on.
func (m *Machine) unfriend(now protocol.Time, p *peer, out *protocol.Outbox) {
	if p.mine {
		m.meetAt = min(m.meetAt, now.Add(m.jitter(meetSoon)))
	}
	p.mine, m.changed = false, true
	if !p.theirs {
		out.Send(p.id, Meet{MeetEnd, m.place.Coordinate()}, protocol.Control, now.Add(time.Second))
	}
}
