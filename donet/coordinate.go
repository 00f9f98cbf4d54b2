package donet

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
	// Err is how far the owner trusts it, in 1/256: 255 for not at all.
	Err uint8
}

const (
	grain = 16 // of a Coordinate, per millisecond
	// "cc = 0.25 and ce = 0.25" do well (SIGCOMM 2004, sections 2.5 and 5.2).
	vivaldiCC, vivaldiCE = 0.25, 0.25
	leastHeight          = 0.1 // ms (our guess): none vanishes
)

// vivaldi is a peer's own coordinate, in ms.
type vivaldi struct {
	at          [3]float64
	height, err float64
}

// update moves the coordinate by one measured round trip to a peer at c.
func (v *vivaldi) update(rtt time.Duration, c Coordinate, rng *rand.Rand) {
	ms := float64(rtt) / float64(time.Millisecond)
	if ms <= 0 {
		return
	}
	other := [3]float64{float64(c.X) / grain, float64(c.Y) / grain, float64(c.Z) / grain}
	height, trust := float64(c.Height)/grain, max(float64(c.Err)/256, 0.01)
	var away [3]float64
	for i := range away {
		away[i] = v.at[i] - other[i]
	}
	flat := math.Sqrt(away[0]*away[0] + away[1]*away[1] + away[2]*away[2])
	expected := flat + v.height + height
	if flat < 1e-3 {
		away = [3]float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		flat = math.Sqrt(away[0]*away[0] + away[1]*away[1] + away[2]*away[2])
	}
	// "This weight balances local and remote error" (figure 3).
	w := v.err / (v.err + trust)
	v.err = min(math.Abs(expected-ms)/ms*vivaldiCE*w+v.err*(1-vivaldiCE*w), 1)
	force := vivaldiCC * w * (ms - expected)
	for i := range away {
		v.at[i] += force * away[i] / flat
	}
	if expected > 0 {
		v.height += force * (v.height + height) / expected
	}
	v.height = max(v.height, leastHeight)
}

// coordinate is v as others are told.
func (v *vivaldi) coordinate() Coordinate {
	unit := func(ms float64) int16 {
		return int16(min(max(math.Round(ms*grain), math.MinInt16), math.MaxInt16))
	}
	return Coordinate{unit(v.at[0]), unit(v.at[1]), unit(v.at[2]), max(unit(v.height), 0), uint8(min(v.err*256, 255))}
}

// Distance is the round trip that two coordinates foretell.
func Distance(a, b Coordinate) time.Duration {
	x, y, z := float64(a.X)-float64(b.X), float64(a.Y)-float64(b.Y), float64(a.Z)-float64(b.Z)
	d := math.Sqrt(x*x+y*y+z*z) + float64(a.Height) + float64(b.Height)
	return time.Duration(d / grain * float64(time.Millisecond))
}
