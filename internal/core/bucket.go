package core

import "github.com/quilt-p2p/quilt/protocol"

// bucket is a token bucket: what one link can have this host do.
type bucket struct {
	rate, burst float64 // tokens a second, and at most
	tokens      float64
	at          protocol.Time
}

// newBucket returns a full bucket.
func newBucket(now protocol.Time, rate, burst float64) bucket {
	return bucket{rate: rate, burst: burst, tokens: burst, at: now}
}

// take takes one token if there is one.
func (b *bucket) take(now protocol.Time) bool {
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
