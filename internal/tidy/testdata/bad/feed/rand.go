package feed

import (
	"hash/maphash" // want `imports hash/maphash`
	"math/rand"
	v2 "math/rand/v2"
)

func draw(seeded *v2.Rand) int {
	n := seeded.IntN(6) + v2.New(v2.NewPCG(1, 2)).IntN(6)
	n += v2.IntN(6)       // want `global source of math/rand/v2 \(IntN\)`
	n += rand.Intn(6)     // want `global source of math/rand \(Intn\)`
	shuffle := v2.Shuffle // want `global source of math/rand/v2 \(Shuffle\)`
	shuffle(0, nil)
	_ = maphash.MakeSeed()
	return n
}

var _ = draw
