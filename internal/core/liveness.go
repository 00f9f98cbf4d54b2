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
	// PingAfter is the silence after which a link is pinged. Whoever's turn comes
	// first pings and the answer resets the other's turn, so an idle link costs
	// one ping and one pong a second.
	PingAfter = 950 * time.Millisecond
	// pingJitter is taken off PingAfter at random so that two ends do not ping at
	// the same instant.
	pingJitter = 100 * time.Millisecond
	// repingAfter is the wait for a pong before the ping is repeated: a lost
	// datagram must not look like a lost peer.
	repingAfter = 230 * time.Millisecond
	// SuspectAfter is the silence after which a link is suspected, for round trips
	// up to 300 ms; longer ones add what they exceed it by.
	SuspectAfter = 1450 * time.Millisecond
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
	confirmed int  // peers that have not heard it either
	roundTrip
}

// newLiveness starts to judge a link that came up at now.
func newLiveness(now protocol.Time, rtt time.Duration, rng *rand.Rand) liveness {
	l := liveness{roundTrip: newRoundTrip(now, rtt)}
	l.hear(now, rng)
	return l
}

// hear notes that something came. It reports whether that ends a suspicion.
func (l *liveness) hear(now protocol.Time, rng *rand.Rand) (restored bool) {
	l.heard = now
	l.silentAt = now.Add(PingAfter - time.Duration(rng.Int64N(int64(pingJitter))))
	restored = l.suspected
	l.suspected, l.confirmed, l.vouched = false, 0, false
	return restored
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
	nonce := uint64(rng.Uint32())
	l.sent(now, nonce)
	l.silentAt = now.Add(max(repingAfter, l.rtt))
	if l.suspected {
		l.silentAt = now.Add(PingAfter)
	}
	return nonce
}

// suspectAt is when silence becomes suspicion.
func (l *liveness) suspectAt() protocol.Time {
	return l.heard.Add(SuspectAfter + max(0, l.rtt-300*time.Millisecond))
}

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
