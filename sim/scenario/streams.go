package scenario

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// stream is one of the separate sources of randomness of a run. What is drawn from
// one leaves the others alone: adversaries, say, change neither who publishes nor
// who is killed. The network has streams of its own from the same seed.
func stream(seed uint64, name string) *rand.Rand {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), name...))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))
}

// drawPlaces draws a share of n places, without those for which spared says true:
// round(share*n) of them, or as many as there are. The result is ascending.
func drawPlaces(share float64, n int, rng *rand.Rand, spared func(place int) bool) []int32 {
	want := int(math.Round(share * float64(n)))
	var drawn []int32
	for _, p := range rng.Perm(n) {
		if len(drawn) >= want {
			break
		}
		if !spared(p) {
			drawn = append(drawn, int32(p))
		}
	}
	slices.Sort(drawn)
	return drawn
}
