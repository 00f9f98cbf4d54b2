package antientropy

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// sessionEvery is the least time between two reconciliations with one
	// neighbour for the sake of news alone (our guess).
	sessionEvery = time.Second
	// yield is how long who has the greater ID leaves it to a new neighbour to
	// open the reconciliation.
	yield = 500 * time.Millisecond
	// maxNews: more repaired items than this are not listed to the other
	// neighbours, but reconciled with them.
	maxNews = 64
)

// session is a reconciliation opened here; who answers keeps no state.
type session struct {
	id       uint32
	round    uint8 // of the message sent last
	deadline protocol.Time
}

// news is a repaired item and who brought it.
type news struct {
	key  Key
	from protocol.PeerID
}

// greet reconciles with a new neighbour, or one that speaks again.
func (m *Open) greet(now protocol.Time, n *neighbour) {
	n.topic.due = now
	if m.cfg.Self > n.peer {
		n.topic.due = now.Add(jitter(yield, m.rng))
	}
}

// sessions gives up a session that got no reply, and opens one that is due.
func (m *Open) sessions(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	t := &n.topic
	if s := t.session; s != nil && now >= s.deadline {
		t.session = nil
		t.failures++
		out.Note("repair.silent", n.peer, protocol.ItemID{}, int64(t.failures))
		if t.failures < forgetAfter {
			t.due = now.Add(jitter(backoffAfter(t.failures), m.rng))
		}
	}
	if !n.usable() || now >= m.releaseAt(n) {
		t.source = false
	}
	if t.more && t.idle(n) && n.usable() && now >= n.backoff && m.hasSlot(n) {
		t.more, t.source, t.heard = false, true, now
		t.due = now
	}
	if now < t.due {
		return
	}
	t.due = protocol.Never
	if t.session == nil && n.usable() {
		m.open(now, n, out)
	}
}

// open begins a session.
func (m *Open) open(now protocol.Time, n *neighbour, out *protocol.Outbox) {
	m.stats.Sessions++
	n.topic.session = &session{id: m.nextToken()}
	m.began(now, n)
	m.say(now, n, m.keys.opening(m.floor, m.rng), out)
}

// began notes that a session with a neighbour has begun.
func (m *Open) began(now protocol.Time, n *neighbour) {
	n.topic.sessions++
	n.topic.last = now
}

// say sends the next message of the session opened here.
func (m *Open) say(now protocol.Time, n *neighbour, ranges []KeyRange, out *protocol.Outbox) {
	s := n.topic.session
	s.deadline = now.Add(n.patience())
	msg := Reconcile{Session: s.id, Round: s.round, Ranges: ranges}
	out.Send(n.peer, msg, protocol.Control, s.deadline)
}

// onReconcile takes in a message of a session.
func (m *Open) onReconcile(now protocol.Time, n *neighbour, msg Reconcile, out *protocol.Outbox) {
	if msg.Round%2 == 1 {
		m.onReply(now, n, msg, out)
		return
	}
	if !n.serve.take(now) {
		m.stats.Refused++
		return
	}
	if msg.Round == 0 && msg.Session != 0 {
		// This one will do for both directions.
		n.topic.due = protocol.Never
		m.began(now, n)
	}
	reply := m.answer(now, n, msg)
	if msg.Session != 0 && msg.Round < MaxRounds-1 {
		answer := Reconcile{Session: msg.Session, Round: msg.Round + 1, Ranges: reply}
		out.Send(n.peer, answer, protocol.Control, now.Add(controlFor))
	}
}

// onReply goes on with a session opened here, until there is nothing more to say
// or enough to pull.
func (m *Open) onReply(now protocol.Time, n *neighbour, msg Reconcile, out *protocol.Outbox) {
	s := n.topic.session
	if s == nil || msg.Session != s.id || msg.Round != s.round+1 {
		return
	}
	n.topic.failures = 0
	reply := m.answer(now, n, msg)
	s.round += 2
	if len(reply) == 0 || s.round >= MaxRounds || len(n.topic.wants) == MaxWants {
		n.topic.session = nil
		n.topic.more = n.topic.more || len(reply) > 0
		return
	}
	m.say(now, n, reply, out)
}

// answer takes in what a message says and returns what to say in return.
func (m *Open) answer(now protocol.Time, n *neighbour, msg Reconcile) []KeyRange {
	t := &n.topic
	reply, lacking, unasked := m.keys.answer(m.floor, msg.Ranges, !m.hasSlot(n))
	t.heard = now
	t.more = t.more || unasked
	if len(lacking) > fewMissing && m.hasSlot(n) {
		t.source = true
	}
	// The first reconciliation with a neighbour is about the past.
	m.want(now, n, lacking, msg.Session != 0 && t.sessions <= 1)
	return reply
}

// note remembers a repaired item for the other neighbours.
func (m *Open) note(now protocol.Time, k Key, from protocol.PeerID) {
	m.tellAt = min(m.tellAt, now.Add(m.cfg.Debounce))
	if len(m.news) == maxNews {
		m.much = true
		return
	}
	m.news = append(m.news, news{k, from})
}

// tell lists a few repaired items to the neighbours that did not bring them;
// where there are many, it reconciles instead.
func (m *Open) tell(now protocol.Time, out *protocol.Outbox) {
	for _, n := range m.nbrs {
		if !n.usable() {
			continue
		}
		if t := &n.topic; m.much && len(t.wants) > 0 {
			t.more = true // reconcile when these are here
			continue
		}
		if m.much {
			next := max(now, n.topic.last.Add(sessionEvery))
			n.topic.due = min(n.topic.due, next)
			continue
		}
		var keys []Key
		for _, it := range m.news {
			if it.from != n.peer && it.key.Compare(m.floor) >= 0 {
				keys = append(keys, it.key)
			}
		}
		if len(keys) > 0 {
			slices.SortFunc(keys, Key.Compare)
			have := []KeyRange{{Upper: end, Mode: ModeHave, Keys: keys}}
			out.Send(n.peer, Reconcile{Ranges: have}, protocol.Control, now.Add(controlFor))
		}
	}
	m.news, m.much = nil, false
}
