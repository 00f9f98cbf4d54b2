package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// sourceRetry is for how long a peer that is no fit standby is not asked again (our
// guess).
const sourceRetry = 30 * time.Second

// fit reports whether a peer will do as a standby: it is neither in this one's own
// subtree nor below its parent, so that what cuts this one off does not cut it off too.
// Where the parent is the root there is nothing beside it.
func (m *Machine) fit(p *peer) bool {
	if !p.speaks() || p == m.parent || p.child || p.heard == 0 || !p.state.Attached || slices.Contains(p.state.Path, m.key) {
		return false
	}
	return m.parent == nil || len(m.path) <= 1 || !slices.Contains(p.state.Path, m.parent.key)
}

// keepSources sees to it that there are MaxSources standbys: of those with a link
// anyway the nearest to the root, or else members dialled for it.
func (m *Machine) keepSources(now protocol.Time, out *protocol.Outbox) {
	n, prompt := 0, false
	for _, p := range m.peers.order {
		if p.source && !m.fit(p) {
			p.source = false
			m.changed = true
			m.refusals.add(p.id+"/source", now.Add(sourceRetry))
			if p.linked {
				out.Send(p.id, Watch{Mode: WatchOff}, protocol.Control, now.Add(time.Second))
			}
		}
		if p.source {
			n++
			prompt = prompt || p.prompt
		}
	}
	for ; n < MaxSources; n++ {
		var best *peer
		for _, p := range m.peers.order {
			if !p.source && m.fit(p) && !m.refusals.has(now, p.id+"/source") && !m.refusals.has(now, p.id) &&
				(best == nil || m.predict(now, p) < m.predict(now, best)) {
				best = p
			}
		}
		if best == nil {
			break
		}
		m.watch(now, best, !prompt, out)
		prompt = true
	}
	for _, p := range m.peers.order {
		if p.source && !prompt {
			m.watch(now, p, true, out) // in the place of one that is gone
			prompt = true
		}
	}
	if n < MaxSources && m.probing() == 0 {
		m.dialSome(now, 1, asSource, out)
	}
}

// watch makes a peer a standby. The first is prompt: one is enough to learn of what is
// missing, and the other is there for when that one is gone too.
func (m *Machine) watch(now protocol.Time, p *peer, prompt bool, out *protocol.Outbox) {
	p.source, p.prompt = true, prompt
	m.changed = true
	mode := WatchLater
	if prompt {
		mode, p.promptAt, m.late = WatchOn, now, estimator{}
	}
	out.Send(p.id, Watch{Mode: mode}, protocol.Control, now.Add(time.Second))
}

// takeWatch announces to a peer from now on, for a while, or no longer. WatchOff goes
// both ways: it also says that there is no room.
func (m *Machine) takeWatch(now protocol.Time, p *peer, msg Watch, out *protocol.Outbox) {
	m.changed = true
	switch msg.Mode {
	case WatchOff:
		p.watcher = false
		if p.source {
			p.source = false
			m.refusals.add(p.id+"/source", now.Add(sourceRetry))
		}
		if !p.child {
			p.beatAt = protocol.Never
		}
	case WatchOn, WatchLater:
		n := 0
		for _, q := range m.peers.order {
			if q.watcher {
				n++
			}
		}
		if n >= MaxWatchers && !p.watcher {
			out.Send(p.id, Watch{Mode: WatchOff}, protocol.Control, now.Add(time.Second))
			return
		}
		p.watcher, p.later = true, msg.Mode == WatchLater
		p.beatAt = now
		m.catchUp(now, p, out)
	case WatchAWhile:
		n := 0
		for _, q := range m.peers.order {
			if q.guest > now {
				n++
			}
		}
		if n < MaxGuests || p.guest > now {
			p.guest = now.Add(guestFor)
			m.give(now, p, msg.Last, out)
		}
		m.catchUp(now, p, out)
	}
}

// prompted reports whether a standby announces at once.
func (m *Machine) prompted() bool {
	return slices.ContainsFunc(m.peers.order, func(p *peer) bool { return p.source && p.prompt })
}
