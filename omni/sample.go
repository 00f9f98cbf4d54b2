package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// sampleFirst and sampleLast are the shortest and the longest pause between two
	// messages with samples; it grows by a half each time (our guesses).
	sampleFirst = 400 * time.Millisecond
	sampleLast  = 5 * time.Second
	// aimed is how many samples in a message are chosen for who gets them, drawn how many
	// more are drawn. This peer's own comes first.
	aimed = 6
	drawn = 2
	// contest is of how many the one to be sent is the best (our guess).
	contest = 12
	// nearOdds: one exchange in so many is with a peer drawn from all (our guess).
	nearOdds = 3
	// answerPause is the least time between two answers to one peer.
	answerPause = 300 * time.Millisecond
	// usualValue is the value for which a place's price is reckoned for others.
	usualValue = 4
)

// sample is a Sample and when it was true.
type sample struct {
	Sample
	at protocol.Time
	// from told of it last, and may know its address.
	from protocol.PeerID
	// root is the key of the root of the tree in which it stands there.
	root uint64
	// rtt is the round trip, where this peer has measured it; 0 for never.
	rtt time.Duration
}

// distance is the round trip to the member: measured, or foretold from here.
func (s *sample) distance(here Coordinate) time.Duration {
	if s.rtt > 0 {
		return s.rtt
	}
	return Distance(here, s.At)
}

// sampleTable holds the samples, in no order that matters but a fixed one.
type sampleTable struct {
	list  []sample
	index map[protocol.PeerID]int // for lookup only
}

func newSampleTable() sampleTable {
	return sampleTable{index: make(map[protocol.PeerID]int)}
}

func (t *sampleTable) get(p protocol.PeerID) *sample {
	if i, ok := t.index[p]; ok {
		return &t.list[i]
	}
	return nil
}

// put takes a sample in if it is later than what is known of the peer. Beyond
// MaxSamples the oldest goes.
func (t *sampleTable) put(s sample) {
	if old := t.get(s.Peer); old != nil {
		if s.at > old.at {
			s.rtt = max(s.rtt, old.rtt)
			*old = s
		}
		return
	}
	if len(t.list) < MaxSamples {
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

func (t *sampleTable) remove(p protocol.PeerID) {
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
func (t *sampleTable) expire(now protocol.Time) {
	for i := 0; i < len(t.list); {
		if now.Sub(t.list[i].at) > sampleLife {
			t.remove(t.list[i].Peer)
		} else {
			i++
		}
	}
}

// own is what this peer says of itself.
func (m *Machine) own() Sample {
	s := m.state(nil)
	return Sample{Peer: m.self, At: s.At, Latency: s.Latency, Offer: s.Offer, Spare: s.Spare, Price: s.Price, Reach: s.Reach, Weight: m.weight, Door: m.door(), Addr: m.addr}
}

// door is a public peer that is linked to this one, for whom wants to punch a way in:
// the parent rather than others, for it stays.
func (m *Machine) door() protocol.PeerID {
	if m.nics.reach() != ReachPunch {
		return ""
	}
	if m.parent != nil && m.parent.state.Reach == ReachPublic {
		return m.parent.id
	}
	var best *peer
	for _, p := range m.peers.order {
		if p.speaks() && p.heard > 0 && p.state.Reach == ReachPublic && (p.child || p.source || p.watcher || p.member) &&
			(best == nil || p.rtt < best.rtt) {
			best = p
		}
	}
	if best == nil {
		return ""
	}
	return best.id
}

// sendSamples tells a peer of this one and some others, drawn at random.
func (m *Machine) sendSamples(now protocol.Time, to *peer, answer bool, out *protocol.Outbox) {
	var list []Sample
	if m.attached() {
		list = append(list, m.own())
	}
	add := func(s *sample) {
		age := now.Sub(s.at)
		if s.Peer == to.id || s.root != m.rootKey() || age > sampleLife/2 || slices.ContainsFunc(list, func(o Sample) bool { return o.Peer == s.Peer }) {
			return
		}
		c := s.Sample
		c.Age = age.Round(time.Second)
		list = append(list, c)
	}
	for i := range aimed + drawn {
		if len(m.samples.list) == 0 {
			break
		}
		if i < drawn {
			add(&m.samples.list[m.rng.IntN(len(m.samples.list))])
		} else if s := m.bestFor(to); s != nil {
			add(s)
		}
	}
	if len(list) > 0 {
		out.Send(to.id, Samples{Answer: answer, Root: m.rootKey(), Epoch: m.epoch, List: list}, protocol.Control, now.Add(2*time.Second))
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

// bestFor returns a sample that promises to be a good parent of a peer: the best of a
// few drawn at random. So everybody soon knows whom to try (a greedy exchange, as in
// T-Man; Jelasity, Montresor, Babaoglu, 2009), and does not hear of the same ones only.
func (m *Machine) bestFor(to *peer) *sample {
	var best *sample
	least := time.Duration(0)
	for range contest {
		s := &m.samples.list[m.rng.IntN(len(m.samples.list))]
		if s.Peer == to.id || s.root != m.rootKey() {
			continue
		}
		d := s.Offer + Distance(s.At, to.state.At)/2
		if s.Spare == 0 {
			d += s.Price / usualValue
		}
		if best == nil || d < least {
			best, least = s, d
		}
	}
	return best
}

// exchange sends samples to a peer with a link: rather to one that is near, for what
// serves it serves this one too, but not always, or news would stay where it is.
func (m *Machine) exchange(now protocol.Time, out *protocol.Outbox) {
	m.sampleAt = now.Add(m.jitter(m.sampleEvery))
	m.sampleEvery = min(m.sampleEvery*17/16, sampleLast)
	m.samples.expire(now)
	var near []*peer
	for _, p := range m.peers.order {
		if p.speaks() && p.heard > 0 {
			near = append(near, p)
		}
	}
	if len(near) == 0 {
		return
	}
	to := near[m.rng.IntN(len(near))]
	if m.rng.IntN(nearOdds) > 0 {
		if p := near[m.rng.IntN(len(near))]; p.rtt < to.rtt {
			to = p
		}
		if p := near[m.rng.IntN(len(near))]; p.rtt < to.rtt {
			to = p
		}
	}
	m.sendSamples(now, to, false, out)
}

// takeSamples takes in what a peer says of members.
func (m *Machine) takeSamples(now protocol.Time, from protocol.PeerID, msg Samples, out *protocol.Outbox) {
	for _, s := range msg.List {
		if s.Peer == m.self || msg.Root != m.rootKey() && term(msg.Epoch) < term(m.epoch) {
			continue
		}
		m.samples.put(sample{Sample: s, at: now.Add(-s.Age), from: from, root: msg.Root})
		if s.Peer == from {
			if p := m.peers.find(from); p != nil {
				m.moved(p, s, msg.Epoch)
			}
		}
	}
	if term(msg.Epoch) > term(m.epoch) {
		m.look(now)
	}
	if p := m.peers.find(from); p != nil && !msg.Answer && now >= p.answerAt {
		p.answerAt = now.Add(answerPause)
		m.sendSamples(now, p, true, out)
	}
}
