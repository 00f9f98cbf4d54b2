package swarm

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// upkeep does what is due for a transfer that has a place.
func (m *Machine) upkeep(now protocol.Time, t *transfer, out *protocol.Outbox) {
	if t.phase == noRoom && now >= t.openAt {
		t.phase = opening
		out.Add(Open{Topic: m.cfg.Topic, Root: t.root, Item: t.item})
	}
	if t.phase != fetching {
		return
	}
	m.tell(now, t, out)
	for _, s := range t.sides {
		m.request(now, t, s, out)
	}
	m.endgame(now, t, out)
	if now >= t.askAt && len(t.requests) == 0 {
		for _, n := range m.peers {
			m.introduce(now, t, t.side(n), out)
		}
		t.askAt = now.Add(t.askPause + time.Duration(m.rng.Int64N(int64(t.askPause)/4)))
		t.askPause = min(2*t.askPause, askSeldom)
	}
}

// room is how many more pieces may be asked of a neighbour.
func (m *Machine) room(now protocol.Time, n *neighbour) int {
	if n.shunned || n.suspected || now < n.quietUntil || m.inFlight >= MaxInFlight {
		return 0
	}
	return int(n.window) - n.asked
}

// request asks a neighbour for as many pieces as it may be asked for.
func (m *Machine) request(now protocol.Time, t *transfer, s *side, out *protocol.Outbox) {
	var batch []uint32
	for s.useful > 0 && len(batch) < MaxWant && m.room(now, s.n) > 0 {
		list, k := m.choose(t, s)
		if k < 0 {
			break
		}
		i := t.unlack(list, k)
		t.state[i] = asked
		m.ask(now, t, s, i)
		batch = append(batch, uint32(i))
	}
	m.want(now, t, s, batch, out)
}

// ask notes that a piece is asked of a neighbour.
func (m *Machine) ask(now protocol.Time, t *transfer, s *side, i int) {
	t.requests = append(t.requests, request{uint32(i), s, now})
	s.n.asked++
	if s.n.tried++; s.n.tried == 1 {
		s.n.triedAt = now
	}
	m.inFlight += t.layout.Len(i)
}

func (m *Machine) want(now protocol.Time, t *transfer, s *side, batch []uint32, out *protocol.Outbox) {
	if len(batch) > 0 {
		slices.Sort(batch)
		out.Send(s.n.id, Want{t.root, batch}, protocol.Control, now.Add(patience))
	}
}

// choose picks the piece that fewest neighbours have, of those that this one has: an
// index piece if there is one. It returns the list that has it and where; -1 for none.
func (m *Machine) choose(t *transfer, s *side) (list *[]uint32, k int) {
	for k, p := range t.index {
		if s.hasPiece(int(p)) {
			return &t.index, k
		}
	}
	best := -1
	n := len(t.lacking)
	if n == 0 {
		return nil, -1
	}
	at := m.rng.IntN(n)
	for range min(n, scanMost) {
		p := int(t.lacking[at])
		if s.hasPiece(p) && (best < 0 || t.avail[p] < t.avail[t.lacking[best]]) {
			best = at
			if t.avail[p] <= 1 {
				break
			}
		}
		if at++; at == n {
			at = 0
		}
	}
	return &t.lacking, best
}

// endgame asks a second neighbour for what is late, when nothing else is left to ask
// for: or the slowest would decide when all is here.
func (m *Machine) endgame(now protocol.Time, t *transfer, out *protocol.Outbox) {
	if len(t.lacking)+len(t.index) > 0 {
		return
	}
	for _, r := range slices.Clone(t.requests) {
		i := int(r.piece)
		if now.Sub(r.at) < max(endgameAge, 2*r.side.n.took) || t.askedOf(i) > 1 {
			continue
		}
		for _, s := range t.sides {
			if s != r.side && s.hasPiece(i) && m.room(now, s.n) > 0 {
				m.ask(now, t, s, i)
				m.want(now, t, s, []uint32{r.piece}, out)
				break
			}
		}
	}
}

// askedOf is of how many neighbours a piece is asked.
func (t *transfer) askedOf(i int) (n int) {
	for _, r := range t.requests {
		if int(r.piece) == i {
			n++
		}
	}
	return n
}

// drop takes back the k-th request; what nobody else is asked for is missing again.
func (m *Machine) drop(t *transfer, k int) {
	r := t.requests[k]
	t.requests = slices.Delete(t.requests, k, k+1)
	i := int(r.piece)
	r.side.n.asked--
	m.inFlight -= t.layout.Len(i)
	if t.state[i] == asked && t.askedOf(i) == 0 {
		t.lack(i)
	}
}

// takeBack takes back all that a neighbour was asked for.
func (m *Machine) takeBack(n *neighbour) {
	for _, t := range m.fetching {
		for k := len(t.requests) - 1; k >= 0; k-- {
			if t.requests[k].side.n == n {
				m.drop(t, k)
			}
		}
	}
}

// expire takes back what has not come in time.
func (m *Machine) expire(now protocol.Time, out *protocol.Outbox) {
	var late []*neighbour
	for _, t := range m.fetching {
		for k := len(t.requests) - 1; k >= 0; k-- {
			n := t.requests[k].side.n
			if now.Sub(t.requests[k].at) < max(patience, patienceFactor*n.took) {
				continue
			}
			m.drop(t, k)
			if !slices.Contains(late, n) {
				late = append(late, n)
			}
		}
	}
	for _, n := range late {
		n.window = max(1, n.window/2)
		if n.strikes++; n.strikes >= maxStrikes {
			n.strikes = maxStrikes - 1
			n.quietUntil = now.Add(quietFor)
			m.takeBack(n)
			out.Note("swarm.quiet", n.id, protocol.ItemID{}, 0)
		}
	}
}

// takeSorry takes back what a neighbour will not send.
func (m *Machine) takeSorry(now protocol.Time, n *neighbour, msg Sorry, out *protocol.Outbox) {
	t := m.byRoot[msg.Root]
	if t == nil || t.phase != fetching {
		return
	}
	s := t.side(n)
	for k := len(t.requests) - 1; k >= 0; k-- {
		if r := t.requests[k]; r.side == s && slices.Contains(msg.Pieces, r.piece) {
			t.without(s, int(r.piece))
			m.drop(t, k)
			n.tried-- // it has said so
		}
	}
	n.window = max(1, n.window/2)
	for _, o := range t.sides {
		if o != s {
			m.request(now, t, o, out)
		}
	}
}

// without notes that a neighbour does not have a piece after all.
func (t *transfer) without(s *side, i int) {
	has := s.has
	if s.all {
		has = large.AllBits(t.pieces)
	}
	if has == nil || !has.Has(i) {
		return
	}
	has = slices.Clone(has)
	has.Clear(i)
	t.count(s, has, false)
}
