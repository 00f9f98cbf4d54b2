package scenario

// layout fills in X and Y.
func (r *run) layout(hosts []HostDetail) {
	places := make([]int, len(hosts))
	for i := range hosts {
		places[i] = hosts[i].Place
	}
	for i, at := range r.world.topo.Layout(places) {
		hosts[i].X, hosts[i].Y = round(at[0], 2), round(at[1], 2)
	}
}
