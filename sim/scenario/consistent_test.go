package scenario

import "testing"

// consistent checks what must hold of every result and the details behind it.
func consistent(t *testing.T, res *Result, d *Details) {
	t.Helper()
	if res.Lost == 0 != (res.DeliveryRatio == 1) {
		t.Errorf("%d lost, and a delivery ratio of %v", res.Lost, res.DeliveryRatio)
	}
	if res.Copies < 1 {
		t.Errorf("%v copies a host", res.Copies)
	}
	if l := res.Latency; !(l.P50 <= l.P90 && l.P90 <= l.P99 && l.P99 <= l.Max && l.Mean <= l.Max) {
		t.Errorf("latencies %+v", *l)
	}
	if *res.Stretch < 0.8 {
		t.Errorf("stretch %v", *res.Stretch)
	}
	expected, delivered, counted, greatest := 0, 0, 0, 0.0
	for i, it := range d.Items {
		expected += it.Expected
		delivered += it.Delivered
		greatest = max(greatest, it.Max)
		if i > 0 && it.At <= d.Items[i-1].At {
			t.Errorf("item %d was published at %v", i+1, it.At)
		}
	}
	for _, n := range d.Histogram {
		counted += n
	}
	if expected-delivered != res.Lost || greatest != res.Latency.Max {
		t.Errorf("%d of %d delivered, the last after %v ms, but %d lost and %v ms", delivered, expected, greatest, res.Lost, res.Latency.Max)
	}
	if counted > delivered || counted == 0 {
		t.Errorf("the histogram has %d of %d deliveries", counted, delivered)
	}
	states := make(map[string]int)
	for _, h := range d.Hosts {
		states[h.State]++
	}
	if states["alive"] == 0 || len(d.Hosts) < res.Hosts {
		t.Errorf("%d hosts: %v", len(d.Hosts), states)
	}
	for _, e := range d.Edges {
		if e.A >= e.B || e.B >= len(d.Hosts) || d.Hosts[e.A].State == "killed" || d.Hosts[e.B].State == "killed" {
			t.Fatalf("edge %+v", e)
		}
	}
}
