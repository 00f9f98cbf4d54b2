package report

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// ptr is a figure that applies.
func ptr[T any](v T) *T { return &v }

// crafted is a result and details as an experiment with a kill leaves them.
func crafted(hosts, items int) (*scenario.Result, *scenario.Details) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := scenario.Scenario{Topology: "king:1000", Kill: 0.5, Items: items}.WithDefaults()
	r := &scenario.Result{
		Topology: "king:1000", Hosts: hosts, Protocol: "gossip", Seed: 1, Publishers: []string{"h000"},
		VirtualSeconds: 71.25, WallSeconds: 12.5, PeakRSS: 512, Events: 1_234_567, BytesPerPeer: 512e3, Trace: "abcdef",
		DeliveryRatio: 1, Latency: &scenario.Spread{Mean: 210, P50: 190, P90: 320, P99: 800, Max: 6400},
		Unicast: &scenario.Spread{Mean: 80, P50: 78, P90: 130, P99: 180, Max: 260}, Stretch: ptr(2.6), Copies: 1.08, Sends: 1080,
		CrossLocation: ptr(1.9), Control: 320, IdleControl: 150, Construction: 23_456, TreeNodes: ptr(999), State: 81_234,
		Recovery: ptr(6.35), FirstAfterKill: &scenario.Tail{P50: 0.3, P99: 5.1, Max: 6.2}, LatencyAfterKill: &scenario.Tail{P50: 400, P99: 5600, Max: 6400},
		Membership: scenario.Membership{IndegreeMax: 21, Components: 1},
	}
	d := &scenario.Details{Scenario: s, KillAt: 60 + float64(items)/20}
	for i := range items {
		at := 60 + float64(i)/10
		it := scenario.ItemDetail{At: at, Expected: hosts / 2, Delivered: hosts / 2, P50: 180 + 20*rng.Float64(), Max: 500 + 300*rng.Float64()}
		if since := at - d.KillAt; since > 0 && since < 6 {
			it.Max, it.P50 = 1000*(6.4-since), 400-20*since
		}
		d.Items = append(d.Items, it)
	}
	for i := range 230 {
		edge := scenario.HistogramEdge(i)
		n := int(1000 * math.Exp(-math.Pow(math.Log(edge/190)/0.5, 2)))
		if edge < 6400 {
			d.Histogram = append(d.Histogram, n)
		}
	}
	for i := range hosts {
		c := rng.IntN(20)
		state := "alive"
		if rng.Float64() < 0.5 && i > 0 {
			state = "killed"
		}
		sent := uint64(1e5 * math.Exp(rng.NormFloat64()))
		d.Hosts = append(d.Hosts, scenario.HostDetail{Name: fmt.Sprintf("h%03d", i), Cluster: fmt.Sprintf("as%d", c), Place: i, State: state,
			Publisher: i == 0, X: float64(c%5)*40 + 10*rng.NormFloat64(), Y: float64(c/5)*30 + 10*rng.NormFloat64(),
			Sent: sent, Payload: sent * 3 / 4, Copies: items, Neighbours: 6})
	}
	for i := 1; i < hosts; i++ {
		d.Edges = append(d.Edges, scenario.Edge{A: i, B: rng.IntN(i), Tree: true})
		for range 2 {
			d.Edges = append(d.Edges, scenario.Edge{A: i, B: rng.IntN(hosts)})
		}
	}
	return r, d
}

// render returns the page.
func render(t *testing.T, r *scenario.Result, d *scenario.Details) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
