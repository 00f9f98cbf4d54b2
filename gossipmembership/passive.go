package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// minRetry and maxRetry bound the back-off between two requests to one
	// member; it doubles (our guess).
	minRetry = time.Second
	maxRetry = time.Minute
	// refusedRetry is the least back-off after a refusal: a full view does not
	// empty in a second.
	refusedRetry = 10 * time.Second
	// maxFailures is after how many failures in a row, about half a minute, a
	// member counts as lost.
	maxFailures = 5
	// lostFor is how long a lost member is tried now and then (our guess).
	lostFor = 24 * time.Hour
)

// member is a member of the group that is no neighbour.
type member struct {
	peer PeerID
	// tested is set for those that have been neighbours.
	tested bool
	// told is set for those that a person, the LAN or a search has named:
	// rotations try them before others.
	told bool
	// tries counts requests in a row that it did not grant, failures those
	// that it did not answer.
	tries, failures int
	retryAt         protocol.Time
}

// lostMember is a member that does not answer any more.
type lostMember struct {
	peer  PeerID
	since protocol.Time
}

// candidates takes in members learnt elsewhere, which is reason to hope for those
// that did not answer. A view that is not short tries one of them soon all the
// same: they may be of an island that it knows nothing of; the sooner where this one may
// be in an island.
func (v *View) candidates(now protocol.Time, in Candidates) {
	for _, p := range in.Peers[:min(len(in.Peers), v.cfg.MaxPassive)] {
		v.alive(now, p)
		switch fresh := v.remember(now, member{peer: p, told: true, retryAt: now}); {
		case fresh && in.Sought:
			v.rotateUrgently(now)
		case fresh:
			v.rotateSoon(now)
		}
	}
}

// learn takes in members that a peer has passed on, and returns how many of them
// this view did not know.
func (v *View) learn(now protocol.Time, recs []Record, from PeerID) int {
	fresh := 0
	for _, rec := range recs {
		if rec.Peer == v.self {
			continue
		}
		old, known := v.book.Record(rec.Peer)
		v.book.Learn(now, rec, from)
		if known && Newer(rec, old) {
			v.alive(now, rec.Peer) // it has spoken since, perhaps from elsewhere
		}
		if v.remember(now, member{peer: rec.Peer, retryAt: now}) {
			fresh++
		}
	}
	return fresh
}

// remember adds a member to the passive view, unless it is known already, and
// reports whether it did. Who cannot be dialled is no member to try: behind a symmetric
// NAT most peers are such, and they would drive out those that can.
func (v *View) remember(now protocol.Time, m member) bool {
	if m.peer == v.self || v.neighborIndex(m.peer) >= 0 || v.memberIndex(m.peer) >= 0 || v.lostIndex(m.peer) >= 0 {
		return false
	}
	if _, linked := v.links.get(m.peer); !linked && !v.book.Dialable(m.peer) {
		return false
	}
	if len(v.passive) >= v.cfg.MaxPassive && !v.displace(now) {
		return false
	}
	v.passive = append(v.passive, m)
	return true
}

// displace makes room in the passive view. Who fails most goes first, then those
// never tested, at random. Who fails is not forgotten but lost: a partition must
// not drain the other side from memory.
func (v *View) displace(now protocol.Time) bool {
	i := v.choose(len(v.passive), func(i int) int {
		m := &v.passive[i]
		switch {
		case v.askIndex(m.peer) >= 0:
			return never
		case m.failures > 0:
			return m.failures + 1
		case !m.tested:
			return 1
		}
		return 0
	})
	if i < 0 {
		return false
	}
	if v.passive[i].failures > 0 {
		v.lose(now, v.passive[i].peer)
	} else {
		v.dropMember(i)
	}
	return true
}

// alive notes that a member is there again.
func (v *View) alive(now protocol.Time, peer PeerID) {
	if i := v.lostIndex(peer); i >= 0 {
		v.lost = append(v.lost[:i], v.lost[i+1:]...)
		v.remember(now, member{peer: peer, retryAt: now})
	}
	if i := v.memberIndex(peer); i >= 0 && v.passive[i].failures > 0 {
		m := &v.passive[i]
		m.failures, m.tries, m.retryAt = 0, 0, now
	}
}

// refused notes that a member has no place for us: it lives, and may have one later.
func (v *View) refused(now protocol.Time, peer PeerID) {
	if i := v.memberIndex(peer); i >= 0 {
		m := &v.passive[i]
		m.failures = 0
		m.tries++
		m.retryAt = now.Add(v.jitter(max(refusedRetry, backoff(m.tries))))
	}
}

// failed notes that a member does not answer.
func (v *View) failed(now protocol.Time, peer PeerID) {
	i := v.memberIndex(peer)
	if i < 0 {
		return
	}
	m := &v.passive[i]
	m.failures++
	m.tries++
	m.retryAt = now.Add(v.jitter(backoff(m.tries)))
	if m.failures >= maxFailures {
		v.lose(now, peer)
	}
}

// lose moves a member from the passive view to the lost ones, in the place of a
// random one where there are too many.
func (v *View) lose(now protocol.Time, peer PeerID) {
	v.dropMember(v.memberIndex(peer))
	l := lostMember{peer: peer, since: now}
	if len(v.lost) < v.cfg.MaxLost {
		v.lost = append(v.lost, l)
	} else {
		v.lost[v.rng.IntN(len(v.lost))] = l
	}
}

// forget removes a peer that has become a neighbour.
func (v *View) forget(peer PeerID) {
	if i := v.memberIndex(peer); i >= 0 {
		v.dropMember(i)
	}
	if i := v.lostIndex(peer); i >= 0 {
		v.lost = append(v.lost[:i], v.lost[i+1:]...)
	}
}

// dropMember removes member i; the last takes its place.
func (v *View) dropMember(i int) {
	last := len(v.passive) - 1
	v.passive[i] = v.passive[last]
	v.passive = v.passive[:last]
}

func (v *View) memberIndex(peer PeerID) int {
	for i := range v.passive {
		if v.passive[i].peer == peer {
			return i
		}
	}
	return -1
}

func (v *View) lostIndex(peer PeerID) int {
	for i := range v.lost {
		if v.lost[i].peer == peer {
			return i
		}
	}
	return -1
}

// backoff doubles from minRetry to maxRetry; tries is at least 1.
func backoff(tries int) time.Duration {
	return min(minRetry<<min(tries-1, 10), maxRetry)
}
