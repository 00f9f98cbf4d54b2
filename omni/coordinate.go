package omni

import (
	"math"
	"math/rand/v2"
	"time"
)

// Coordinate is a place in a space in which distances foretell round trips: Vivaldi
// (Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004) in three dimensions and a height, the
// delay of the access link. Units of 1/16 ms.
type Coordinate struct {
	X, Y, Z, Height int16
	// Err is how far the owner trusts it: 255 for not at all, in 1/256 of the distance.
	Err uint8
}

// grain is the unit of a Coordinate per millisecond.
const grain = 16

// Tuning of Vivaldi: "cc = 0.25 and ce = 0.25" do well (SIGCOMM 2004, section 2.5 and
// 5.2).
const (
	vivaldiCC = 0.25
	vivaldiCE = 0.25
	// leastHeight keeps a height from vanishing, in ms (our guess).
	leastHeight = 0.1
)

// vivaldi is a peer's own coordinate, in ms.
type vivaldi struct {
	at     [3]float64
	height float64
	err    float64
}

func newVivaldi() vivaldi { return vivaldi{height: 5, err: 1} }

// update moves the coordinate by one measured round trip to a peer at c.
func (v *vivaldi) update(rtt time.Duration, c Coordinate, rng *rand.Rand) {
	ms := rtt.Seconds() * 1000
	if ms <= 0 {
		return
	}
	var to [3]float64
	to[0], to[1], to[2] = float64(c.X)/grain, float64(c.Y)/grain, float64(c.Z)/grain
	theirHeight, theirErr := float64(c.Height)/grain, max(float64(c.Err)/256, 0.01)
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
	v.err = min(off*vivaldiCE*w+v.err*(1-vivaldiCE*w), 1)
	force := vivaldiCC * w * (ms - predicted)
	for i := range diff {
		v.at[i] += force * diff[i] / flat
	}
	if predicted > 0 {
		v.height += force * (v.height + theirHeight) / predicted
	}
	v.height = max(v.height, leastHeight)
}

// coordinate is v as others are told.
func (v *vivaldi) coordinate() Coordinate {
	return Coordinate{
		X: units(v.at[0]), Y: units(v.at[1]), Z: units(v.at[2]), Height: max(units(v.height), 0),
		Err: uint8(min(v.err*256, 255)),
	}
}

func units(ms float64) int16 {
	return int16(min(max(math.Round(ms*grain), math.MinInt16), math.MaxInt16))
}

// Distance is the round trip that two coordinates foretell.
func Distance(a, b Coordinate) time.Duration {
	x, y, z := float64(a.X)-float64(b.X), float64(a.Y)-float64(b.Y), float64(a.Z)-float64(b.Z)
	d := math.Sqrt(x*x+y*y+z*z) + float64(a.Height) + float64(b.Height)
	return time.Duration(d / grain * float64(time.Millisecond))
}
