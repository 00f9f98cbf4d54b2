package optimum

// Figures are what a tree comes to.
type Figures struct {
	// Stretch is the mean latency over that of a direct send from the root.
	Stretch float64 `json:"stretch_mean"`
	// Latency and Unicast are both means, in ms.
	Latency float64 `json:"latency_ms"`
	Unicast float64 `json:"unicast_ms"`
	// LatencyMax is the greatest latency in ms.
	LatencyMax float64 `json:"latency_max_ms"`
	// Depth is the greatest number of hops, DepthMean their mean.
	Depth     int     `json:"depth"`
	DepthMean float64 `json:"depth_mean"`
}

// Figures measures the tree.
func (t *Tree) Figures() Figures {
	var f Figures
	others := float64(t.in.n - 1)
	var unicast, worst int64
	hops := 0
	for x := range int32(t.in.n) {
		unicast += t.in.unicast[x]
		worst = max(worst, t.at[x])
		d := 0
		for y := x; t.parent[y] != none; y = t.parent[y] {
			d++
		}
		hops += d
		f.Depth = max(f.Depth, d)
	}
	f.Latency, f.Unicast = float64(t.cost)/others/1e6, float64(unicast)/others/1e6
	f.Stretch, f.LatencyMax, f.DepthMean = f.Latency/f.Unicast, float64(worst)/1e6, float64(hops)/others
	return f
}
