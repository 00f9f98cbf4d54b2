package protocol

import (
	"math"
	"time"
)

// Time is an instant on the driver's monotonic clock, in nanoseconds since an
// origin of the driver's choice (never the wall clock: another host's or this
// host's wrong date must not decide anything).
type Time int64

// Never is later than every instant: the deadline of a machine that waits only
// for input.
const Never Time = math.MaxInt64

// Add returns t+d, saturating at Never; Never plus anything is Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never || d > 0 && t > Never-Time(d) {
		return Never
	}
	return t + Time(d)
}

// Sub returns the duration t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Earliest returns the earliest of the given instants, Never for none.
func Earliest(ts ...Time) Time {
	first := Never
	for _, t := range ts {
		first = min(first, t)
	}
	return first
}
