package gossip

import (
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Machine is one peer's share of one topic's gossip. It implements
// protocol.Machine and protocol.Explainer.
type Machine struct {
	cfg Config
	rng *rand.Rand

	neighbours []*neighbour // ascending by peer
	slots      [MaxNeighbours]*neighbour
	recent     recent
	wants      wants

	// late is how late pushed copies come after the first announcement.
	late estimator
	// nextSwap is when the tree may next be optimised.
	nextSwap protocol.Time
	// crossed is when items of two authors were last on their way at once.
	crossed crossed
	// copy is the copy handed up last: the container answers a duplicate at once,
	// and its answer does not repeat when and how the copy came.
	copy struct {
		id       protocol.ItemID
		at       protocol.Time
		repaired bool
	}
}

var (
	_ protocol.Machine   = (*Machine)(nil)
	_ protocol.Explainer = (*Machine)(nil)
)

// New returns a machine without neighbours. Its randomness spreads the moments at
// which peers ask for what is missing. It panics where cfg.Validate has something
// to say.
func New(cfg Config, rng *rand.Rand) *Machine {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	return &Machine{cfg: cfg.withDefaults(), rng: rng, recent: newRecent(), wants: newWants()}
}

// Handle implements protocol.Machine.
func (m *Machine) Handle(now protocol.Time, in protocol.Input, out *protocol.Outbox) {
	m.recent.expire(now.Add(-recognised * m.cfg.Cache))
	switch in := in.(type) {
	case protocol.MembersChanged:
		m.membersChanged(now, in, out)
	case protocol.LinkDown:
		m.lose(now, m.find(in.Peer), out)
	case protocol.LinkSuspected:
		m.suspect(now, m.find(in.Peer), out)
	case protocol.LinkRestored:
		m.restore(now, m.find(in.Peer), out)
	case protocol.LinkRTT:
		if n := m.find(in.Peer); n != nil {
			n.rtt = in.RTT
		}
	case protocol.Congested:
		if n := m.find(in.Peer); n != nil {
			n.congested = true
		}
	case protocol.Drained:
		if n := m.find(in.Peer); n != nil {
			n.congested = false
		}
	case protocol.SendDropped:
		m.sendDropped(now, in)
	case protocol.Received:
		m.received(now, in, out)
	case protocol.Accepted:
		m.accepted(now, in, out)
	case protocol.Duplicate:
		m.duplicate(now, in, out)
	case protocol.Rejected:
		m.rejected(now, in)
	case protocol.Drain:
		m.flushAll(now, out)
	}
}

// received hands a message to who handles its kind. Only an item is taken from a
// peer that is no neighbour: a verified item is one, whoever brings it.
func (m *Machine) received(now protocol.Time, in protocol.Received, out *protocol.Outbox) {
	at := now
	if 0 < in.At && in.At < now {
		at = in.At
	}
	n := m.find(in.From.Peer)
	if c, ok := in.Msg.(protocol.Carry); ok {
		m.carried(now, at, in.From.Peer, n, c, out)
		return
	}
	if n == nil {
		return
	}
	switch msg := in.Msg.(type) {
	case IHave:
		m.announced(now, at, n, msg, out)
	case Graft:
		m.grafted(now, n, msg, out)
	case Prune:
		n.pruned(now)
	}
}

// Advance implements protocol.Machine.
func (m *Machine) Advance(now protocol.Time, out *protocol.Outbox) {
	for _, n := range m.neighbours {
		if n.flushDue() <= now {
			m.flush(now, n, out)
		}
	}
	m.ask(now, out)
}

// Deadline implements protocol.Machine.
func (m *Machine) Deadline() protocol.Time {
	first := m.wants.due()
	for _, n := range m.neighbours {
		first = min(first, n.flushDue())
	}
	return first
}

// wait is for how long an announced item is waited for before it is asked for, the
// time on the wire not counted.
func (m *Machine) wait() time.Duration {
	d := m.late.bound()
	if m.late.samples == 0 {
		d = m.cfg.InitialWait
		if rtt := m.greatestRTT(); rtt > 0 {
			// Two hops of a tree more than the announcement crossed (our guess).
			d = m.cfg.Flush + 2*rtt
		}
	}
	return min(max(d, minWait), maxWait)
}
