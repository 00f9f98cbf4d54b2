package vivaldi

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// moving and trusting say how much one measurement counts, for the place and for its
	// error: "cc = 0.25 and ce = 0.25" do well (SIGCOMM 2004, sections 2.5 and 5.2).
	moving   = 0.25
	trusting = 0.25
	// leastHeight keeps a height from vanishing, in ms (our guess).
	leastHeight = 0.1
)

// Place is a peer's own coordinate, which measuring moves. The zero value is none: see
// NewPlace.
type Place struct {
	at     [3]float64 // ms
	height float64
	err    float64
}

// NewPlace is in the middle, and not to be trusted.
func NewPlace() Place { return Place{height: 5, err: 1} }

// Update moves the place by one measured round trip to a peer at c. Where both are at the
// same point rng has the direction.
func (v *Place) Update(rtt time.Duration, c Coordinate, rng *rand.Rand) {
	ms := rtt.Seconds() * 1000
	if ms <= 0 {
		return
	}
	var to [3]float64
	to[0], to[1], to[2] = float64(c.X)/Grain, float64(c.Y)/Grain, float64(c.Z)/Grain
	theirHeight, theirErr := float64(c.Height)/Grain, max(float64(c.Err)/256, 0.01)
	var diff [3]float64
	sum := 0.0
	for i := range diff {
		diff[i] = v.at[i] - to[i]
		sum += diff[i] * diff[i]
	}
	flat := math.Sqrt(sum)
	if flat < 1e-3 {
		for i := range diff {
			diff[i] = rng.NormFloat64()
		}
		flat = math.Sqrt(diff[0]*diff[0] + diff[1]*diff[1] + diff[2]*diff[2])
		sum = 0
	} else {
		sum = flat
	}
	predicted := sum + v.height + theirHeight
	// "This weight balances local and remote error" (SIGCOMM 2004, figure 3).
	w := v.err / (v.err + theirErr)
	off := math.Abs(predicted-ms) / ms
	v.err = min(off*trusting*w+v.err*(1-trusting*w), 1)
	force := moving * w * (ms - predicted)
	for i := range diff {
		v.at[i] += force * diff[i] / flat
	}
	if predicted > 0 {
		v.height += force * (v.height + theirHeight) / predicted
	}
	v.height = max(v.height, leastHeight)
}

// Coordinate is v as others are told.
func (v *Place) Coordinate() Coordinate {
	return Coordinate{
		X: units(v.at[0]), Y: units(v.at[1]), Z: units(v.at[2]), Height: max(units(v.height), 0),
		Err: uint8(min(v.err*256, 255)),
	}
}

func units(ms float64) int16 {
	return int16(min(max(math.Round(ms*Grain), math.MinInt16), math.MaxInt16))
}
