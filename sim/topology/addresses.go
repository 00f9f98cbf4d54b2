package topology

import (
	"math/rand/v2"
	"net/netip"
	"slices"
)

// hostsPerNetwork is how many hosts of a region share a /16 in the mean: the
// synthetic data set of 951 hosts has one more /16 for each 10 hosts of a region.
const hostsPerNetwork = 10

// special are the /8 that hold blocks which are not public unicast: none is used at
// all, which is simpler than to leave the blocks out.
var special = []int{10, 100, 127, 169, 172, 192, 198, 203}

// addresses gives out IPv4 addresses as registries do: a /8 belongs to one area of
// the world, a /16 to one region, so that what ranks by /8, /16 and /24 has something
// to see. No address is given twice.
type addresses struct {
	rng   *rand.Rand
	areas [][]int // the /8 of each area
	used  []bool  // the /16 that are given out, by their number
	given map[[4]byte]struct{}
}

// newAddresses divides the /8 among areas in proportion to their weights; each has
// at least one.
func newAddresses(weights []int, rng *rand.Rand) *addresses {
	a := &addresses{rng: rng, areas: make([][]int, len(weights)), used: make([]bool, 1<<16), given: make(map[[4]byte]struct{})}
	var blocks []int
	for b := 1; b < 224; b++ {
		if !slices.Contains(special, b) {
			blocks = append(blocks, b)
		}
	}
	rng.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	for i, b := range blocks {
		area := i
		if i >= len(weights) {
			area = drawWeighted(weights, rng)
		}
		a.areas[area] = append(a.areas[area], b)
	}
	return a
}

// drawWeighted draws an index in proportion to weights.
func drawWeighted(weights []int, rng *rand.Rand) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	d := rng.IntN(total)
	for i, w := range weights {
		if d -= w; d < 0 {
			return i
		}
	}
	panic("unreachable: d is less than the sum of weights")
}

// networks gives out the /16 of a region of some size.
func (a *addresses) networks(area int, size int32) []uint16 {
	list := make([]uint16, 1+int(size)/hostsPerNetwork)
	for i := range list {
		list[i] = a.network(area)
	}
	return list
}

// network gives out a /16 of an area, or of any when the area's are nearly used up.
func (a *addresses) network(area int) uint16 {
	blocks := a.areas[area]
	for range 64 {
		n := blocks[a.rng.IntN(len(blocks))]<<8 | a.rng.IntN(256)
		if !a.used[n] {
			a.used[n] = true
			return uint16(n)
		}
	}
	for _, blocks := range a.areas {
		for _, b := range blocks {
			if i := slices.Index(a.used[b<<8:(b+1)<<8], false); i >= 0 {
				a.used[b<<8+i] = true
				return uint16(b<<8 + i)
			}
		}
	}
	// 215 /8 have 55,040 /16; maxRegions with MaxHosts hosts take at most 42,768.
	panic("topology: no /16 is left")
}

// address gives out an address in a /16.
func (a *addresses) address(network uint16) netip.Addr {
	for {
		ip := [4]byte{byte(network >> 8), byte(network), byte(a.rng.IntN(256)), byte(1 + a.rng.IntN(254))}
		if _, twice := a.given[ip]; !twice {
			a.given[ip] = struct{}{}
			return netip.AddrFrom4(ip)
		}
	}
}
