package antientropy

import (
	"math/rand/v2"

	"github.com/quilt-p2p/quilt/protocol"
)

// Owned repairs one owned feed: an author's entries 1, 2, 3, … It implements
// protocol.Machine and protocol.Explainer.
type Owned struct {
	engine
	owner protocol.PeerID
	floor uint64 // nothing below is wanted or offered
	held  holdings
	// pendingSeqs are the sequence numbers of what is pending, a range set.
	pendingSeqs []Range
	// version counts the changes of what the digest says.
	version  uint64
	tellAt   protocol.Time // when to tell the neighbours of repaired entries
	probeAt  protocol.Time // when to ask around for a new gap
	evidence []evidence    // of forks, by time of discovery
}

// feedState is what a neighbour said of an owned feed, and what it was told.
type feedState struct {
	heard bool    // a digest has come
	floor uint64  // it wants nothing below
	top   uint64  // the highest entry it holds
	runs  []Range // what it is believed to hold; at most maxRunsKnown

	// Its last digest listed all that it held from from to known.
	listed      []Range
	from, known uint64
	asked       bool // for what it holds beyond

	toldVersion, toldFrom uint64
	toldAt                protocol.Time
}

// NewOwned returns the machine of the feed of owner. held are the runs on disk,
// in any order; their heads may be left out, but then a fork of the first run's
// end is noticed later. It panics on a Config that does not validate.
func NewOwned(cfg Config, owner protocol.PeerID, held []Run, rng *rand.Rand) *Owned {
	m := &Owned{
		engine:  newEngine(cfg, rng),
		owner:   owner,
		held:    newHoldings(held),
		version: 1,
		tellAt:  protocol.Never,
		probeAt: protocol.Never,
	}
	m.raiseFloor(max(cfg.Floor, 1))
	return m
}

// Handle implements protocol.Machine.
func (m *Owned) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	if m.stopped {
		return
	}
	switch in := in.(type) {
	case protocol.Received:
		m.receive(now, in, out)
	case protocol.Accepted:
		m.awaitStore(now, in.Item, pending{seq: in.Item.Seq, from: in.From, repaired: in.Repaired})
	case protocol.Duplicate:
		// It is here by another way; it stays pending, so that it is not pulled
		// again before that way has had its time.
		m.stats.Duplicates++
	case protocol.Rejected:
		if m.forgetPending(in.ID) {
			m.rejected(now, in, out)
		}
	case Held:
		m.hold(now, in.Item)
	case Lost:
		m.forgetPending(in.ID)
		m.storeFailed(now)
		m.dirty = true
	case Dropped:
		m.raiseFloor(in.Low)
	default:
		for _, n := range m.link(now, in) {
			m.sendDigest(now, n, m.floor, out)
		}
	}
	m.run(now, out)
}

// Advance implements protocol.Machine.
func (m *Owned) Advance(now protocol.Time, out *protocol.Outbox) {
	if !m.stopped {
		m.run(now, out)
	}
}

// receive takes in a message.
func (m *Owned) receive(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	n := m.known(in)
	if c, ok := in.Msg.(protocol.Carry); ok && in.From.Authenticated {
		m.onCarry(now, in.From.Peer, n, c, out)
		return
	}
	if n == nil {
		return // a neighbour will be greeted, and asks again
	}
	switch msg := in.Msg.(type) {
	case Digest:
		m.onDigest(now, n, msg, out)
	case Pull:
		m.onPull(now, n, msg, out)
	case Want:
		m.onWant(now, n, msg, out)
	case Answer:
		m.onAnswer(now, n, msg, out)
	}
}

// run does what is due.
func (m *Owned) run(now protocol.Time, out *protocol.Outbox) {
	if m.stopped {
		return
	}
	for _, p := range m.pending.expire(now) {
		m.freeSeq(p.seq)
		m.dirty = true
	}
	for _, n := range m.nbrs {
		if n.pull != nil && now >= n.pull.deadline {
			m.expire(now, n, int(min(count(n.pull.ranges), maxPullItems)), out)
			m.dirty = true
		}
	}
	if now >= m.tellAt {
		m.tellAt = protocol.Never
		m.tell(now, out)
	}
	if now >= m.probeAt {
		m.probeAt = protocol.Never
		m.probe(now, out)
	}
	if m.pace.due(now, m.rng) {
		if n := m.someone(); n != nil {
			m.sendDigest(now, n, m.somewhere(), out)
		}
	}
	if m.dirty || now >= m.retryAt {
		m.askable(now, func(n *neighbour) { m.pullFrom(now, n, out) })
	}
	m.deadline = protocol.Earliest(m.pending.next(), m.tellAt, m.probeAt, m.pace.next, m.retryAt)
	for _, n := range m.nbrs {
		if n.pull != nil {
			m.deadline = min(m.deadline, n.pull.deadline)
		}
	}
}

// ours reports whether an item is an entry of this feed that repair deals with.
func (m *Owned) ours(it *protocol.Item) bool {
	return it.Author == m.owner && it.Seq > 0 && it.Seq <= MaxSeq
}

// awaitStore notes an accepted entry, so that it is not pulled as well.
func (m *Owned) awaitStore(now protocol.Time, it *protocol.Item, p pending) {
	if m.ours(it) && m.pending.add(now, it.ID, p) {
		m.pendingSeqs = add(m.pendingSeqs, Range{it.Seq, it.Seq})
	}
}

// forgetPending forgets an entry that is not on its way to the disk any more.
func (m *Owned) forgetPending(id protocol.ItemID) bool {
	p, ok := m.pending.take(id)
	if ok {
		m.freeSeq(p.seq)
	}
	return ok
}

func (m *Owned) freeSeq(seq uint64) {
	m.pendingSeqs = remove(m.pendingSeqs, Range{seq, seq})
}

// hold takes in that an entry is on disk.
func (m *Owned) hold(now protocol.Time, it *protocol.Item) {
	p := m.stored(now, it)
	m.freeSeq(it.Seq)
	if !m.ours(it) || it.Seq < m.floor || m.held.has(it.Seq) {
		return // the last: evidence of a fork, which changes nothing
	}
	islands := len(m.held.ranges)
	m.held.add(Run{Range{it.Seq, it.Seq}, it.ID})
	m.version++
	if len(m.held.ranges) > islands && islands > 0 {
		m.probeAt = min(m.probeAt, now.Add(m.cfg.Grace))
	}
	if p.repaired {
		m.tellAt = min(m.tellAt, now.Add(m.cfg.Debounce))
	}
}

// raiseFloor gives up all entries below low.
func (m *Owned) raiseFloor(low uint64) {
	if low = min(low, MaxSeq); low > m.floor {
		m.floor = low
		m.held.dropBelow(low)
		m.version++
		m.dirty = true
	}
}
