package euid

import (
	"fmt"
	"math"
)

// Range is a measurement made coarse: 0 for unknown, 1 for less than one unit, n for
// 2^(n-2) up to 2^(n-1) units, MaxRange for all from 2^13 units on. Coarse, so that an
// EUID changes when the place does and not with every measurement, and so that
// measurements are no fingerprint.
type Range uint8

// MaxRange is the greatest range.
const MaxRange Range = 15

// hysteresis is by how much of its bounds a measurement may be out of a range that
// is kept (our guess: measurements of a link that stays the same vary by less).
const hysteresis = 0.25

// RangeOf is the range of a measurement in its unit; negative ones and NaN are 0.
func RangeOf(v float64) Range {
	switch {
	case !(v >= 0):
		return 0
	case v < 1:
		return 1
	}
	_, exp := math.Frexp(min(v, 1<<14)) // v is in [2^(exp-1), 2^exp)
	return min(Range(exp+1), MaxRange)
}

// Bounds are the least value of the range, and the least above it: +Inf for MaxRange.
// Of the unknown range they are 0 and +Inf.
func (r Range) Bounds() (least, above float64) {
	switch {
	case r == 0:
		return 0, math.Inf(1)
	case r == 1:
		return 0, 1
	case r >= MaxRange:
		return 1 << (MaxRange - 2), math.Inf(1)
	}
	return float64(uint(1) << (r - 2)), float64(uint(1) << (r - 1))
}

// Follow is the range after one more measurement: the same, unless the measurement
// is out of it by more than a quarter of its bound. What varies around a bound by
// less than that changes the range once.
func (r Range) Follow(v float64) Range {
	if least, above := r.Bounds(); r != 0 && v >= least*(1-hysteresis) && v < above*(1+hysteresis) {
		return r
	}
	return RangeOf(v)
}

func (r Range) String() string {
	least, above := r.Bounds()
	switch {
	case r == 0:
		return "unknown"
	case math.IsInf(above, 1):
		return fmt.Sprintf("from %g", least)
	}
	return fmt.Sprintf("%g to %g", least, above)
}
