package scenario

import "math"

// The layout of a picture is that of springs (Vivaldi, SIGCOMM 2004, in the plane and
// without heights): each pair that is drawn moves one of both towards where their
// distance is the round trip, at first by all of it and then by ever less. A picture
// is never exact, for round trips do not fit into a plane.
const (
	// layoutRounds is how many pairs are drawn for each host (our guess: beyond it
	// pictures of the built-in topologies look the same).
	layoutRounds = 200
	// layoutLast is by how much of what is wrong a host moves in the last round.
	layoutLast = 0.02
)

// layout fills in X and Y.
func (r *run) layout(hosts []HostDetail) {
	if len(hosts) < 2 {
		return
	}
	rng := stream(r.s.Seed, "layout")
	for i := range hosts {
		hosts[i].X, hosts[i].Y = rng.NormFloat64(), rng.NormFloat64()
	}
	for turn := range layoutRounds {
		move := math.Pow(layoutLast, float64(turn)/(layoutRounds-1))
		for i := range hosts {
			j := rng.IntN(len(hosts) - 1)
			if j >= i {
				j++
			}
			a, b := &hosts[i], &hosts[j]
			dx, dy := a.X-b.X, a.Y-b.Y
			far := math.Hypot(dx, dy)
			if far < 1e-6 {
				dx, dy, far = 1e-6, 0, 1e-6
			}
			rtt := r.world.topo.RTT(a.Place, b.Place).Seconds() * 1e3
			pull := move / 2 * (rtt - far) / far
			a.X += pull * dx
			a.Y += pull * dy
		}
	}
	for i := range hosts {
		hosts[i].X, hosts[i].Y = round(hosts[i].X, 2), round(hosts[i].Y, 2)
	}
}
