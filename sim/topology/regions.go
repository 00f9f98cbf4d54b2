package topology

import "math/rand/v2"

// Regions are like the networks of providers: most have one host, a few have many.
// Their sizes are a Pitman-Yor process, fitted to the synthetic data set of 951 hosts:
// 371 regions, 230 of one host, the largest of 40. The process gives 370, 229 and 40
// in the mean of 200 draws; at 100,000 hosts some 4,700 regions, the largest 4% of all.
const (
	regionDiscount = 0.5
	regionStrength = 58
)

// drawRegions puts n hosts into at most most regions. It returns the region of each
// host, and the number of hosts in each region.
func drawRegions(n, most int, rng *rand.Rand) (of, sizes []int32) {
	of = make([]int32, n)
	for i := range of {
		k := len(sizes)
		fresh := (regionStrength + regionDiscount*float64(k)) / (regionStrength + float64(i))
		if k < most && rng.Float64() < fresh {
			of[i] = int32(k)
			sizes = append(sizes, 1)
			continue
		}
		of[i] = joinRegion(of[:i], sizes, rng)
		sizes[of[i]]++
	}
	return of, sizes
}

// joinRegion draws a region with a probability in proportion to its size less the
// discount: that of a random host, accepted with (size - discount) / size.
func joinRegion(of, sizes []int32, rng *rand.Rand) int32 {
	for {
		r := of[rng.IntN(len(of))]
		if rng.Float64()*float64(sizes[r]) >= regionDiscount {
			return r
		}
	}
}
