package antientropy

import (
	"math/rand/v2"

	"github.com/quilt-p2p/quilt/protocol"
)

// Open repairs one open topic, whose items have no order but that of their keys.
// It implements protocol.Machine and protocol.Explainer.
type Open struct {
	engine
	keys  *keySet
	floor Key // nothing below is wanted or offered

	tellAt protocol.Time // when to tell the neighbours of repaired items
	news   []news        // those items; at most maxNews
	much   bool          // there were more
}

// topicState is what goes on with a neighbour about an open topic.
type topicState struct {
	session  *session // opened here
	sessions int      // how many have begun, whoever opened them
	failures int      // in a row without a reply
	due      protocol.Time
	last     protocol.Time // when the last one began
	heard    protocol.Time // when its last message came
	wants    []Key         // what it has and we lack; ascending, at most MaxWants
	more     bool          // it may have more: reconcile when wants is empty
	source   bool          // see maxSources
}

func newTopicState() topicState { return topicState{due: protocol.Never} }

// NewOpen returns the machine of an open topic. keys are what is on disk, in any
// order. It panics on a Config that does not validate.
func NewOpen(cfg Config, keys []Key, rng *rand.Rand) *Open {
	m := &Open{
		engine: newEngine(cfg, rng),
		keys:   newKeySet(keys),
		tellAt: protocol.Never,
	}
	m.raiseFloor(cfg.Floor)
	m.limit()
	return m
}

// Handle implements protocol.Machine.
func (m *Open) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	if m.stopped {
		return
	}
	switch in := in.(type) {
	case protocol.Received:
		m.receive(now, in, out)
	case protocol.Accepted:
		p := pending{seq: in.Item.Seq, from: in.From, repaired: in.Repaired}
		m.pending.add(now, in.Item.ID, p)
	case protocol.Duplicate:
		m.stats.Duplicates++ // and stays pending, see Owned
	case protocol.Rejected:
		if _, ok := m.pending.take(in.ID); ok {
			m.rejected(now, in, out)
		}
	case Held:
		m.hold(now, in.Item)
	case Lost:
		m.pending.take(in.ID)
		m.storeFailed(now)
		m.dirty = true
	case Dropped:
		m.raiseFloor(in.Low)
	default:
		for _, n := range m.link(now, in) {
			m.greet(now, n)
		}
	}
	m.run(now, out)
}

// Advance implements protocol.Machine.
func (m *Open) Advance(now protocol.Time, out *protocol.Outbox) {
	if !m.stopped {
		m.run(now, out)
	}
}

// receive takes in a message.
func (m *Open) receive(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	n := m.known(in)
	if c, ok := in.Msg.(protocol.Carry); ok && in.From.Authenticated {
		m.onCarry(now, in.From.Peer, n, c, out)
		return
	}
	if n == nil {
		return
	}
	switch msg := in.Msg.(type) {
	case Reconcile:
		m.onReconcile(now, n, msg, out)
	case Want:
		m.onWant(now, n, msg, out)
	case Answer:
		m.onAnswer(now, n, msg, out)
	}
}

// run does what is due.
func (m *Open) run(now protocol.Time, out *protocol.Outbox) {
	if m.stopped {
		return
	}
	if len(m.pending.expire(now)) > 0 {
		m.dirty = true
	}
	if m.pace.due(now, m.rng) {
		if n := m.someone(); n != nil {
			n.topic.due = min(n.topic.due, now)
		}
	}
	if now >= m.tellAt {
		m.tellAt = protocol.Never
		m.tell(now, out)
	}
	for _, n := range m.nbrs {
		if n.pull != nil && now >= n.pull.deadline {
			m.expirePull(now, n, out)
		}
		m.sessions(now, n, out)
	}
	if m.dirty || now >= m.retryAt {
		m.askable(now, func(n *neighbour) { m.pullFrom(now, n, out) })
		for _, n := range m.nbrs {
			m.sessions(now, n, out) // wants may have run out
		}
	}
	m.deadline = protocol.Earliest(m.pending.next(), m.tellAt, m.pace.next, m.retryAt)
	for _, n := range m.nbrs {
		m.deadline = min(m.deadline, n.topic.due, m.releaseAt(n))
		if n.topic.session != nil {
			m.deadline = min(m.deadline, n.topic.session.deadline)
		}
		if n.pull != nil {
			m.deadline = min(m.deadline, n.pull.deadline)
		}
	}
}

// hold takes in that an item is on disk.
func (m *Open) hold(now protocol.Time, it *protocol.Item) {
	p := m.stored(now, it)
	k := KeyOf(it)
	if k.Compare(m.floor) < 0 || !m.keys.insert(k) {
		return
	}
	m.limit()
	if p.repaired {
		m.note(now, k, p.from)
	}
}

// limit gives up the oldest keys where there are too many.
func (m *Open) limit() {
	if n := m.keys.len(); n > MaxKeys {
		m.floor = m.keys.key(n - MaxKeys)
		m.keys.dropBelow(m.floor)
	}
}

// raiseFloor gives up the bucket of the sequence number low and all before it:
// part of the bucket may still be on disk, but keys cannot tell which.
func (m *Open) raiseFloor(low uint64) {
	bucket := BucketOf(low)
	if bucket == 0 {
		return
	}
	if floor := (Key{Bucket: bucket + 1}); floor.Compare(m.floor) > 0 {
		m.floor = floor
		m.keys.dropBelow(floor)
		m.dirty = true
	}
}
