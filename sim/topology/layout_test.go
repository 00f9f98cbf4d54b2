package topology

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// all are the indices of a topology's hosts.
func all(t *Topology) []int {
	hosts := make([]int, len(t.Hosts))
	for i := range hosts {
		hosts[i] = i
	}
	return hosts
}

// Points of a plane come back as they were, but for turns and mirrors: all distances
// are right.
func TestLayoutOfPlane(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	points := make(coordinates, 200)
	for i := range points {
		points[i] = point{x: float32(100 * rng.Float64()), y: float32(40 * rng.Float64())}
	}
	top := &Topology{Hosts: make([]Host, len(points)), space: points}
	got := top.Layout(all(top))
	for a := range points {
		for b := range a {
			want := points.rtt(a, b)
			if d := math.Hypot(got[a][0]-got[b][0], got[a][1]-got[b][1]); math.Abs(d-want) > 0.01 {
				t.Fatalf("hosts %d and %d are %.4f apart in the picture, %.4f in the topology", a, b, d, want)
			}
		}
	}
}

// Sites stay apart: hosts of one are nearer each other than any of another.
func TestLayoutOfSites(t *testing.T) {
	top, err := Named("grid5000", nil)
	if err != nil {
		t.Fatal(err)
	}
	var hosts []int // some of each location, not in order
	for i := range top.Hosts {
		if i%7 == 0 {
			hosts = append(hosts, i)
		}
	}
	slices.Reverse(hosts)
	got := top.Layout(hosts)
	if again := top.Layout(hosts); !slices.Equal(got, again) {
		t.Error("the same hosts gave another picture")
	}
	within, across := 0.0, math.Inf(1)
	for i := range hosts {
		for j := range i {
			d := math.Hypot(got[i][0]-got[j][0], got[i][1]-got[j][1])
			if top.Hosts[hosts[i]].Location == top.Hosts[hosts[j]].Location {
				within = max(within, d)
			} else {
				across = min(across, d)
			}
		}
	}
	if within >= across {
		t.Errorf("hosts of a site are up to %.2f apart, hosts of two sites down to %.2f", within, across)
	}
}

// Few hosts, one host, hosts at one place: finite numbers, and as many as asked for.
func TestLayoutOfFew(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	top, err := Named("lognormal:2000", rng)
	if err != nil {
		t.Fatal(err)
	}
	same := &Topology{Hosts: make([]Host, 3), space: coordinates{{}, {}, {}}}
	for _, tt := range []struct {
		top   *Topology
		hosts []int
	}{{top, nil}, {top, []int{7}}, {top, []int{7, 9}}, {top, []int{7, 9, 11}}, {top, all(top)}, {same, all(same)}} {
		got := tt.top.Layout(tt.hosts)
		if len(got) != len(tt.hosts) {
			t.Fatalf("%d places for %d hosts", len(got), len(tt.hosts))
		}
		for _, p := range got {
			if !(math.Abs(p[0]) < 1e5 && math.Abs(p[1]) < 1e5) {
				t.Errorf("a host of %d is placed at %v", len(tt.hosts), p)
			}
		}
	}
	if got := top.Layout([]int{7, 9}); math.Abs(math.Hypot(got[0][0]-got[1][0], got[0][1]-got[1][1])-top.space.rtt(7, 9)) > 0.01 {
		t.Errorf("two hosts are placed at %v, %v apart", got, top.RTT(7, 9))
	}
}

// Eigenvalues and vectors of a matrix drawn at random: A v = λ v, and the vectors
// are orthogonal.
func TestSymmetricEigen(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = layoutLandmarks
	a, work := newSquare(n), newSquare(n)
	for i := range n {
		for j := range i + 1 {
			a[i][j] = rng.NormFloat64()
			a[j][i] = a[i][j]
			work[i][j], work[j][i] = a[i][j], a[i][j]
		}
	}
	values, vectors := symmetricEigen(work)
	for k := range n {
		for i := range n {
			av, vv := 0.0, 0.0
			for j := range n {
				av += a[i][j] * vectors[j][k]
				vv += vectors[j][i] * vectors[j][k]
			}
			want := 0.0
			if i == k {
				want = 1
			}
			if math.Abs(av-values[k]*vectors[i][k]) > 1e-8 || math.Abs(vv-want) > 1e-8 {
				t.Fatalf("eigenvector %d: row %d of A v - λ v is %g, its product with vector %d is %g", k, i, av-values[k]*vectors[i][k], i, vv)
			}
		}
	}
}
