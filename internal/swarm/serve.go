package swarm

import (
	"slices"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// pace is a token bucket of bytes: what may be sent. Without a rate it never empties.
type pace struct {
	rate   int64
	tokens float64
	at     protocol.Time
}

func (p *pace) set(now protocol.Time, rate int64) { *p = pace{rate: rate, at: now} }

// open reports whether something may be sent now; what it costs may be more than there
// is, and is paid back first.
func (p *pace) open(now protocol.Time) bool {
	if p.rate == 0 {
		return true
	}
	burst := max(float64(p.rate)/4, large.DefaultSegment)
	p.tokens = min(burst, p.tokens+float64(p.rate)*now.Sub(p.at).Seconds())
	p.at = now
	return p.tokens > 0
}

// takeWant notes what a neighbour wants, and says what it will not get.
func (m *Machine) takeWant(now protocol.Time, n *neighbour, w Want, out *protocol.Outbox) {
	t := m.byRoot[w.Root]
	if t == nil || t.phase != done && t.phase != fetching {
		out.Send(n.id, Sorry(w), protocol.Control, now.Add(patience))
		return
	}
	if int(w.Pieces[len(w.Pieces)-1]) >= t.pieces {
		m.misconduct(n, "swarm.impossible", out)
		return
	}
	s := t.side(n)
	if t.phase == done {
		m.startServing(t)
	}
	var not []uint32
	for _, p := range w.Pieces {
		switch {
		case !t.held(int(p)) || len(s.wants) >= MaxWants:
			not = append(not, p)
		case !slices.Contains(s.wants, p):
			s.wants, s.wantedAt = append(s.wants, p), now
		}
	}
	if len(not) > 0 {
		out.Send(n.id, Sorry{t.root, not}, protocol.Control, now.Add(patience))
	}
	m.serve(now, out)
}

// wanted reports whether somebody waits for pieces.
func (m *Machine) wanted() bool {
	has := func(t *transfer) bool {
		return slices.ContainsFunc(t.sides, func(s *side) bool { return len(s.wants) > 0 })
	}
	return slices.ContainsFunc(m.fetching, has) || slices.ContainsFunc(m.serving, has)
}

// serve has pieces sent: all that is wanted, or as much as the budget allows.
func (m *Machine) serve(now protocol.Time, out *protocol.Outbox) {
	if m.up.rate == 0 {
		m.serveAll(now, out)
		return
	}
	for m.up.open(now) {
		t, s := m.next(now)
		if s == nil {
			return
		}
		m.up.tokens -= float64(m.send(now, t, s, 1, out))
	}
}

// eachWaiting calls f for each neighbour that waits for pieces of a transfer and could be sent
// some.
func (m *Machine) eachWaiting(f func(*transfer, *side)) {
	for _, list := range [][]*transfer{m.fetching, m.serving} {
		for _, t := range list {
			for _, s := range t.sides {
				if len(s.wants) > 0 && !s.n.congested {
					f(t, s)
				}
			}
		}
	}
}

// serveAll serves without a budget: what is wanted goes out at once, and waits at the
// uplink. Who only takes is sent a piece when nobody else is kept from anything by it.
func (m *Machine) serveAll(now protocol.Time, out *protocol.Outbox) {
	m.eachWaiting(func(t *transfer, s *side) {
		if !s.n.rides(now) {
			m.send(now, t, s, len(s.wants), out)
		}
	})
	pause := tick
	if m.busy(now) {
		pause = alms
	}
	m.eachWaiting(func(t *transfer, s *side) {
		if now.Sub(s.n.servedAt) >= pause || s.n.servedAt == 0 {
			m.send(now, t, s, 1, out)
		}
	})
}

// next is who is served next: neighbours take turns, those that only take after all
// others.
func (m *Machine) next(now protocol.Time) (*transfer, *side) {
	var waiting []*side
	var of []*transfer
	gives := false
	m.eachWaiting(func(t *transfer, s *side) {
		waiting, of = append(waiting, s), append(of, t)
		gives = gives || !s.n.rides(now)
	})
	for range waiting {
		m.turn++
		k := m.turn % len(waiting)
		if n := waiting[k].n; !gives || !n.rides(now) || now.Sub(n.servedAt) >= alms {
			return of[k], waiting[k]
		}
	}
	return nil, nil
}

// rides reports whether a neighbour takes and does not give: it has never sent a piece,
// though it was asked long ago.
func (n *neighbour) rides(now protocol.Time) bool {
	return n.given == 0 && n.tried > 0 && now.Sub(n.triedAt) > freeRide
}

// busy reports whether somebody else than free riders has been served lately.
func (m *Machine) busy(now protocol.Time) bool {
	return slices.ContainsFunc(m.peers, func(n *neighbour) bool {
		return n.servedAt > 0 && now.Sub(n.servedAt) < lineSince && !n.rides(now)
	})
}

// forgetWants forgets what free riders have waited for too long: they have asked others
// since.
func (m *Machine) forgetWants(now protocol.Time) {
	m.eachWaiting(func(_ *transfer, s *side) {
		if s.n.rides(now) && now.Sub(s.wantedAt) > wantLife {
			s.wants = nil
		}
	})
}

// send has the first k pieces that a neighbour waits for sent, and returns their bytes.
func (m *Machine) send(now protocol.Time, t *transfer, s *side, k int, out *protocol.Outbox) (bytes int) {
	pieces := slices.Clone(s.wants[:k])
	s.wants = s.wants[k:]
	if len(s.wants) == 0 {
		s.wants = nil
	}
	for _, p := range pieces {
		bytes += t.layout.Len(int(p))
	}
	m.stats.Sent += uint64(k)
	m.stats.SentBytes += uint64(bytes)
	m.line.add(now, bytes)
	s.n.servedAt = now
	out.Add(FetchPieces{To: s.n.id, Topic: m.cfg.Topic, Object: protocol.ObjectLarge, Root: t.root, Pieces: pieces, Expires: now.Add(wantLife)})
	if s.shown != nil {
		for _, p := range pieces {
			t.seed.sent(now, s, p)
		}
		t.seed.topUp(now, t, s)
		m.tellSide(now, t, s, out)
	}
	return bytes
}
