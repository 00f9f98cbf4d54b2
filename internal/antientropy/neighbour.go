package antientropy

import (
	"cmp"
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// MaxNeighbours bounds the neighbours that a machine deals with; more are
// ignored. An active view has at most 8.
const MaxNeighbours = 32

// neighbour is what a machine knows of one member of its active view.
type neighbour struct {
	peer      protocol.PeerID
	rtt       time.Duration // 0 for unknown
	suspected bool
	congested bool
	relayed   bool // a third peer passes on what is said to it

	pull     *pull
	rate     float64       // bytes a second that its answers came with
	failures int           // pulls in a row that brought too little
	backoff  protocol.Time // no pull before
	grace    protocol.Time // no pull before: the fast path has precedence
	serve    bucket

	feed  feedState  // of Owned
	topic topicState // of Open
}

// unknownRTT stands for a round trip that is not known yet (our guess: a bad
// satellite link).
const unknownRTT = 500 * time.Millisecond

// patience is how long a reply to a small message may take: "RTT plus four
// deviations" (RFC 6298) with the deviation of a busy peer guessed at.
func (n *neighbour) patience() time.Duration {
	rtt := n.rtt
	if rtt == 0 {
		rtt = unknownRTT
	}
	return minPatience + 4*rtt
}

const minPatience = 500 * time.Millisecond

// usable reports whether something may be sent to the neighbour unprompted.
func (n *neighbour) usable() bool { return !n.suspected }

// Back-off from a neighbour whose pulls bring nothing (our guesses).
const (
	firstBackoff = time.Second
	maxBackoff   = 60 * time.Second
	// forgetAfter is the number of failures in a row after which what the
	// neighbour claimed to have is forgotten, until it claims it anew.
	forgetAfter = 4
)

// backoffAfter is the time to wait after so many failures in a row.
func backoffAfter(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	return min(firstBackoff<<min(failures-1, 10), maxBackoff)
}

// bucket is a token bucket that limits what a neighbour can make us do.
type bucket struct {
	tokens float64
	at     protocol.Time
}

// A neighbour's requests: as many at once, and a second (our guesses: at 256 KiB
// a pull, 16 MiB/s; at 1 ms for the worst reconciliation message, 6% of a core).
const (
	serveBurst = 128
	serveRate  = 64
)

// take takes one token, if there is one.
func (b *bucket) take(now protocol.Time) bool {
	b.tokens = min(serveBurst, b.tokens+serveRate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// neighbours is ordered by peer ID.
type neighbours []*neighbour

func (ns neighbours) search(peer protocol.PeerID) (int, bool) {
	return slices.BinarySearchFunc(ns, peer, func(n *neighbour, p protocol.PeerID) int {
		return cmp.Compare(n.peer, p)
	})
}

// find returns the neighbour, nil for a stranger.
func (ns neighbours) find(peer protocol.PeerID) *neighbour {
	if i, ok := ns.search(peer); ok {
		return ns[i]
	}
	return nil
}

// apply takes in a delta and returns the neighbour if it is new.
func (ns *neighbours) apply(now protocol.Time, d protocol.MemberDelta) *neighbour {
	i, ok := ns.search(d.Peer)
	switch {
	case d.Gone && ok:
		*ns = slices.Delete(*ns, i, i+1)
	case d.Gone:
	case ok:
		if d.RTT > 0 {
			(*ns)[i].rtt = d.RTT
		}
	case len(*ns) < MaxNeighbours:
		n := &neighbour{
			peer:    d.Peer,
			rtt:     d.RTT,
			relayed: d.Relayed,
			rate:    guessedRate,
			serve:   bucket{tokens: serveBurst, at: now},
			topic:   newTopicState(),
		}
		*ns = slices.Insert(*ns, i, n)
		return n
	}
	return nil
}

// nearest returns the neighbours by round trip, those without a known one last.
func (ns neighbours) nearest() neighbours {
	byRTT := slices.Clone(ns)
	slices.SortStableFunc(byRTT, func(a, b *neighbour) int {
		if (a.rtt == 0) != (b.rtt == 0) {
			return cmp.Compare(b.rtt, a.rtt)
		}
		return cmp.Compare(a.rtt, b.rtt)
	})
	return byRTT
}
