package core

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// maxPings is how many pings are remembered until they are answered: those of
	// a second and more, or a round trip longer than repingAfter would never be
	// measured.
	maxPings = 8
	// rttRefresh is the age after which a round trip is measured again on a link
	// that is never silent, rttRetry the time after which that is tried again
	// when no answer has come.
	rttRefresh = 15 * time.Second
	rttRetry   = 2 * time.Second
	// maxRTT bounds what is taken for a round trip: who holds its answers back
	// must not put off that it is suspected (our guess).
	maxRTT = 4 * time.Second
)

// roundTrip measures the round trip of one link.
type roundTrip struct {
	rtt       time.Duration // smoothed as in RFC 6298; 0 while unknown
	told      time.Duration // what the machines know
	measureAt protocol.Time // when to ping for its sake alone
	pings     []sentPing    // the last ones, at most maxPings, that are not answered
}

// sentPing is a ping that is not answered.
type sentPing struct {
	at    protocol.Time
	nonce uint32
}

// newRoundTrip begins with an estimate, 0 for none.
func newRoundTrip(now protocol.Time, rtt time.Duration) roundTrip {
	r := roundTrip{rtt: min(max(0, rtt), maxRTT), measureAt: now.Add(rttRefresh)}
	r.told = r.rtt
	if r.rtt == 0 {
		r.measureAt = now.Add(repingAfter)
	}
	return r
}

// news reports whether the machines should hear of the round trip: it is another
// than they know by more than a sixteenth (our guess). Most measurements say
// nothing new.
func (r *roundTrip) news() bool {
	d := r.rtt - r.told
	if max(d, -d) <= r.told/16 {
		return false
	}
	r.told = r.rtt
	return true
}

// sent notes a ping. Its number is random: an answer cannot come before the ping.
func (r *roundTrip) sent(now protocol.Time, nonce uint32) {
	if len(r.pings) == maxPings {
		r.pings = slices.Delete(r.pings, 0, 1)
	}
	r.pings = append(r.pings, sentPing{now, nonce})
	r.measureAt = now.Add(rttRetry)
}

// pong takes the answer to a ping; it reports whether it measured a round trip.
func (r *roundTrip) pong(now protocol.Time, nonce uint64) bool {
	for i, p := range r.pings {
		if uint64(p.nonce) != nonce {
			continue
		}
		sample := min(max(now.Sub(p.at), 1), maxRTT)
		r.pings = slices.Delete(r.pings, i, i+1)
		if r.rtt == 0 {
			r.rtt = sample
		} else {
			r.rtt += (sample - r.rtt) / 8
		}
		r.measureAt = now.Add(rttRefresh)
		return true
	}
	return false
}
