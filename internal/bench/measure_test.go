package bench

import (
	"slices"
	"testing"
	"time"
)

// hang is the limit of every wait: generous, for it measures nothing.
const hang = 5 * time.Minute

// await waits until ok.
func await(b *testing.B, what string, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(hang); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("still waiting for: %s", what)
		}
	}
}

// quantile returns the q-quantile of values, which it sorts.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// millis is a duration as a metric.
func millis(d time.Duration) float64 { return d.Seconds() * 1000 }
