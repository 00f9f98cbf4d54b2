package vivaldi

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Coordinates of peers in a plane come to foretell their round trips.
func TestCoordinates(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 40
	var xs, ys [n]float64
	var vs [n]Place
	for i := range n {
		xs[i], ys[i] = 100*rng.Float64(), 100*rng.Float64()
		vs[i] = NewPlace()
	}
	rtt := func(i, j int) time.Duration {
		dx, dy := xs[i]-xs[j], ys[i]-ys[j]
		return time.Duration((dx*dx+dy*dy)/(1+max(dx, -dx)+max(dy, -dy))*1e6) + 5*time.Millisecond
	}
	for range 200 * n {
		i, j := rng.IntN(n), rng.IntN(n)
		if i != j {
			vs[i].Update(rtt(i, j), vs[j].Coordinate(), rng)
		}
	}
	good, all := 0, 0
	for i := range n {
		for j := range i {
			d := Distance(vs[i].Coordinate(), vs[j].Coordinate()) - rtt(i, j)
			if all++; max(d, -d) < rtt(i, j)/4 {
				good++
			}
		}
	}
	if 4*good < 3*all {
		t.Errorf("%d of %d round trips are foretold within a quarter, want three quarters", good, all)
	}
}

// A place stays one whatever others say, and what it says can be read.
func FuzzPlace(f *testing.F) {
	f.Add([]byte{0, 16, 255, 240, 0, 32, 0, 8, 40}, int64(20*time.Millisecond))
	f.Add(make([]byte, 2*Size), int64(math.MaxInt64))
	f.Add([]byte("nine bytes and some more of them"), int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, rtt int64) {
		place, rng := NewPlace(), rand.New(rand.NewPCG(1, 2))
		for ; len(b) >= Size; b = b[Size:] {
			r := protocol.NewReader(b[:Size])
			c := Read(r)
			if r.Done() != nil {
				continue
			}
			if again := c.AppendTo(nil); string(again) != string(b[:Size]) {
				t.Fatalf("%x is written as %x", b[:Size], again)
			}
			place.Update(time.Duration(rtt), c, rng)
			own := place.Coordinate()
			if d := Distance(own, c); own.Height < 0 || d < 0 || math.IsNaN(place.height+place.at[0]+place.at[1]+place.at[2]+place.err) {
				t.Fatalf("after %+v, %v away, the place is %+v", c, time.Duration(rtt), place)
			}
		}
	})
}
