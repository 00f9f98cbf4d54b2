package antientropy

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestDbg(t *testing.T) {
	worst, at := time.Duration(0), uint64(0)
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 5))
		data := make([]byte, 300)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		s := time.Now()
		fuzzEvents(t, openPeer, data)
		if d := time.Since(s); d > worst {
			worst, at = d, seed
		}
	}
	t.Log(worst, at)
}
