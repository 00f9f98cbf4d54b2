package donet

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// membersFirst and membersLast are the shortest and the longest pause between two
	// messages with members; it grows by a sixteenth each time (our guesses).
	membersFirst = 400 * time.Millisecond
	membersLast  = 6 * time.Second
	// aimed is how many members in a message are chosen for who gets them, drawn how many
	// more are drawn; contest of how many the chosen one is the best (our guesses).
	aimed, drawnMembers, contest = 6, 3, 12
	// nearOdds: one exchange in so many is with a peer drawn from all (our guess).
	nearOdds = 3
	// memberLife is how long what is known of a member is believed.
	memberLife = 90 * time.Second
	// answerPause is the least time between two answers to one peer.
	answerPause = 300 * time.Millisecond
)

// member is a Member and when it was true.
type member struct {
	Member
	tag Tag
	at  protocol.Time
	// rtt is the round trip, where this peer has measured it; 0 for never.
	rtt time.Duration
}

// distance is the round trip to the member: measured, or foretold from here.
func (s *member) distance(here vivaldi.Coordinate) time.Duration {
	if s.rtt > 0 {
		return s.rtt
	}
	return vivaldi.Distance(here, s.At)
}

// memberTable holds what is known of members, in no order that matters but a fixed one.
type memberTable struct {
	list  []member
	index map[protocol.PeerID]int // for lookup only
}

func newMemberTable() memberTable { return memberTable{index: make(map[protocol.PeerID]int)} }

func (t *memberTable) get(p protocol.PeerID) *member {
	if i, ok := t.index[p]; ok {
		return &t.list[i]
	}
	return nil
}

// addr is where a member is said to be.
func (t *memberTable) addr(p protocol.PeerID) string {
	if s := t.get(p); s != nil {
		return s.Addr
	}
	return ""
}

// put takes in what is later than what is known. Beyond MaxMembers the oldest goes.
func (t *memberTable) put(s member) {
	if old := t.get(s.Peer); old != nil {
		if s.at > old.at {
			s.rtt = max(s.rtt, old.rtt)
			*old = s
		}
		return
	}
	if len(t.list) < MaxMembers {
		t.index[s.Peer] = len(t.list)
		t.list = append(t.list, s)
		return
	}
	oldest := 0
	for i := range t.list {
		if t.list[i].at < t.list[oldest].at {
			oldest = i
		}
	}
	if t.list[oldest].at < s.at {
		delete(t.index, t.list[oldest].Peer)
		t.list[oldest] = s
		t.index[s.Peer] = oldest
	}
}

func (t *memberTable) remove(p protocol.PeerID) {
	i, ok := t.index[p]
	if !ok {
		return
	}
	last := len(t.list) - 1
	t.list[i] = t.list[last]
	t.index[t.list[i].Peer] = i
	t.list = t.list[:last]
	delete(t.index, p)
}

// expire forgets what is too old.
func (t *memberTable) expire(now protocol.Time) {
	for i := 0; i < len(t.list); {
		if now.Sub(t.list[i].at) > memberLife {
			t.remove(t.list[i].Peer)
		} else {
			i++
		}
	}
}

// draw returns one of the members for which ok holds, nil for none.
func (t *memberTable) draw(rng *rand.Rand, ok func(*member) bool) *member {
	if len(t.list) == 0 {
		return nil
	}
	from := rng.IntN(len(t.list))
	for i := range t.list {
		if s := &t.list[(from+i)%len(t.list)]; ok(s) {
			return s
		}
	}
	return nil
}

// guide is the stream whose spanning part members are told of: the one all share.
func (m *Machine) guide() *stream {
	if st := m.streams.base(); st != nil {
		return st
	}
	if trees := m.streams.trees(); len(trees) > 0 {
		return trees[0]
	}
	return nil
}

// placedAt takes note of where a peer says to be.
func (m *Machine) placedAt(p *peer, at vivaldi.Coordinate) {
	p.at, p.placed = at, true
	if p.rtt > 0 && p.linked {
		m.place.Update(p.rtt, at, m.rng)
	}
}

// own is what this peer says of itself.
func (m *Machine) own(st *stream) Member {
	x := Member{Peer: m.self, At: m.place.Coordinate(), Reach: m.nics.reach(), Addr: m.addr, Lag: maxLag, Base: maxLag}
	if st != nil && st.attached() {
		s := m.stand(st, nil)
		x.Lag, x.Base, x.Spare = s.Lag, s.Base, min(s.Spare, maxSpare)
	}
	return x
}

// sendMembers tells a peer of this one and some others.
func (m *Machine) sendMembers(now protocol.Time, to *peer, answer bool, out *protocol.Outbox) {
	st := m.guide()
	msg := Members{Answer: answer, List: []Member{m.own(st)}}
	if st != nil {
		msg.Tag = st.tag
	}
	add := func(s *member) {
		age := now.Sub(s.at)
		known := func(o Member) bool { return o.Peer == s.Peer }
		if s.Peer == to.id || s.tag != msg.Tag || age > memberLife/2 || m.grudges.has(now, s.Peer) || slices.ContainsFunc(msg.List, known) {
			return
		}
		c := s.Member
		c.Age = age.Round(time.Second)
		msg.List = append(msg.List, c)
	}
	for i := range aimed + drawnMembers {
		if len(m.members.list) == 0 {
			break
		}
		s := &m.members.list[m.rng.IntN(len(m.members.list))]
		for k := 1; i < aimed && k < contest; k++ {
			o := &m.members.list[m.rng.IntN(len(m.members.list))]
			if o.Peer != to.id && m.promise(o, to) < m.promise(s, to) {
				s = o
			}
		}
		add(s)
	}
	out.Send(to.id, msg, protocol.Control, now.Add(2*time.Second))
}

// promise is what lag a peer may expect at a member.
func (m *Machine) promise(s *member, to *peer) time.Duration {
	d := s.Base + vivaldi.Distance(s.At, to.at)/2
	if s.Spare == 0 {
		d += d / 8
	}
	return d
}

// exchangeMembers sends members to a peer with a link: rather to one that is near, for
// what serves it serves this one too, but not always, or news would stay where it is.
func (m *Machine) exchangeMembers(now protocol.Time, out *protocol.Outbox) {
	m.membersAt = now.Add(m.jitter(m.membersEvery))
	m.membersEvery = min(m.membersEvery*17/16, membersLast)
	m.members.expire(now)
	var near []*peer
	for _, p := range m.peers.order {
		if p.speaks() {
			near = append(near, p)
		}
	}
	if len(near) == 0 {
		return
	}
	to := near[m.rng.IntN(len(near))]
	if m.rng.IntN(nearOdds) > 0 {
		for range 2 {
			if p := near[m.rng.IntN(len(near))]; p.roundTrip() < to.roundTrip() {
				to = p
			}
		}
	}
	m.sendMembers(now, to, false, out)
}

// takeMembers takes in what a peer says of members.
func (m *Machine) takeMembers(now protocol.Time, p *peer, msg Members, out *protocol.Outbox) {
	for _, x := range msg.List {
		if x.Peer == m.self {
			continue
		}
		s := member{Member: x, tag: msg.Tag, at: now.Add(-x.Age)}
		if x.Peer == p.id {
			m.placedAt(p, x.At)
			s.rtt = p.rtt
		}
		m.members.put(s)
	}
	if !msg.Answer && now >= p.answerAt {
		p.answerAt = now.Add(answerPause)
		m.sendMembers(now, p, true, out)
	}
}
