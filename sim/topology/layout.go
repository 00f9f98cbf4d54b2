package topology

import "math"

// layoutLandmarks is how many hosts the others are placed by (our guess: an error of
// the picture, not of any figure).
const layoutLandmarks = 48

// Layout places hosts, by index, on a plane so that near means a short round trip:
// coordinates in milliseconds, their origin in the middle. It is for pictures: two
// dimensions cannot hold the Internet. The same hosts give the same picture; it
// takes time in proportion to their number, and needs none but their round trips.
//
// It is landmark MDS (de Silva and Tenenbaum 2004): classical scaling of a few hosts
// that are far from each other, by which all others are placed.
func (t *Topology) Layout(hosts []int) [][2]float64 {
	placed := make([][2]float64, len(hosts))
	if len(hosts) < 2 {
		return placed
	}
	marks := t.landmarks(hosts)
	n := len(marks)
	squares := newSquare(n)
	mean := make([]float64, n) // of the squared distances to each landmark
	for i := range n {
		for j := range n {
			d := t.layoutSquare(marks[i], marks[j])
			squares[i][j] = d
			mean[j] += d / float64(n)
		}
	}
	values, vectors := symmetricEigen(centred(squares, mean))
	first, second := topTwo(values)
	axes := [2][]float64{axis(values, vectors, first), axis(values, vectors, second)}
	for h, host := range hosts {
		for j, mark := range marks {
			off := (mean[j] - t.layoutSquare(host, mark)) / 2
			placed[h][0] += axes[0][j] * off
			placed[h][1] += axes[1][j] * off
		}
	}
	return placed
}

// layoutSquare is the square of a round trip in milliseconds.
func (t *Topology) layoutSquare(a, b int) float64 {
	if a == b {
		return 0
	}
	ms := t.space.rtt(a, b)
	return ms * ms
}

// landmarks takes the first host, and then again and again the one farthest from all
// that are taken.
func (t *Topology) landmarks(hosts []int) []int {
	marks := []int{hosts[0]}
	nearest := make([]float64, len(hosts))
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	for len(marks) < min(layoutLandmarks, len(hosts)) {
		far := 0
		for i, h := range hosts {
			nearest[i] = min(nearest[i], t.layoutSquare(h, marks[len(marks)-1]))
			if nearest[i] > nearest[far] {
				far = i
			}
		}
		if nearest[far] == 0 {
			break // all that are left are where a landmark is
		}
		marks = append(marks, hosts[far])
	}
	return marks
}

// centred is the matrix of inner products of points with these squared distances,
// around their centre.
func centred(squares [][]float64, mean []float64) [][]float64 {
	n := len(squares)
	all := 0.0
	for _, m := range mean {
		all += m / float64(n)
	}
	b := newSquare(n)
	for i := range n {
		for j := range n {
			b[i][j] = -(squares[i][j] - mean[i] - mean[j] + all) / 2
		}
	}
	return b
}

// topTwo returns the places of the two greatest values; the same twice if there is
// but one.
func topTwo(values []float64) (first, second int) {
	for i, v := range values {
		if v > values[first] {
			first = i
		}
	}
	second = -1
	for i, v := range values {
		if i != first && (second < 0 || v > values[second]) {
			second = i
		}
	}
	return first, max(second, 0)
}

// axis is what a host's squared distances are multiplied with for its place on one
// axis; zeros where the hosts have no extent.
func axis(values []float64, vectors [][]float64, k int) []float64 {
	a := make([]float64, len(values))
	if values[k] <= 0 {
		return a
	}
	scale, greatest := 1/math.Sqrt(values[k]), 0.0
	for i := range a {
		a[i] = vectors[i][k] * scale
		if math.Abs(a[i]) > math.Abs(greatest) {
			greatest = a[i]
		}
	}
	if greatest < 0 { // a vector and its opposite are as good: choose
		for i := range a {
			a[i] = -a[i]
		}
	}
	return a
}

func newSquare(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}
