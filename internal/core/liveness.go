package core

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Times of the failure detector. It is SWIM's idea (Das, Gupta, Motivala, DSN
// 2002) with Lifeguard's corrections (Dadgar, Phillips, Currey, 2018), applied to
// the links a peer has rather than to all members: ping what is silent, suspect
// early and only reroute, ask others, declare death late.
const (
	// PingAfter is the silence after which a link is pinged by the end with the
	// smaller ID. Its ping resets the other end's turn, so an idle link costs one ping
	// and one pong a second.
	PingAfter = 950 * time.Millisecond
	// secondAfter is what the other end waits longer, beside the round trip: it has
	// heard the last ping half a round trip before the answer was heard, and hears
	// the next half a round trip after it is sent. With one patience for both every
	// second ping crossed another (our measurement: 1.6 a link and second).
	// secondSpare is what it leaves at least between an answer to its own ping and the
	// moment at which it must suspect: beyond round trips of 200 ms pings cross again.
	secondAfter = 50 * time.Millisecond
	secondSpare = 100 * time.Millisecond
	// pingEarly is by how much a ping may come before its time, to go out with one that
	// is due: a host that wakes once for several of its links sleeps longer.
	pingEarly = 100 * time.Millisecond
	// repingAfter is the wait for a pong before the ping is repeated: a lost
	// datagram must not look like a lost peer.
	repingAfter = 230 * time.Millisecond
	// SuspectAfter is the silence after which a link is suspected, for round trips
	// up to 300 ms; longer ones add what they exceed it by.
	SuspectAfter = 1450 * time.Millisecond
	// pingLeisurely and suspectLeisurely take the place of PingAfter and SuspectAfter on a
	// link on which nobody depends, where protocols say on which they do. On a LAN half of
	// what an idle peer does is to answer pings. With 3 and 3.5 s DONet's recovery after half
	// of the hosts died took up to 2.4 s, where it was 1 s, and 1.4 s with these (our measurements).
	pingLeisurely    = 1700 * time.Millisecond
	suspectLeisurely = 2200 * time.Millisecond
	// DeadMin and DeadMax are the silence after which a link is dead: DeadMax when
	// nobody confirms the suspicion, DeadMin when confirmersWanted peers do.
	DeadMin = 5 * time.Second
	DeadMax = 11500 * time.Millisecond
	// confirmersWanted is Lifeguard's k: memberlist asks 3.
	confirmersWanted = 3
	// ownPause is how late this host's own timer must be for it to conclude that
	// it was itself asleep and nobody else (Lifeguard's local health).
	ownPause = 300 * time.Millisecond
)

// liveness judges one link by when something was last heard.
type liveness struct {
	heard     protocol.Time
	silentAt  protocol.Time // when to ping unless something is heard before
	suspected bool
	vouched   bool // some peer has heard it: the link is broken, not the peer
	second    bool // the other end pings first
	asked     bool // a ping is out
	confirmed int  // peers that have not heard it either
	leisurely bool // nobody depends on the link
	roundTrip
}

// newLiveness starts to judge a link that came up at now.
func newLiveness(now protocol.Time, rtt time.Duration, second bool) liveness {
	l := liveness{roundTrip: newRoundTrip(now, rtt), second: second}
	l.hear(now)
	return l
}

// hear notes that something came. It reports whether that ends a suspicion.
func (l *liveness) hear(now protocol.Time) (restored bool) {
	l.heard = now
	l.silentAt = now.Add(l.patience())
	restored = l.suspected
	l.suspected, l.confirmed, l.vouched, l.asked = false, 0, false, false
	return restored
}

// patience is the silence after which this end pings.
func (l *liveness) patience() time.Duration {
	first := PingAfter
	if l.leisurely {
		first = pingLeisurely
	}
	if l.second {
		return max(first, min(first+l.rtt+secondAfter, l.suspectAfter()-l.rtt-secondSpare))
	}
	return first
}

// watch watches the link closely from now on, or at leisure. That nothing was heard while
// nobody asked says nothing against the peer.
func (l *liveness) watch(now protocol.Time, closely bool) {
	if l.leisurely == !closely {
		return
	}
	l.leisurely = !closely
	if closely && !l.suspected {
		l.heard = max(l.heard, now.Add(-PingAfter))
		l.silentAt = min(l.silentAt, l.heard.Add(l.patience()))
	}
}

// mayPing reports whether a ping is so nearly due that it may go out now. One that
// repeats another has to wait for its time, for the answer may be on its way, and so
// has the end that pings second.
func (l *liveness) mayPing(now protocol.Time) bool {
	return !l.second && !l.asked && l.silentAt <= now.Add(pingEarly)
}

// excuse moves the judgement on by the time this host itself was asleep. What was
// heard since it woke stays as it is.
func (l *liveness) excuse(now protocol.Time, by time.Duration) {
	l.heard = min(now, l.heard.Add(by))
}

// pingAt is when to ping: for silence, or to measure the round trip.
func (l *liveness) pingAt() protocol.Time { return min(l.silentAt, l.measureAt) }

// ping notes that a ping goes out and returns its number.
func (l *liveness) ping(now protocol.Time, rng *rand.Rand) uint64 {
	nonce := rng.Uint32()
	l.sent(now, nonce)
	l.asked = true
	l.silentAt = now.Add(max(repingAfter, l.rtt))
	if l.suspected {
		l.silentAt = now.Add(PingAfter)
	}
	return uint64(nonce)
}

// suspectAfter is the silence that is suspicious, suspectAt when it has lasted so
// long.
func (l *liveness) suspectAfter() time.Duration {
	after := SuspectAfter
	if l.leisurely {
		after = suspectLeisurely
	}
	return after + max(0, l.rtt-300*time.Millisecond)
}

func (l *liveness) suspectAt() protocol.Time { return l.heard.Add(l.suspectAfter()) }

// deadAt is when suspicion becomes a verdict: with n of k confirmations,
// max - (max-min) * ln(n+1)/ln(k+1) (Lifeguard, section IV-B).
func (l *liveness) deadAt() protocol.Time {
	n := min(l.confirmed, confirmersWanted)
	share := math.Log(float64(n+1)) / math.Log(float64(confirmersWanted+1))
	if l.vouched {
		share = 1 // no doubt about the peer: only the link is in question, mend it soon
	}
	return l.heard.Add(DeadMax - time.Duration(share*float64(DeadMax-DeadMin)))
}

// deadline is when this link next wants attention.
func (l *liveness) deadline() protocol.Time {
	if l.suspected {
		return min(l.pingAt(), l.deadAt())
	}
	return min(l.pingAt(), l.suspectAt())
}
