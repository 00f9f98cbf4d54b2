package scenario

import (
	"math"
	"testing"
	"time"
)

// More hosts than a picture shows are thinned out evenly, newcomers too.
func TestShown(t *testing.T) {
	r := &run{meter: &meter{}}
	for h := range int32(3 * MaxDetailHosts) {
		r.meter.place = append(r.meter.place, 3*MaxDetailHosts-1-h)
		r.meter.before = append(r.meter.before, h%2)
	}
	shown := r.shown()
	if len(shown) != MaxDetailHosts {
		t.Fatalf("%d are shown", len(shown))
	}
	for i := range shown[1:] {
		a, b := shown[i], shown[i+1]
		if c := r.meter.before[a] - r.meter.before[b]; c > 0 || c == 0 && r.meter.place[a] >= r.meter.place[b] {
			t.Fatalf("%d is before %d", a, b)
		}
	}
	if newcomers := shown[MaxDetailHosts/2]; r.meter.before[newcomers] != 1 || r.meter.before[shown[MaxDetailHosts/2-1]] != 0 {
		t.Error("newcomers are not half")
	}
}

// In a picture near means low latency: distances and round trips go together.
func TestLayout(t *testing.T) {
	for _, topology := range []string{"lognormal:150", "king:150"} {
		r, err := newRun(Scenario{Topology: topology}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		hosts := make([]HostDetail, 150)
		for i := range hosts {
			hosts[i].Place = i
		}
		r.layout(hosts)
		var n, sx, sy, sxx, syy, sxy float64
		for i, a := range hosts {
			for j, b := range hosts[:i] {
				x, y := math.Hypot(a.X-b.X, a.Y-b.Y), float64(r.world.topo.RTT(i, j)/time.Microsecond)
				n, sx, sy, sxx, syy, sxy = n+1, sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
			}
		}
		c := (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
		t.Logf("%s: correlation %.2f", topology, c)
		if c < 0.7 {
			t.Errorf("%s: distances and round trips have a correlation of %.2f", topology, c)
		}
	}
}
