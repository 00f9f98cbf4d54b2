package gossip

import "time"

// Bounds of waiting.
const (
	// minWait and maxWait bound how long an announced item is waited for, the time
	// on the wire of a large one not counted. 5 ms is the granularity of a
	// driver's timers under load (our guess).
	minWait = 5 * time.Millisecond
	maxWait = 2 * time.Second
	// minAnswer and maxAnswer bound how long a Graft's answer is waited for.
	minAnswer = 10 * time.Millisecond
	maxAnswer = 2 * time.Second
	// unknownRTT stands in for a round trip that nobody has measured (our guess).
	unknownRTT = 100 * time.Millisecond
	// wireRate is the rate in bytes a second at which an item is taken to travel:
	// 8 Mbit/s, a modest uplink (our guess). One of 1 KiB is given 1 ms.
	wireRate = 1 << 20
)

// onWire is how long an item of size bytes may take on the wire alone.
func onWire(size int) time.Duration {
	return time.Duration(size) * time.Second / wireRate
}

// estimator is the smoothed mean and deviation of a duration.
//
// "When the first RTT measurement R is made, the host MUST set SRTT <- R, RTTVAR
// <- R/2 [...]. When a subsequent RTT measurement R' is made, a host MUST set
// RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|, SRTT <- (1 - alpha) * SRTT
// + alpha * R' [...] using alpha=1/8 and beta=1/4." (RFC 6298, section 2)
type estimator struct {
	mean, dev time.Duration
	samples   int64
}

func (e *estimator) add(sample time.Duration) {
	sample = max(sample, 0)
	e.samples++
	if e.samples == 1 {
		e.mean, e.dev = sample, sample/2
		return
	}
	diff := e.mean - sample
	if diff < 0 {
		diff = -diff
	}
	e.dev += (diff - e.dev) / 4
	e.mean += (sample - e.mean) / 8
}

// bound is what a sample rarely exceeds: "RTO <- SRTT + max (G, K*RTTVAR) where
// K = 4." The clock's granularity G is part of the callers' floors.
func (e *estimator) bound() time.Duration { return e.mean + 4*e.dev }
