package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// point is a place in the picture.
type point struct{ x, y float64 }

// spreadRounds is how often hosts that overlap are pushed apart (our guess: 2,000
// hosts at 9 places come to rest in 60).
const spreadRounds = 80

// places puts hosts where their coordinates say, but none over another: near stays
// near. Without coordinates regions stand in a circle.
func places(hosts []scenario.HostDetail, r float64) []point {
	at := make([]point, len(hosts))
	for i, h := range hosts {
		at[i] = point{h.X, h.Y}
	}
	if !slices.ContainsFunc(at, func(p point) bool { return p != at[0] }) {
		circle(hosts, at)
	}
	fit(at, r)
	sunflower(at, r)
	for range spreadRounds {
		if !pushApart(at, 2*r+0.6) {
			break
		}
		for i := range at {
			at[i] = inside(at[i], r)
		}
	}
	return at
}

// circle puts regions on a circle, in the order of their names.
func circle(hosts []scenario.HostDetail, at []point) {
	var names []string
	for _, h := range hosts {
		names = append(names, h.Cluster)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for i, h := range hosts {
		n, _ := slices.BinarySearch(names, h.Cluster)
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / float64(len(names)))
		at[i] = point{cos, sin}
	}
}

// fit scales to the picture, both ways alike; the farthest 1% on each side go to
// the edge, so that one host far away does not make all others one spot.
func fit(at []point, r float64) {
	xs, ys := make([]float64, len(at)), make([]float64, len(at))
	for i, p := range at {
		xs[i], ys[i] = p.x, p.y
	}
	slices.Sort(xs)
	slices.Sort(ys)
	cut := len(at) / 100
	left, right, low, high := xs[cut], xs[len(xs)-1-cut], ys[cut], ys[len(ys)-1-cut]
	scale := min((pictureWidth-8*pictureMargin)/max(right-left, 1e-9), (pictureHeight-8*pictureMargin)/max(high-low, 1e-9))
	for i, p := range at {
		at[i] = inside(point{
			pictureWidth/2 + scale*(p.x-(left+right)/2),
			pictureHeight/2 + scale*(p.y-(low+high)/2),
		}, r)
	}
}

// inside is the nearest place in the picture.
func inside(p point, r float64) point {
	edge := pictureMargin + r
	return point{min(max(p.x, edge), pictureWidth-edge), min(max(p.y, edge), pictureHeight-edge)}
}

// sunflower spreads hosts at about one place around it.
func sunflower(at []point, r float64) {
	type spot struct{ x, y int }
	taken := map[spot]int{}
	for i, p := range at {
		s := spot{int(p.x / (3 * r)), int(p.y / (3 * r))}
		k := float64(taken[s])
		taken[s]++
		sin, cos := math.Sincos(k * math.Pi * (3 - math.Sqrt(5)))
		at[i] = point{p.x + 1.15*r*math.Sqrt(k)*cos, p.y + 1.15*r*math.Sqrt(k)*sin}
	}
}

// pushApart moves hosts nearer than gap away from each other; false if there were
// none.
func pushApart(at []point, gap float64) (moved bool) {
	columns := int(pictureWidth/gap) + 3
	cell := func(p point) int { return (int(p.y/gap)+1)*columns + int(p.x/gap) + 1 }
	order, cells := make([]int, len(at)), make([]int, len(at))
	for i, p := range at {
		order[i], cells[i] = i, cell(p)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(cells[a], cells[b]) })
	for _, i := range order {
		for row := -1; row <= 1; row++ {
			first := cells[i] + row*columns - 1
			start, _ := slices.BinarySearchFunc(order, first, func(k, c int) int { return cmp.Compare(cells[k], c) })
			for _, j := range order[start:] {
				if cells[j] > first+2 {
					break
				}
				if j > i && push(at, i, j, gap) {
					moved = true
				}
			}
		}
	}
	return moved
}

// push moves two hosts to a distance of gap if they are nearer.
func push(at []point, i, j int, gap float64) bool {
	dx, dy := at[j].x-at[i].x, at[j].y-at[i].y
	d := math.Hypot(dx, dy)
	if d >= gap*0.99 {
		return false
	}
	if d < 1e-6 {
		dy, dx = math.Sincos(float64(i + j))
		d = 1
	} else {
		dx, dy = dx/d, dy/d
		d = (gap - d) / 2
	}
	at[i] = point{at[i].x - dx*d, at[i].y - dy*d}
	at[j] = point{at[j].x + dx*d, at[j].y + dy*d}
	return true
}
