package omni

import (
	"math"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// swapWait is how long a child that is asked for its place has to find another. The
	// lock on the place expires with it.
	swapWait = 1500 * time.Millisecond
	// yieldPause is the least time between two such requests to one child.
	yieldPause = 8 * time.Second
	// coolHalf halves the temperature of the probabilistic step, warmest is where it
	// begins, per host of weight (our guesses).
	coolHalf = 15 * time.Second
	warmest  = 4 * time.Millisecond
)

// swap is the lock on one place: child has been asked to leave it, for is to have it.
// nil without one. Until it has expired no other place is asked back.
type swap struct {
	child, next *peer
	msg         Join
	until       protocol.Time
}

// makeRoom asks a child for its place where the newcomer p gains more by it than the
// child loses: see move for the forms that this takes. It reports whether it did.
func (m *Machine) makeRoom(now protocol.Time, p *peer, msg Join, gain time.Duration, out *protocol.Outbox) bool {
	if m.swap.child != nil || m.bound() == 0 {
		return false
	}
	var victim *peer
	var least time.Duration
	for _, c := range m.children {
		if c.yields > now || !c.speaks() {
			continue
		}
		loss := m.loss(c, msg)
		if victim == nil || loss < least {
			victim, least = c, loss
		}
	}
	if victim == nil {
		return false
	}
	if !msg.Orphan && !m.worth(now, gain, least, msg.Value) {
		return false
	}
	victim.yields = now.Add(yieldPause)
	m.swap = swap{child: victim, next: p, msg: msg, until: now.Add(swapWait)}
	var near []Sample
	if msg.Old != "" {
		near = append(near, Sample{Peer: msg.Old, At: msg.OldAt, Latency: msg.OldOffer, Offer: msg.OldOffer, Prime: msg.OldOffer, Spare: 1, Weight: 1})
	}
	out.Send(victim.id, Yield{near}, protocol.Control, m.swap.until)
	out.Note("omni.yield", victim.id, protocol.ItemID{}, int64(gain-least))
	return true
}

// loss is what a child loses that gives its place to p: the least over the places that
// it could have instead.
func (m *Machine) loss(c *peer, msg Join) time.Duration {
	w := time.Duration(max(c.value, 1))
	mine := m.lat + c.rtt/2 + hopCost
	worst := w * (max(mine/2, 20*time.Millisecond))
	loss := worst
	if c.other > 0 && c.other < maxLatency {
		loss = min(loss, w*(c.other-mine))
	}
	if msg.Old != "" {
		there := msg.OldOffer + vivaldi.Distance(msg.OldAt, c.state.At)/2 + hopCost
		loss = min(loss, w*(there-mine))
	}
	// Below the newcomer.
	below := m.lat + msg.RTT/2 + hopCost + vivaldi.Distance(msg.At, c.state.At)/2 + hopCost
	return min(loss, w*(below-mine))
}

// price is the least that a child would lose with its place, by what it says itself.
func (m *Machine) price() time.Duration {
	least := maxLatency
	for _, c := range m.children {
		if c.other == 0 {
			continue // it has just been asked in vain, or has not said yet
		}
		mine := m.lat + c.rtt/2 + hopCost
		loss := max(mine/2, 20*time.Millisecond)
		if c.other > 0 && c.other < maxLatency {
			loss = min(loss, max(c.other-mine, 0))
		}
		least = min(least, loss*time.Duration(max(c.value, 1)))
	}
	return least
}

// worth decides by gain and loss. "A random swap is accepted with probability
// e^(-delta/T)" (INFOCOM 2003, the probabilistic step), so that the tree leaves local
// minima; T halves again and again.
func (m *Machine) worth(now protocol.Time, gain, loss time.Duration, weight int) bool {
	delta := loss + loss/16 + m.margin() - gain
	if delta < 0 {
		return true
	}
	age := now.Sub(m.started).Seconds() / coolHalf.Seconds()
	t := float64(warmest) * float64(weight) * math.Pow(0.5, age)
	return m.rng.Float64() < math.Exp(-float64(delta)/t)/8
}

// roomMade gives a place that has become free to whom it was asked back for.
func (m *Machine) roomMade(now protocol.Time, gone *peer, out *protocol.Outbox) {
	s := m.swap
	if s.child == nil || gone != s.child && gone != s.next {
		return
	}
	m.swap = swap{}
	if gone == s.child && m.peers.find(s.next.id) == s.next && s.next.linked && !s.next.child && m.whole() && len(m.children) < m.bound() {
		m.accept(now, s.next, s.msg.Weight, s.msg.Value, out)
	}
}

// advanceSwap ends a lock that has expired.
func (m *Machine) advanceSwap(now protocol.Time, out *protocol.Outbox) {
	if m.swap.child == nil || m.swap.until > now {
		return
	}
	next := m.swap.next
	m.swap.child.other = 0
	m.swap = swap{}
	m.changed = true
	if next.linked && !next.child {
		m.refuse(now, next, Full, out)
	}
}

// takeYield looks for another place at once; without one that will do the child stays.
func (m *Machine) takeYield(now protocol.Time, p *peer, msg Yield, out *protocol.Outbox) {
	if p != m.parent || m.joining.to != nil {
		return
	}
	m.yielding = now.Add(swapWait)
	for _, s := range msg.Near {
		if s.Peer != m.self {
			m.samples.put(keep(&s, now, m.rootKey()), m.worse)
		}
	}
	var best *candidate
	try := func(c candidate) {
		if c.spare && (best == nil || c.predicted < best.predicted) {
			best = &c
		}
	}
	for _, q := range m.peers.order {
		if q != p && q.speaks() && !q.child && q.heard > 0 && q.state.Attached && q.rtt > 0 && m.bar.admits(q.state.Epoch, q.state.Latency) {
			try(candidate{peer: q, predicted: m.predict(now, q), spare: q.state.Spare > 0})
		}
	}
	at, value := m.place.Coordinate(), m.value(now)
	for i := range m.samples.list {
		s := &m.samples.list[i]
		if q := m.peers.find(s.Peer); s.Peer == p.id || s.root != m.rootKey() || q != nil && q.linked || !m.dialable(s) {
			continue
		}
		try(candidate{sample: s, predicted: s.bid(value) + s.distance(at)/2 + hopCost, spare: s.spare > 0})
	}
	switch {
	case best == nil:
	case best.peer != nil:
		m.join(now, best.peer, false, out)
	default:
		m.dial(now, best.sample, asParent, out)
	}
}

// goal is the latency that a new parent has to beat: what this peer has now, and what its
// going would save others. While the place is asked back a somewhat worse one will do.
func (m *Machine) goal(now protocol.Time) time.Duration {
	if m.yielding > now {
		return m.lat*3/2 + 40*time.Millisecond
	}
	goal := m.lat - m.margin()
	if m.parent != nil {
		goal += m.parent.state.Relief
	}
	return goal
}
