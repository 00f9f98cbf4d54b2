package core

import "github.com/quilt-p2p/quilt/protocol"

// bucket is a token bucket: what one link can have this host do.
// The zero bucket is full.
type bucket struct {
	spent float64 // tokens that are missing, at at
	at    protocol.Time
}

// take takes one token, if there is one, of a bucket that gets rate a second and holds
// burst.
func (b *bucket) take(now protocol.Time, rate, burst float64) bool {
	b.spent = max(0, b.spent-rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.spent+1 > burst {
		return false
	}
	b.spent++
	return true
}
