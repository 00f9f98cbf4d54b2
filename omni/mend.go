package omni

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// refusals are the peers that are left alone for a while, each until a time.
type refusals struct {
	list []refusal // as they came
}

// refusal is of one peer; key is the end of its ID.
type refusal struct {
	key   uint64
	peer  protocol.PeerID
	until protocol.Time
}

// find is the place in the list of a peer, -1 for none.
func (r *refusals) find(p protocol.PeerID) int {
	key := protocol.KeyOf(p)
	for i := range r.list {
		if r.list[i].key == key && r.list[i].peer == p {
			return i
		}
	}
	return -1
}

func (r *refusals) has(now protocol.Time, p protocol.PeerID) bool {
	i := r.find(p)
	return i >= 0 && r.list[i].until > now
}

func (r *refusals) add(p protocol.PeerID, until protocol.Time) {
	if i := r.find(p); i >= 0 {
		r.list[i].until = until
		return
	}
	if len(r.list) == MaxRefusals {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, refusal{protocol.KeyOf(p), p, until})
}

// expire forgets those whose time is over.
func (r *refusals) expire(now protocol.Time) {
	r.list = slices.DeleteFunc(r.list, func(f refusal) bool { return f.until <= now })
}

// clear forgets all.
func (r *refusals) clear() { *r = refusals{} }

// refused leaves a peer alone for a while: a shorter one without a parent.
func (m *Machine) refused(now protocol.Time, p protocol.PeerID) {
	d := 15 * time.Second
	if !m.attached() {
		d = time.Second
	}
	m.refusals.add(p, now.Add(m.jitter(d)))
}

// orphaned looks for a new parent; the subtree comes along.
func (m *Machine) orphaned(now protocol.Time, why string, out *protocol.Outbox) {
	m.refusals.clear() // they were for the search of a better parent
	if m.parent != nil {
		out.Note("omni.orphan: "+why, m.parent.id, protocol.ItemID{}, int64(len(m.children)))
		m.refusals.add(m.parent.id, now.Add(m.jitter(formerPause)))
	}
	m.parent = nil
	m.changed = true
	m.orphanSince = now
	m.beyondAt = now.Add(beyondAfter)
	m.rooted.cut = false
	m.staleAt = protocol.Never
	m.rooted.claimAt = now.Add(m.jitter(claimLost))
	if m.owned {
		m.rooted.claimAt = now.Add(m.jitter(claimWithoutAuthor))
	}
	m.tellChildren(now, 0)
	m.wants.hurryAll(now)
	m.mend(now, out)
}

// mend asks the peer for a place that can be expected to be the best parent: of those
// with a link one that surely is not below this one, then others, who can prove that
// with the next beat. Without any, members are dialled, several at once.
func (m *Machine) mend(now protocol.Time, out *protocol.Outbox) {
	m.lookAt = min(max(m.lookAt, now), now.Add(m.jitter(orphanRetry)))
	if m.lookAt <= now {
		m.lookAt = now.Add(m.jitter(orphanRetry))
	}
	m.seekBeyond(now, out)
	if m.joining.to != nil || m.isRoot() || !m.running {
		return
	}
	best := m.nextToAsk(now, false)
	if p := best; p != nil {
		m.join(now, p, true, out)
	} else if p := m.nextToAsk(now, true); p != nil {
		m.join(now, p, true, out)
	}
	if best == nil || now.Sub(m.orphanSince) > 2*orphanRetry {
		m.dialSome(now, maxOrphanProbes-m.probing(), asParent, out)
	}
}

// nextToAsk is whom an orphan asks next for a place, nil for nobody: of those that are not
// left alone, or once more of all that do not withhold.
func (m *Machine) nextToAsk(now protocol.Time, again bool) *peer {
	var best *peer
	for _, p := range m.peers.order {
		pause := m.refusals.has(now, p.id)
		if again {
			pause = now.Sub(p.tried) < againPause || m.grudges.holds(now, p.id)
		}
		if p.speaks() && !p.child && !pause && m.mayAsk(now, p) && (best == nil || m.sooner(now, p, best)) {
			best = p
		}
	}
	return best
}

// againPause is the least time after which an orphan asks the same peer again (our guess).
const againPause = 400 * time.Millisecond

// formerPause is for how long an orphan leaves alone the parent that it has lost, for
// there may be no other: words cross, and links that were silent speak again (our guess).
const formerPause = 500 * time.Millisecond

// sayingLasts is for how long an orphan takes a peer that has said that it has no place, or
// one below, at its word: nobody tells it when that is over (our guess).
const sayingLasts = time.Second

// mayAsk reports whether an orphan may ask p for a place: not where that has just said
// that it has none, or stands below.
func (m *Machine) mayAsk(now protocol.Time, p *peer) bool {
	return now.Sub(p.heard) > sayingLasts || m.stands(p)
}

// stands reports whether a peer said last that it has a place, and none below this one.
func (m *Machine) stands(p *peer) bool {
	return p.state.Attached && !slices.Contains(p.state.Path, m.key)
}

// sooner orders those that an orphan may ask.
func (m *Machine) sooner(now protocol.Time, a, b *peer) bool {
	rank := func(p *peer) int {
		switch {
		case now.Sub(p.spoke) > silentFor, m.mute(now, p):
			return 4 // dead, perhaps, but the failure detector does not know yet
		case p.heard == 0 || !m.stands(p):
			return 2
		case !m.bar.admits(p.state.Epoch, p.state.Latency):
			return 3
		case p.state.Spare == 0 && p.state.Offer == 0:
			return 1
		}
		return 0
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra < rb
	}
	return m.predict(now, a) < m.predict(now, b)
}

// dialSome opens links to the most promising members that are known of.
func (m *Machine) dialSome(now protocol.Time, n int, why purpose, out *protocol.Outbox) {
	at := m.place.Coordinate()
	for ; n > 0; n-- {
		var best *sample
		least := maxLatency
		for i := range m.samples.list {
			s := &m.samples.list[i]
			if p := m.peers.find(s.Peer); p != nil && (p.linked || p.probe != nil) || m.refusals.has(now, s.Peer) || !m.dialable(s) ||
				why == asSource && s.behind() && m.nics.reach() != ReachPunch {
				continue
			}
			d := s.offer.duration() + s.distance(at)/2 + m.rngDuration(20*time.Millisecond)
			if why == asSource {
				d = m.rngDuration(time.Second) // anywhere
			}
			if best == nil || d < least {
				best, least = s, d
			}
		}
		if best == nil {
			m.dialHeard(now, n, why)
			return
		}
		m.dial(now, best, why, out)
	}
}

func (m *Machine) rngDuration(d time.Duration) time.Duration {
	return time.Duration(m.rng.Int64N(int64(d)))
}
