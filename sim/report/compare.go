package report

import (
	"math"
	"slices"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// Verdicts of a comparison.
const (
	Better = "better"
	Worse  = "worse"
	Same   = "same"
	// Different: it says what happened, not how well.
	Different = "different"
	// OnlyA and OnlyB: the figure applies to one side alone.
	OnlyA = "only in A"
	OnlyB = "only in B"
)

// Side is one side of a comparison: the runs of one or more seeds.
type Side []*scenario.Result

// Difference is one figure on two sides.
type Difference struct {
	Field Field
	// A and B are the medians; InA and InB whether there is one. A figure that only
	// some seeds of a side have counts there.
	A, B     float64
	InA, InB bool
	// Verdict is what B is compared with A.
	Verdict string
}

// Ratio is B over A; false where that says nothing.
func (d Difference) Ratio() (float64, bool) {
	if !d.InA || !d.InB || d.A == 0 {
		return 0, false
	}
	return d.B / d.A, true
}

// Compare sets two sides against each other, in the order of [Fields]. Figures that
// neither has are left out. B is better or worse where its median differs from A's
// by more than the field's margin and is beyond all that A had.
func Compare(a, b Side) []Difference {
	var list []Difference
	for _, f := range Fields {
		inA, inB := a.values(f), b.values(f)
		d := Difference{Field: f, InA: len(inA) > 0, InB: len(inB) > 0}
		switch {
		case !d.InA && !d.InB:
			continue
		case !d.InB:
			d.A, d.Verdict = median(inA), OnlyA
		case !d.InA:
			d.B, d.Verdict = median(inB), OnlyB
		default:
			d.A, d.B = median(inA), median(inB)
			d.Verdict = verdict(f, inA, d.A, d.B)
		}
		list = append(list, d)
	}
	return list
}

// verdict compares a median with another, whose values are sorted.
func verdict(f Field, values []float64, a, b float64) string {
	beyond := len(values) == 1 || b < values[0] || b > values[len(values)-1]
	if math.Abs(b-a) <= f.Margin*math.Abs(a) || !beyond {
		return Same
	}
	switch {
	case f.Better == Neither:
		return Different
	case (b < a) == (f.Better == Lower):
		return Better
	}
	return Worse
}

// values are a figure's in all seeds that have it, sorted.
func (s Side) values(f Field) []float64 {
	var list []float64
	for _, r := range s {
		if v, ok := f.Value(r); ok {
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return list
}

// Median is the median of a figure over the seeds, Worst the worst (the greatest,
// where neither way is better); false where no seed has it.
func (s Side) Median(f Field) (float64, bool) {
	list := s.values(f)
	if len(list) == 0 {
		return 0, false
	}
	return median(list), true
}

// Worst: see Median.
func (s Side) Worst(f Field) (float64, bool) {
	list := s.values(f)
	switch {
	case len(list) == 0:
		return 0, false
	case f.Better == Higher:
		return list[0], true
	}
	return list[len(list)-1], true
}

// median of a sorted list that is not empty.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
