package topology

import "math"

// eigenSweeps bounds the sweeps of symmetricEigen; matrices of 48 rows need 8 (our
// measurement).
const eigenSweeps = 30

// symmetricEigen returns the eigenvalues of a symmetric matrix, which it destroys,
// and the eigenvectors as columns, in no order. Jacobi's method: rotations that make
// one pair of entries 0 at a time, until all are.
func symmetricEigen(m [][]float64) (values []float64, vectors [][]float64) {
	n := len(m)
	vectors = newSquare(n)
	for i := range n {
		vectors[i][i] = 1
	}
	for range eigenSweeps {
		off, all := 0.0, 0.0
		for i := range n {
			for j := range n {
				all += m[i][j] * m[i][j]
				if i != j {
					off += m[i][j] * m[i][j]
				}
			}
		}
		if off <= all*1e-20 {
			break
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				rotate(m, vectors, p, q)
			}
		}
	}
	values = make([]float64, n)
	for i := range n {
		values[i] = m[i][i]
	}
	return values, vectors
}

// rotate makes m[p][q] zero.
func rotate(m, vectors [][]float64, p, q int) {
	if m[p][q] == 0 {
		return
	}
	theta := (m[q][q] - m[p][p]) / (2 * m[p][q])
	tan := 1 / (math.Abs(theta) + math.Sqrt(theta*theta+1))
	if theta < 0 {
		tan = -tan
	}
	cos := 1 / math.Sqrt(tan*tan+1)
	sin := tan * cos
	for i := range m {
		a, b := m[i][p], m[i][q]
		m[i][p], m[i][q] = cos*a-sin*b, sin*a+cos*b
	}
	for i := range m {
		a, b := m[p][i], m[q][i]
		m[p][i], m[q][i] = cos*a-sin*b, sin*a+cos*b
	}
	for i := range vectors {
		a, b := vectors[i][p], vectors[i][q]
		vectors[i][p], vectors[i][q] = cos*a-sin*b, sin*a+cos*b
	}
}
