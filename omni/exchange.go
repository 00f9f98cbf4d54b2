package omni

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// sampleFirst and sampleLast are the shortest and the longest pause between two
	// questions for samples. It grows by an eighth with each up to sampleSome, then by
	// three, and a better parent makes it shrink by two: often while there are gains, and
	// rarely afterwards (our guesses).
	sampleFirst = 300 * time.Millisecond
	sampleSome  = 2 * time.Second
	sampleLast  = 8 * time.Second
	slower      = 9 // eighths
	slowerYet   = 11
	quicker     = 6
	// staleSample is the age from which on a sample is asked for again (our guess).
	staleSample = 30 * time.Second
	// aimed is how many samples in an answer are the best for who asks of those that it
	// does not know, drawn how many more of those are drawn. The sender's own comes first.
	aimed = 14
	drawn = 2
	// partners: one question in so many goes to the parent, one to anybody with a link,
	// the others to somebody near (our guess).
	partners = 4
	// leastOf is how many tenths of the difference of two ways, a neighbour's to a member
	// and that to the neighbour, the third is at least taken to be: the triangle
	// inequality, which networks break a little (our guess). A member that coordinates have
	// too near is not looked at in vain.
	leastOf = 9
	// answerPause is the least time between two answers to one peer.
	answerPause = 200 * time.Millisecond
	// strangerPause is the least time between two answers to peers that have only come to
	// measure the way here, to all of them together (our guess).
	strangerPause = 25 * time.Millisecond
)

// Samples travel by question and answer. Who asks says by a sieve whom it knows of; the
// answer has the best of the others for it (a greedy exchange, as in T-Man; Jelasity,
// Montresor, Babaoglu, 2009), and how far they are from the sender where it has measured
// that: who is near then knows of ways that are shorter than coordinates foretell, which
// make the best parents. A member that offers more than when it was heard of last counts
// as news. So everybody soon knows the hosts that could be a better parent.

// question asks a peer for samples.
func (m *Machine) question(now protocol.Time, to *peer, out *protocol.Outbox) {
	me := m.own()
	msg := Samples{Root: m.rootKey(), Epoch: m.epoch, List: []Sample{me}, Salt: byte(m.rng.Uint32())}
	limit := me.limit()
	known := make([]*sample, 0, len(m.samples.list))
	for i := range m.samples.list {
		s := &m.samples.list[i]
		if s.root == m.rootKey() && now.Sub(s.at) < staleSample && m.dialable(s) && (s.rtt > 0 || s.hint > 0 || s.foretold(&me) < limit) {
			known = append(known, s)
		}
	}
	msg.Known = newSieve(len(known))
	for _, s := range known {
		msg.Known.add(msg.Salt, s.Peer, s.version())
	}
	out.Send(to.id, msg, protocol.Control, now.Add(2*time.Second))
}

// answer tells a peer what it may not know and could use.
func (m *Machine) answer(now protocol.Time, to protocol.PeerID, asked *Samples, out *protocol.Outbox) {
	msg := Samples{Answer: true, Root: m.rootKey(), Epoch: m.epoch}
	if m.attached() {
		msg.List = append(msg.List, m.own())
	}
	them := Sample{Latency: maxLatency}
	if s := m.samples.get(to); s != nil && s.root == m.rootKey() {
		them = s.told(now) // it has just said it of itself
	} else if p := m.peers.find(to); p != nil {
		them.Reach, them.At = p.state.Reach, p.state.At
	}
	limit, away := them.limit(), vivaldi.Distance(them.At, m.place.Coordinate())
	var news, others []choice
	for i := range m.samples.list {
		s := &m.samples.list[i]
		if s.Peer == to || s.offer == pack(maxLatency) || s.root != m.rootKey() || now.Sub(s.at) > sampleLife/2 || !linkable(them.Reach, s.Reach) || s.behind() && s.door == nil {
			continue
		}
		c := choice{s, s.foretold(&them)}
		if s.rtt > 0 {
			c.predicted = min(c.predicted, s.foretoldBy(&them, s.rtt.duration()+away))
		}
		switch {
		case asked.Known.has(asked.Salt, s.Peer, s.version()):
		case c.predicted < limit:
			news = append(news, c)
		default:
			others = append(others, c)
		}
	}
	slices.SortFunc(news, byPrediction)
	if len(news) > aimed {
		others, news = append(others, news[aimed:]...), news[:aimed]
	}
	for i := range min(len(others), drawn) {
		j := i + m.rng.IntN(len(others)-i)
		others[i], others[j] = others[j], others[i]
		news = append(news, others[i])
	}
	msg.List = slices.Grow(msg.List, len(news))
	for _, c := range news {
		msg.List = append(msg.List, c.s.told(now))
	}
	if len(msg.List) > 0 {
		out.Send(to, msg, protocol.Control, now.Add(2*time.Second))
	}
}

// choice is a sample that may be told, and what it promises to who asked.
type choice struct {
	s         *sample
	predicted time.Duration
}

func byPrediction(a, b choice) int {
	return cmp.Or(cmp.Compare(a.predicted, b.predicted), cmp.Compare(a.s.Peer, b.s.Peer))
}

// linkable reports whether two peers can have a link, by who reaches them.
func linkable(a, b Reach) bool {
	return a == ReachPublic || b == ReachPublic || a == ReachPunch && b == ReachPunch || a == ReachUnknown || b == ReachUnknown
}

// exchange asks the parent, whom all its children tell of themselves; somebody near, for
// what serves it serves this one too; or any with a link, or news would stay where it is.
func (m *Machine) exchange(now protocol.Time, out *protocol.Outbox) {
	m.sampleAt = now.Add(m.jitter(m.sampleEvery))
	if m.sampleEvery < sampleSome {
		m.sampleEvery = m.sampleEvery * slower / 8
	} else {
		m.sampleEvery = min(m.sampleEvery*slowerYet/8, sampleLast)
	}
	m.samples.expire(now)
	var all []*peer
	for _, p := range m.peers.order {
		if p.speaks() && p.heard > 0 {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return
	}
	to := all[m.rng.IntN(len(all))]
	with := m.rng.IntN(partners)
	if m.news > 0 {
		with = partners - 1
		if m.news--; m.news > 0 {
			m.sampleAt = now.Add(m.jitter(sampleFirst))
		}
	}
	switch with {
	case 0:
		if m.parent != nil {
			to = m.parent
		}
	case partners - 2, partners - 1:
		if m.askMate(now, out) {
			return
		}
	}
	m.question(now, to, out)
}

// takeSamples takes in what a peer says of members, and answers a question.
func (m *Machine) takeSamples(now protocol.Time, from protocol.PeerID, msg Samples, out *protocol.Outbox) {
	p := m.peers.find(from)
	away := m.away(p, &msg)
	for _, s := range msg.List {
		if s.Peer == m.self || msg.Root != m.rootKey() && term(msg.Epoch) < term(m.epoch) {
			continue
		}
		known := keep(&s, now.Add(-s.Age), msg.Root)
		if s.Way > 0 && msg.Answer {
			known.hint = shorten(s.Way + away)
			if p != nil && p.rtt > 0 { // away is measured too
				known.least = shorten(max(s.Way-away, away-s.Way) * leastOf / 10)
			}
		}
		m.samples.put(known, m.worse)
		if s.Peer == from && p != nil {
			m.moved(p, s, msg.Epoch)
		}
	}
	if term(msg.Epoch) > term(m.epoch) {
		m.look(now)
	}
	switch {
	case msg.Answer:
	case p != nil && now >= p.answerAt:
		p.answerAt = now.Add(answerPause)
		m.answer(now, from, &msg, out)
	case p == nil && now >= m.strangerAt:
		m.strangerAt = now.Add(strangerPause)
		m.answer(now, from, &msg, out)
	}
}

// moved takes note of what a peer with a link says of itself among samples.
func (m *Machine) moved(p *peer, s Sample, epoch uint64) {
	p.state.At, p.state.Reach = s.At, s.Reach
	if p.rtt > 0 && p.linked {
		m.place.Update(p.rtt, s.At, m.rng)
	}
	if p.state.Attached && p != m.parent {
		p.state.Latency, p.state.Offer, p.state.Prime, p.state.Spare, p.state.Price, p.state.Epoch = s.Latency, s.Offer, s.Prime, s.Spare, s.Price, max(epoch, p.state.Epoch)
	}
}
