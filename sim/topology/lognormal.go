package topology

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The parameters of lognormal:N, all our choice: a network of one continent with
// some far places. Between random hosts of lognormal:1000 the round trip has p10 30 ms,
// p50 60 ms, p90 124 ms, p99 221 ms; the standard deviation of its logarithm is 0.57
// (our measurement, mean of 20 networks; their medians are 56 to 72 ms).
const (
	// lognormalRegions bounds the regions: their matrix then takes 0.5 MB.
	lognormalRegions = 512
	// lognormalMedianMS and lognormalSigma are of round trips between regions.
	lognormalMedianMS = 55
	lognormalSigma    = 0.6
	// lognormalDetour is sigma of the factor by which routes differ from straight
	// lines. With it some 7% of triangles are violated (the synthetic data
	// set of 951 hosts has 5%).
	lognormalDetour = 0.1
	// Within a region, and what each host's access link adds to a round trip.
	lognormalInsideMS, lognormalInsideSigma = 4, 0.5
	lognormalAccessMS, lognormalAccessSigma = 2, 0.7
	// lognormalAreas are directions from the middle of the map.
	lognormalAreas = 8
)

// lognormal makes the topology lognormal:N. Independent log-normal distances would
// know no near and far: two regions close to a third would not be close to each
// other. So regions are points in a plane, the pairs are sorted by distance with
// detours, and the sorted pairs get the quantiles of the log-normal distribution:
// exactly that distribution, and nearly the plane's order.
func lognormal(name string, n int, rng *rand.Rand) *Topology {
	hosts, s := drawRegional(n, distances{lognormalRegions, lognormalMedianMS, lognormalInsideMS}, rng)
	return newTopology(name, hosts, s)
}

// distances is how far hosts are from each other in a network of regions.
type distances struct {
	regions            int     // at most
	medianMS, insideMS float64 // round trips between regions, and within them
}

// drawRegional draws hosts in regions.
func drawRegional(n int, d distances, rng *rand.Rand) ([]Host, *regional) {
	of, sizes := drawRegions(n, d.regions, rng)
	areas := make([]int, len(sizes))
	weights := make([]int, lognormalAreas)
	points := make([]point, len(sizes))
	for r := range points {
		x, y := rng.NormFloat64(), rng.NormFloat64()
		points[r] = point{x: float32(x), y: float32(y)}
		areas[r] = min(int((math.Atan2(y, x)/math.Pi+1)/2*lognormalAreas), lognormalAreas-1)
		weights[areas[r]]++
	}
	s := &regional{region: of, access: make([]float32, n), ms: d.matrix(points, rng)}
	for i := range s.access {
		s.access[i] = float32(drawLognormal(lognormalAccessMS, lognormalAccessSigma, rng))
	}
	return populate(of, sizes, areas, weights, rng), s
}

// matrix makes the matrix of regions.
func (d distances) matrix(points []point, rng *rand.Rand) triangle {
	ms := newTriangle(len(points))
	type pair struct {
		i, j     int32
		distance float64
	}
	var pairs []pair
	for i, p := range points {
		*ms.at(i, i) = float32(drawLognormal(d.insideMS, lognormalInsideSigma, rng))
		for j, q := range points[:i] {
			far := math.Hypot(float64(p.x-q.x), float64(p.y-q.y))
			pairs = append(pairs, pair{int32(i), int32(j), far * drawLognormal(1, lognormalDetour, rng)})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.distance, b.distance) })
	for k, p := range pairs {
		q := (float64(k) + 0.5) / float64(len(pairs))
		normal := math.Sqrt2 * math.Erfinv(2*q-1)
		*ms.at(int(p.i), int(p.j)) = float32(d.medianMS * math.Exp(lognormalSigma*normal))
	}
	return ms
}

func drawLognormal(median, sigma float64, rng *rand.Rand) float64 {
	return median * math.Exp(sigma*rng.NormFloat64())
}
