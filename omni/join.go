package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// joining is the Join under way: to is nil without one.
type joining struct {
	to     *peer
	orphan bool
	until  protocol.Time
}

// join asks p for a place. Latency in it is what has to be beaten.
func (m *Machine) join(now protocol.Time, p *peer, orphan bool, out *protocol.Outbox) {
	m.joining = joining{to: p, orphan: orphan, until: now.Add(joinWait + 2*p.rtt)}
	if orphan && m.parent == nil {
		m.joining.until = now.Add(p.roundTrip()*5/4 + orphanSlack)
	} else if !orphan {
		m.joining.until = now.Add(swapWait + joinWait + 2*p.rtt)
	}
	m.changed, p.tried = true, now
	msg := Join{
		Orphan: orphan || m.parent == nil, Epoch: m.bar.epoch, Feasible: micros(m.bar.lat), Latency: max(m.goal(now), 0),
		Weight: m.weight, Value: m.value(now), RTT: p.rtt, At: m.place.Coordinate(),
	}
	if m.parent != nil && !orphan {
		msg.Old, msg.OldOffer, msg.OldAt = m.parent.id, micros(m.parent.state.Latency+m.parent.state.Wait), m.parent.state.At
	}
	out.Send(p.id, msg, protocol.Control, m.joining.until)
}

// takeJoin takes a child in, or says why not.
func (m *Machine) takeJoin(now protocol.Time, p *peer, msg Join, out *protocol.Outbox) {
	if p.rtt == 0 {
		p.rtt = msg.RTT
	}
	p.state.At = msg.At
	msg.Value = believed(msg.Value, msg.Weight)
	serial := m.serial()
	before, after := 0, 0
	for _, c := range m.children {
		if c != p && c.rank() >= max(msg.Weight, msg.Value) {
			before++
		} else if c != p {
			after += c.weight
		}
	}
	lat := m.lat + time.Duration(before+1)*serial + msg.RTT/2 + hopCost
	gain := time.Duration(max(msg.Weight, msg.Value))*(msg.Latency-lat) - time.Duration(after)*serial
	switch {
	case !m.whole():
		m.refuse(now, p, Detached, out)
	case p == m.parent, slices.Contains(m.path, p.key):
		m.refuse(now, p, Loop, out)
	case !(&bar{msg.Epoch, msg.Feasible}).admits(m.epoch, m.lat):
		m.refuse(now, p, Loop, out)
	case p.child:
		m.accept(now, p, msg.Weight, msg.Value, out)
	case !msg.Orphan && gain <= 0:
		m.refuse(now, p, NoGain, out)
	case m.spare(msg.Orphan) > 0:
		m.accept(now, p, msg.Weight, msg.Value, out)
	case m.makeRoom(now, p, msg, gain, out):
	default:
		m.refuse(now, p, Full, out)
	}
}

func (m *Machine) refuse(now protocol.Time, p *peer, why Reason, out *protocol.Outbox) {
	out.Send(p.id, Refuse{why, m.state(p)}, protocol.Control, now.Add(time.Second))
}

// accept takes a child in. What came just before is announced to it: its old parent
// may have been behind this one.
func (m *Machine) accept(now protocol.Time, p *peer, weight, value int, out *protocol.Outbox) {
	if !p.child {
		p.child, p.source, p.other = true, false, 0
		m.children = append(m.children, p)
		m.changed = true
	}
	if p.weight, p.value = weight, value; value >= primeValue {
		p.credit, p.creditUntil = value, now.Add(creditFor)
	}
	m.reweigh(now)
	p.told, p.beatAt = now, protocol.Never
	if p.watcher {
		p.beatAt = now.Add(watcherBeat)
	}
	p.saidTo = &whole{m.state(p), now}
	out.Send(p.id, Accept{p.saidTo.State}, protocol.Control, now.Add(time.Second))
	m.catchUp(now, p, out)
}

// takeAccept moves under a new parent. The old one is left only now, so that nothing is
// missed between the two.
func (m *Machine) takeAccept(now protocol.Time, p *peer, s State, out *protocol.Outbox) {
	m.hear(now, p, s)
	p.heardOf = &whole{s, now}
	was := m.joining
	welcome := was.to == p || m.parent == nil && !m.isRoot() && p.belated > now
	p.belated = 0
	if !welcome {
		if p != m.parent {
			out.Send(p.id, Leave{Moved}, protocol.Control, now.Add(time.Second))
		}
		return
	}
	m.joining = joining{until: protocol.Never}
	m.changed = true
	p.probe = nil
	if m.isRoot() || p.child || !s.Attached || !m.bar.admits(s.Epoch, s.Latency) || slices.Contains(s.Path, m.key) {
		out.Send(p.id, Leave{Loop}, protocol.Control, now.Add(time.Second))
		m.refused(now, p.id)
		return
	}
	old, before := m.parent, m.lat
	if old != nil && old != p {
		if term(s.Epoch) > term(m.epoch) {
			defer func() { // it may follow: its own root is no longer one
				out.Send(old.id, Offer{m.state(nil)}, protocol.Control, now.Add(time.Second))
				out.Send(old.id, Leave{Moved}, protocol.Control, now.Add(time.Second))
			}()
		} else {
			out.Send(old.id, Leave{Moved}, protocol.Control, now.Add(time.Second))
		}
	}
	first := m.moves == 0 || term(s.Epoch) > term(m.epoch)
	if first {
		m.sampleEvery = sampleFirst
	}
	if !first {
		m.sampleEvery = max(m.sampleEvery*quicker/8, sampleFirst)
	}
	if first || before-m.through(p) > before/16 { // others should know soon what it offers now
		m.sampleAt = min(m.sampleAt, now.Add(m.jitter(sampleFirst)))
		m.news = tellNews
	}
	m.parent = p
	p.source = false
	m.noteMove(now, old, p, before, was)
	m.moves++
	m.rooted.cut, m.rooted.claimAt = false, protocol.Never
	m.misses.reset(now)
	m.late = estimator{}
	m.staleAt = now.Add(staleAfter)
	m.path = nil // so that the children are told
	if s.Epoch < m.epoch {
		// The later beat came by the old parent, and nobody was told of it, or the bar would
		// not have admitted this one: who told it now would stand before its own parent.
		m.epoch, m.root = s.Epoch, s.Root
	}
	m.follow(now, out)
	m.tellChildren(now, beatSoon)
	m.report(now, out)
	m.catchUp(now, p, out)
	m.lookSoon(now)
	if first {
		m.offerAll(now, out)
	}
}

// takeRefuse tries another.
func (m *Machine) takeRefuse(now protocol.Time, p *peer, msg Refuse, out *protocol.Outbox) {
	m.hear(now, p, msg.State)
	if m.joining.to != p {
		return
	}
	if m.parent == nil && msg.Reason == Loop && msg.Attached && !slices.Contains(msg.Path, m.key) {
		// It stands well enough, but so far only a later beat can prove that.
		out.Send(p.id, Renew{m.bar.epoch}, protocol.Control, now.Add(time.Second))
		m.joining = joining{until: protocol.Never}
		m.changed = true
		m.lookAt = min(m.lookAt, now.Add(orphanRetry))
		return
	}
	m.joinFailed(now, out)
}

// joinFailed ends a Join without success.
func (m *Machine) joinFailed(now protocol.Time, out *protocol.Outbox) {
	p := m.joining.to
	m.joining = joining{until: protocol.Never}
	m.changed = true
	p.probe = nil
	m.refused(now, p.id)
	if m.parent == nil && !m.isRoot() {
		m.mend(now, out)
	}
}

// advanceJoin gives up what is not answered.
func (m *Machine) advanceJoin(now protocol.Time, out *protocol.Outbox) {
	if p := m.joining.to; m.joining.until <= now {
		if m.parent == nil {
			p.belated = now.Add(belatedFor) // it may be far away: meanwhile others are asked
		} else {
			out.Send(p.id, Leave{Moved}, protocol.Control, now.Add(time.Second))
		}
		m.joinFailed(now, out)
	}
	m.advanceSwap(now, out)
}

// takeLeave ends what is between a parent and a child.
func (m *Machine) takeLeave(now protocol.Time, p *peer, why Reason, out *protocol.Outbox) {
	switch {
	case p.child:
		m.dropChild(now, p, out)
	case p == m.parent:
		if why == Withholds || why == Left {
			m.refused(now, p.id)
		}
		m.orphaned(now, why.String(), out)
	case m.joining.to == p && why == Stranger:
		// an answer to what was said before the Join
	}
}

// dropChild takes a child out.
func (m *Machine) dropChild(now protocol.Time, p *peer, out *protocol.Outbox) {
	p.child, p.beatAt, p.weight = false, protocol.Never, 0
	if p.watcher {
		p.beatAt = now.Add(watcherBeat)
	}
	m.children = slices.DeleteFunc(m.children, func(c *peer) bool { return c == p })
	m.changed = true
	m.reweigh(now)
	m.roomMade(now, p, out)
}
