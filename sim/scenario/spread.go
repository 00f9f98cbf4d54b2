package scenario

import (
	"math"
	"slices"
)

// sample is latencies in µs; sorted by the first look at it.
type sample struct {
	values []int32
	sorted bool
}

func (s *sample) add(v int32) { s.values, s.sorted = append(s.values, v), false }

// quantile is the smallest value that at least the share q of all do not exceed
// (nearest rank). There must be one.
func (s *sample) quantile(q float64) int32 {
	if !s.sorted {
		slices.Sort(s.values)
		s.sorted = true
	}
	return s.values[max(0, int(math.Ceil(q*float64(len(s.values))))-1)]
}

// mean is exact, whatever the order.
func (s *sample) mean() float64 {
	var sum int64
	for _, v := range s.values {
		sum += int64(v)
	}
	return float64(sum) / float64(len(s.values))
}

// spread describes the sample in units of so many µs; nil for an empty one.
func (s *sample) spread(unit float64) *Spread {
	if len(s.values) == 0 {
		return nil
	}
	q := func(q float64) float64 { return round(float64(s.quantile(q))/unit, 6) }
	return &Spread{Mean: round(s.mean()/unit, 6), P50: q(0.5), P90: q(0.9), P99: q(0.99), Max: q(1)}
}

// tail describes the upper end of the sample, likewise.
func (s *sample) tail(unit float64) *Tail {
	if len(s.values) == 0 {
		return nil
	}
	q := func(q float64) float64 { return round(float64(s.quantile(q))/unit, 6) }
	return &Tail{P50: q(0.5), P99: q(0.99), Max: q(1)}
}

// Units of spread and tail, in µs.
const (
	milliseconds = 1e3
	seconds      = 1e6
)

// round leaves so many digits behind the point: more than any figure deserves, and
// the same on every machine.
func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
