package omni

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// sampleFirst and sampleLast are the shortest and the longest pause between two
	// questions for samples; it grows by a twelfth each time: who has just come asks
	// often (our guesses).
	sampleFirst = 300 * time.Millisecond
	sampleLast  = 8 * time.Second
	// aimed is how many samples in an answer are the best for who asks of those that it
	// does not know, drawn how many more of those are drawn, renewed how many it knows
	// are told once more, of the best that were heard of lately. The sender's own comes
	// first.
	aimed   = 20
	drawn   = 6
	renewed = 4
	// partners: one question in so many goes to the parent, one to somebody near, one to
	// anybody (our guess).
	partners = 3
	// answerPause is the least time between two answers to one peer.
	answerPause = 200 * time.Millisecond
	// fresh is the age up to which a sample is told to who knows of the member (our
	// guess).
	fresh = 3 * time.Second
)

// Samples travel by question and answer. Who asks says by a sieve whom it knows of; the
// answer has the best of the others for it (a greedy exchange, as in T-Man; Jelasity,
// Montresor, Babaoglu, 2009). So a message brings news only, and everybody soon knows
// all hosts that could be a better parent.

// question asks a peer for samples.
func (m *Machine) question(now protocol.Time, to *peer, out *protocol.Outbox) {
	msg := Samples{Root: m.rootKey(), Epoch: m.epoch, List: []Sample{m.own()}, Salt: byte(m.rng.Uint32())}
	known := make([]protocol.PeerID, 0, len(m.samples.list))
	for i := range m.samples.list {
		if s := &m.samples.list[i]; s.root == m.rootKey() {
			known = append(known, s.Peer)
		}
	}
	msg.Known = newSieve(len(known))
	for _, p := range known {
		msg.Known.add(msg.Salt, p)
	}
	out.Send(to.id, msg, protocol.Control, now.Add(2*time.Second))
}

// answer tells a peer what it may not know and could use.
func (m *Machine) answer(now protocol.Time, to *peer, asked *Samples, out *protocol.Outbox) {
	msg := Samples{Answer: true, Root: m.rootKey(), Epoch: m.epoch}
	if m.attached() {
		msg.List = append(msg.List, m.own())
	}
	them := Sample{Reach: to.state.Reach, At: to.state.At, Latency: maxLatency}
	if s := m.samples.get(to.id); s != nil && s.root == m.rootKey() {
		them = s.Sample
	}
	limit := them.Latency + them.Latency/8 + 2*time.Millisecond
	var news, others, again []choice
	for i := range m.samples.list {
		s := &m.samples.list[i]
		if s.Peer == to.id || s.Offer == maxLatency || s.root != m.rootKey() || now.Sub(s.at) > sampleLife/2 || !linkable(them.Reach, s.Reach) {
			continue
		}
		c := choice{s, s.Offer + Distance(s.At, them.At)/2}
		if s.Spare == 0 {
			c.predicted += s.Price / usualValue
		}
		switch known := asked.Known.has(asked.Salt, s.Peer); {
		case known && now.Sub(s.at) <= fresh && c.predicted < limit:
			again = append(again, c)
		case known:
		case c.predicted < limit:
			news = append(news, c)
		default:
			others = append(others, c)
		}
	}
	slices.SortFunc(news, byPrediction)
	slices.SortFunc(again, byPrediction)
	if len(news) > aimed {
		others, news = append(others, news[aimed:]...), news[:aimed]
	}
	for i := range min(len(others), drawn) {
		j := i + m.rng.IntN(len(others)-i)
		others[i], others[j] = others[j], others[i]
		news = append(news, others[i])
	}
	for _, c := range append(news, again[:min(len(again), renewed)]...) {
		told := c.s.Sample
		told.Age = now.Sub(c.s.at)
		msg.List = append(msg.List, told)
	}
	if len(msg.List) > 0 {
		out.Send(to.id, msg, protocol.Control, now.Add(2*time.Second))
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

// exchange asks a peer with a link: the parent, whom all its children tell of themselves;
// one that is near, for what serves it serves this one too; or any, or news would stay
// where it is.
func (m *Machine) exchange(now protocol.Time, out *protocol.Outbox) {
	m.sampleAt = now.Add(m.jitter(m.sampleEvery))
	m.sampleEvery = min(m.sampleEvery*13/12, sampleLast)
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
	switch m.rng.IntN(partners) {
	case 0:
		if m.parent != nil {
			to = m.parent
		}
	case 1:
		for range 2 {
			if p := all[m.rng.IntN(len(all))]; p.rtt < to.rtt {
				to = p
			}
		}
	}
	m.question(now, to, out)
}

// takeSamples takes in what a peer says of members, and answers a question.
func (m *Machine) takeSamples(now protocol.Time, from protocol.PeerID, msg Samples, out *protocol.Outbox) {
	p := m.peers.find(from)
	for _, s := range msg.List {
		if s.Peer == m.self || msg.Root != m.rootKey() && term(msg.Epoch) < term(m.epoch) {
			continue
		}
		m.samples.put(sample{Sample: s, at: now.Add(-s.Age), from: from, root: msg.Root})
		if s.Peer == from && p != nil {
			m.moved(p, s, msg.Epoch)
		}
	}
	if term(msg.Epoch) > term(m.epoch) {
		m.look(now)
	}
	if p != nil && !msg.Answer && now >= p.answerAt {
		p.answerAt = now.Add(answerPause)
		m.answer(now, p, &msg, out)
	}
}

// moved takes note of what a peer with a link says of itself among samples.
func (m *Machine) moved(p *peer, s Sample, epoch uint64) {
	p.state.At, p.state.Reach = s.At, s.Reach
	if p.rtt > 0 && p.linked {
		m.place.update(p.rtt, s.At, m.rng)
	}
	if p.state.Attached && p != m.parent {
		p.state.Latency, p.state.Offer, p.state.Spare, p.state.Price, p.state.Epoch = s.Latency, s.Offer, s.Spare, s.Price, max(epoch, p.state.Epoch)
	}
}
