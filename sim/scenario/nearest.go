package scenario

// nearest is the name most like one that is mistyped; the first of several. There
// must be one.
func nearest(name string, names []string) string {
	best := names[0]
	for _, n := range names[1:] {
		if distance(n, name) < distance(best, name) {
			best = n
		}
	}
	return best
}

// distance is the least number of characters inserted, deleted or replaced to make
// b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
