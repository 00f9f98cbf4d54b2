package scenario

import "math"

// HistogramBins is the number of bins of Details.Histogram: ten a decade, from 1 ms
// to 100 s.
const HistogramBins = 51

// HistogramEdge is the upper edge of bin i in ms, 10^(i/10); infinite for the last.
// The lower edge is the upper one of the bin before; that of bin -1 is 0.
func HistogramEdge(i int) float64 {
	switch {
	case i < 0:
		return 0
	case i >= HistogramBins-1:
		return math.Inf(1)
	}
	return math.Pow(10, float64(i)/10)
}

// histogram counts latencies in µs.
func histogram(s *sample) []int {
	counts := make([]int, HistogramBins)
	s.quantile(1) // sorts
	bin := 0
	for _, v := range s.values {
		for float64(v) >= HistogramEdge(bin)*milliseconds {
			bin++
		}
		counts[bin]++
	}
	return counts
}
