package topology

import (
	"math"
	"math/rand/v2"
	"sort"
)

// maxRegions bounds the regions of king:N. The process that draws them makes some
// 4,700 of 100,000 hosts.
const maxRegions = 32_768

// kingJitterMS is the standard deviation, one way and along either axis, of hosts
// around the centre of their region. Our guess: 300 km of fibre.
const kingJitterMS = 1.5

// king makes the topology king:N. Regions are put at points drawn from the mixture,
// hosts around them; heights, the delay of access links, are drawn for each host
// from the table of its region's component.
func king(name string, n int, rng *rand.Rand) *Topology {
	of, sizes := drawRegions(n, maxRegions, rng)
	centres := make([]point, len(sizes))
	areas := make([]int, len(sizes))
	weights := make([]int, len(kingMixture))
	var shares kingShares
	for r := range centres {
		k := shares.draw(int(sizes[r]), rng)
		areas[r] = k
		weights[k]++
		centres[r] = kingMixture[k].draw(rng)
	}
	space := make(coordinates, n)
	for i, r := range of {
		c := centres[r]
		space[i] = point{
			x:      c.x + float32(kingJitterMS*rng.NormFloat64()),
			y:      c.y + float32(kingJitterMS*rng.NormFloat64()),
			height: float32(kingMixture[areas[r]].height(rng.Float64())),
		}
	}
	return newTopology(name, populate(of, sizes, areas, weights, rng), space)
}

// kingShares is how many hosts each component has got. Were components drawn by their
// weights alone, the few large regions would make one network of much distance and
// the next of little: medians from 138 to 180 ms, our measurement.
type kingShares struct {
	hosts [kingComponents]float64
	total float64
}

// draw draws the component of a region in proportion to what each lacks.
func (s *kingShares) draw(size int, rng *rand.Rand) int {
	s.total += float64(size)
	var lacks [kingComponents]float64
	sum := 0.0
	for k := range kingMixture {
		lacks[k] = max(0, kingMixture[k].weight*s.total-s.hosts[k])
		sum += lacks[k]
	}
	k, d := 0, rng.Float64()*sum
	for k < kingComponents-1 && (lacks[k] == 0 || d >= lacks[k]) {
		d -= lacks[k]
		k++
	}
	s.hosts[k] += float64(size)
	return k
}

// draw draws a point of the component, without height.
func (c *kingComponent) draw(rng *rand.Rand) point {
	u, v := rng.NormFloat64(), rng.NormFloat64()
	return point{x: float32(c.x + c.sx*u), y: float32(c.y + c.sxy*u + c.sy*v)}
}

// height is a quantile of the component's heights: between those of the table
// geometrically, because heights have a long tail.
func (c *kingComponent) height(q float64) float64 {
	i := min(max(sort.SearchFloat64s(kingLevels[:], q), 1), len(kingLevels)-1)
	low, high := c.heights[i-1], c.heights[i]
	return low * math.Pow(high/low, (q-kingLevels[i-1])/(kingLevels[i]-kingLevels[i-1]))
}
