package report

import (
	"math"
	"strconv"
)

// axis maps figures to places on a chart.
type axis struct {
	lo, hi   float64
	log      bool
	from, to float64 // places of lo and hi
}

// at is the place of a figure; one beyond the ends is put at the end.
func (a axis) at(v float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(max(v, a.lo))
	}
	share := (v - lo) / (hi - lo)
	return px(a.from + min(max(share, 0), 1)*(a.to-a.from))
}

// px is a place with as many digits as an eye sees.
func px(v float64) float64 { return math.Round(v*10) / 10 }

// tick is a mark on an axis.
type tick struct {
	At    float64
	Label string
}

// ticks are about five marks at round figures.
func (a axis) ticks() []tick {
	var list []tick
	if a.log {
		steps := []float64{1}
		if a.hi/a.lo < 150 {
			steps = []float64{1, 2, 5}
		}
		every := math.Pow10(max(1, int(math.Log10(a.hi/a.lo)/6)))
		for decade := math.Pow10(int(math.Floor(math.Log10(a.lo)))); decade <= a.hi; decade *= every {
			for _, s := range steps {
				if v := s * decade; v >= a.lo*0.999 && v <= a.hi*1.001 {
					list = append(list, tick{a.at(v), tickLabel(v)})
				}
			}
		}
		return list
	}
	step := niceStep((a.hi - a.lo) / 5)
	for i := math.Ceil(a.lo/step-1e-9) + 0; i*step <= a.hi*(1+1e-9); i++ {
		list = append(list, tick{a.at(i * step), tickLabel(i * step)}) // + 0: there is no -0
	}
	return list
}

// niceStep is 1, 2 or 5 times a power of ten, not below v.
func niceStep(v float64) float64 {
	ten := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, s := range []float64{1, 2, 5} {
		if s*ten >= v*0.999 {
			return s * ten
		}
	}
	return 10 * ten
}

func tickLabel(v float64) string {
	switch abs := math.Abs(v); {
	case abs >= 1e9:
		return strconv.FormatFloat(v/1e9, 'g', 4, 64) + "G"
	case abs >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case abs >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// upTo is an axis from 0 to a round figure not below hi.
func upTo(hi, from, to float64) axis {
	if hi <= 0 {
		hi = 1
	}
	step := niceStep(hi / 5)
	return axis{hi: math.Ceil(hi/step-1e-9) * step, from: from, to: to}
}

// logarithmic is an axis from lo to hi, both above 0, with room for a tick.
func logarithmic(lo, hi, from, to float64) axis {
	if hi < lo*2 {
		lo, hi = lo/1.5, hi*1.5
	}
	return axis{lo: lo * 0.95, hi: hi * 1.05, log: true, from: from, to: to}
}
