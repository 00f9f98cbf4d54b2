package omni

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// claimFirst is how long a peer waits for a tree to join before it is one itself,
	// claimOwned the same in a feed, where the author is to be the root.
	claimFirst = 4 * time.Second
	claimOwned = 45 * time.Second
	// claimLost is how long it looks for a new parent before it takes the root for
	// lost, give or take a quarter: 3 s are what anybody should be without a parent.
	claimLost = 2200 * time.Millisecond
	// claimWithoutAuthor is the same in a feed, where only the author publishes.
	claimWithoutAuthor = 12 * time.Second
	// publisherPause is how long a publisher waits before it becomes the root, because
	// the one there is publishes nothing: others may begin at the same time.
	publisherPause = 2 * time.Second
	// publishesFor is how long after its last item a peer counts as a publisher.
	publishesFor = 10 * time.Minute
	// renewPause is the least time between two beats that the root was asked for.
	renewPause = 300 * time.Millisecond
	// maxSkip bounds how far the root goes on at once: a few terms (our guess). Who makes
	// it do so again and again needs years to use them up.
	maxSkip = 8 << 32
	// watcherBeat is how often a watcher is told where this peer stands.
	watcherBeat = 6 * time.Second
)

// rootState is what concerns the root.
type rootState struct {
	cut       bool // the parent says that it is not attached
	publishes bool // the root does
	published protocol.Time
	claimAt   protocol.Time // when to claim; Never for not
	asked     protocol.Time // when a beat was asked for last
}

// Who is the root: whoever began the latest term. A publisher begins one where the
// root publishes nothing, so of several the first stays; a peer begins one that finds
// no attached peer for some seconds. Two that begin the same term meet sooner or
// later: the publisher, then the one with the lesser ID, goes on to the next.

// claim makes this peer the root.
func (m *Machine) claim(now protocol.Time, out *protocol.Outbox) {
	old := m.parent
	m.epoch = (term(max(m.epoch, m.bar.epoch))+1)<<32 | 1
	m.root, m.parent, m.lat, m.path = m.self, nil, 0, nil
	m.bar = bar{m.epoch, 0}
	m.rooted.cut, m.rooted.claimAt = false, protocol.Never
	m.rooted.publishes = m.publisher(now)
	m.joining = joining{until: protocol.Never}
	m.staleAt = protocol.Never
	m.beatAt = now.Add(beatEvery)
	m.changed = true
	m.tellChildren(now, 0)
	m.newTerm(now)
	out.Note("omni.root", m.self, protocol.ItemID{}, int64(term(m.epoch)))
	m.offerAll(now, out)
	if old != nil {
		out.Send(old.id, Leave{Moved}, protocol.Control, now.Add(time.Second))
	}
}

// offerAll tells all neighbours that there is a tree here, or another root: so the news
// runs over all links, not only down the tree.
func (m *Machine) offerAll(now protocol.Time, out *protocol.Outbox) {
	for _, p := range m.peers.order {
		if p.speaks() && !p.child && p != m.parent && !(p.state.Attached && p.state.Root == m.root) {
			p.told = now
			out.Send(p.id, Offer{m.state(p)}, protocol.Control, now.Add(time.Second))
		}
	}
}

// publisher reports whether this peer publishes here.
func (m *Machine) publisher(now protocol.Time) bool {
	return m.author || m.rooted.published > 0 && now.Sub(m.rooted.published) < publishesFor
}

// newTerm has the neighbours told of a new root, for they may be in another's tree.
func (m *Machine) newTerm(now protocol.Time) {
	for _, p := range m.peers.order {
		if p.watcher && !p.child {
			p.beatAt = min(p.beatAt, now)
		}
	}
	m.sampleAt = min(m.sampleAt, now.Add(m.jitter(beatSoon)))
}

// rival looks at a position in another root's tree; it reports whether it was one.
func (m *Machine) rival(now protocol.Time, p *peer, s State, out *protocol.Outbox) bool {
	if !s.Attached || s.Root == m.root || s.Root == m.self {
		return false
	}
	mine, theirs := term(m.epoch), term(s.Epoch)
	switch {
	case m.isRoot() && theirs >= mine && m.publisher(now) && !s.Publishes,
		m.isRoot() && theirs == mine && m.publisher(now) == s.Publishes && m.self < s.Root:
		m.epoch = max(m.epoch, s.Epoch)
		m.claim(now, out)
		return true
	case theirs < mine:
		if m.whole() && now.Sub(p.told) > time.Second {
			p.told = now
			out.Send(p.id, Offer{m.state(p)}, protocol.Control, now.Add(time.Second))
		}
		return true
	case theirs == mine && !m.isRoot():
		return true // the roots have to settle that
	}
	if m.isRoot() {
		m.root = ""
		m.orphaned(now, "another root", out)
	}
	if p.child {
		// It was below, and has become the root or found it: the way is turned round.
		m.dropChild(now, p, out)
		if m.joining.to == nil {
			m.join(now, p, true, out)
		}
		return true
	}
	m.lookAt = min(m.lookAt, now.Add(m.jitter(followFirst)))
	return true
}

// advanceRoot claims the root's place where the time for that has come.
func (m *Machine) advanceRoot(now protocol.Time, out *protocol.Outbox) {
	if m.rooted.claimAt > now {
		return
	}
	m.rooted.claimAt = protocol.Never
	switch {
	case m.isRoot():
	case m.publisher(now) && !m.rooted.publishes:
		m.claim(now, out)
	case m.attached():
	case m.rootLives(now):
		m.rooted.claimAt = now.Add(m.jitter(claimLost))
	default:
		m.claim(now, out)
	}
}

// rootLives reports whether an orphan has heard of a later beat than its last, or has
// nobody who could have told it.
func (m *Machine) rootLives(now protocol.Time) bool {
	alone := true
	for _, p := range m.peers.order {
		if !p.speaks() || p.child {
			continue
		}
		alone = alone && p.heard < m.orphanSince
		if p.heard > m.orphanSince && p.state.Attached && p.state.Epoch > m.epoch {
			return true
		}
	}
	return alone && now.Sub(m.started) > claimOwned && now.Sub(m.orphanSince) < claimOwned
}

// publishedOwn notes that this peer publishes.
func (m *Machine) publishedOwn(now protocol.Time) {
	m.rooted.published = now
	if m.isRoot() {
		m.rooted.publishes = true
	} else if !m.rooted.publishes && m.attached() && m.rooted.claimAt == protocol.Never {
		m.rooted.claimAt = now.Add(m.jitter(publisherPause))
	}
}

// takeRenew passes the wish for a later beat on to the root, which goes on from the epoch
// that it is asked to exceed: the asker may have stood below another root.
func (m *Machine) takeRenew(now protocol.Time, epoch uint64, out *protocol.Outbox) {
	if m.epoch > epoch || epoch-m.epoch > maxSkip || now.Sub(m.rooted.asked) < renewPause && m.rooted.asked > 0 {
		return
	}
	m.rooted.asked = now
	switch {
	case m.isRoot() && term(epoch) > term(m.epoch):
		m.epoch = epoch
		m.claim(now, out)
	case m.isRoot():
		m.epoch, m.beatAt = epoch, now
	case m.parent != nil:
		out.Send(m.parent.id, Renew{epoch}, protocol.Control, now.Add(time.Second))
	}
}
