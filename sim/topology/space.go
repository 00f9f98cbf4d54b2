package topology

import "math"

// space knows the round trips: a matrix that was read, log-normal regions, or
// coordinates.
type space interface {
	// rtt is the round trip in milliseconds between two different hosts.
	rtt(a, b int) float64
	// least is no more than any of them.
	least() float64
	// size is of how many hosts it knows.
	size() int
}

// triangle is a symmetric matrix of milliseconds: of each of n rows what is right of
// the diagonal and the diagonal, so that 8192 locations take 128 MB.
type triangle struct {
	n  int
	ms []float32
}

func newTriangle(n int) triangle { return triangle{n, make([]float32, n*(n+1)/2)} }

func (t triangle) at(i, j int) *float32 {
	if i > j {
		i, j = j, i
	}
	return &t.ms[i*(2*t.n-i+1)/2+j-i]
}

// place is where a host is in a matrix that was read.
type place struct{ location, cluster int32 }

// located is the space of a directory: between locations the matrix speaks.
type located struct {
	hosts                     []place
	ms                        triangle
	sameCluster, sameLocation float64
}

func (s *located) size() int { return len(s.hosts) }

func (s *located) rtt(a, b int) float64 {
	p, q := s.hosts[a], s.hosts[b]
	switch {
	case p.location != q.location:
		return float64(*s.ms.at(int(p.location), int(q.location)))
	case p.cluster == q.cluster:
		return s.sameCluster
	default:
		return s.sameLocation
	}
}

func (s *located) least() float64 {
	least := min(s.sameCluster, s.sameLocation)
	for i := range s.ms.n {
		for j := i + 1; j < s.ms.n; j++ {
			least = min(least, float64(*s.ms.at(i, j)))
		}
	}
	return least
}

// regional is the space of lognormal:N: between regions, and within them on the
// diagonal, the matrix speaks; each host adds its access link.
type regional struct {
	region []int32
	access []float32 // ms of the round trip
	ms     triangle
}

func (s *regional) size() int { return len(s.region) }

func (s *regional) rtt(a, b int) float64 {
	base := *s.ms.at(int(s.region[a]), int(s.region[b]))
	return float64(base) + float64(s.access[a]) + float64(s.access[b])
}

func (s *regional) least() float64 {
	least := math.Inf(1)
	for i := range s.ms.n {
		for j := i; j < s.ms.n; j++ {
			least = min(least, float64(*s.ms.at(i, j)))
		}
	}
	return least + leastTwo(len(s.access), func(i int) float64 { return float64(s.access[i]) })
}

// leastTwo is the sum of the two least of n numbers.
func leastTwo(n int, at func(int) float64) float64 {
	first, second := math.Inf(1), math.Inf(1)
	for i := range n {
		first, second = min(first, at(i)), min(second, max(first, at(i)))
	}
	return first + second
}

// point is a host of king:N: one-way milliseconds.
type point struct{ x, y, height float32 }

// coordinates is the space of king:N: 12 bytes a host.
type coordinates []point

func (s coordinates) size() int { return len(s) }

// rtt: "one-way latency = distance + both heights" (the data that the mixture is
// fitted to).
func (s coordinates) rtt(a, b int) float64 {
	p, q := s[a], s[b]
	dx, dy := float64(p.x)-float64(q.x), float64(p.y)-float64(q.y)
	return 2 * (math.Sqrt(dx*dx+dy*dy) + (float64(p.height) + float64(q.height)))
}

// least: no two hosts are nearer than their heights.
func (s coordinates) least() float64 {
	return 2 * leastTwo(len(s), func(i int) float64 { return float64(s[i].height) })
}
