package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

const (
	// longTail is by how many times its median a latency may be exceeded before an
	// axis is logarithmic (our guess).
	longTail = 8
	// maxDots bounds the items that are drawn one by one; more are taken together
	// (our guess).
	maxDots = 500
)

// latencyChart is the distribution of latencies, with a direct send beside it.
func latencyChart(r *scenario.Result, d *scenario.Details) chart {
	c := chart{ID: "latency", Title: "Latency", XLabel: "milliseconds from publication to delivery", YLabel: "% of deliveries within",
		Note: "How soon items are there, beside one direct send from the publisher to each host."}
	total := 0
	for _, n := range d.Histogram {
		total += n
	}
	if total == 0 || r.Latency == nil {
		c.Empty = "Nothing was delivered to hosts that were there in time."
		return c
	}
	x, y := latencyAxis(r, d), axis{hi: 100, from: chartBottom, to: chartTop}
	var p path
	for _, at := range distribution(r.Latency, d.Histogram, total) {
		p.to(x.at(at.v), y.at(at.share))
	}
	c.Lines = append(c.Lines, line{"a", p.String(), "items", "items: median " + Format(r.Latency.P50, "ms") + ", greatest " + Format(r.Latency.Max, "ms")})
	c.Dots = spreadDots(r.Latency, x, y, "a", "items")
	if u := r.Unicast; u != nil {
		var q path
		for _, at := range quantiles(u) {
			q.to(x.at(at.v), y.at(at.share))
		}
		c.Lines = append(c.Lines, line{"b", q.String(), "one direct send (median, 90, 99, 100%)", "one direct send"})
		c.Dots = append(c.Dots, spreadDots(u, x, y, "b", "one direct send")...)
	}
	c.X, c.Y = x.ticks(), y.ticks()
	if x.log {
		c.XLabel += " (logarithmic)"
	}
	return c
}

// distribution is the curve of a histogram with so many counts: where its bins end,
// and the figures that are known exactly.
func distribution(s *scenario.Spread, histogram []int, total int) []quantile {
	points := quantiles(s)
	sum := 0
	for i, n := range histogram {
		if n > 0 && sum == 0 && i > 0 {
			points = append(points, quantile{v: scenario.HistogramEdge(i - 1)})
		}
		sum += n
		if edge := scenario.HistogramEdge(i); sum > 0 && edge < s.Max {
			points = append(points, quantile{v: edge, share: 100 * float64(sum) / float64(total)})
		}
	}
	slices.SortStableFunc(points, func(a, b quantile) int {
		return cmp.Or(cmp.Compare(a.v, b.v), cmp.Compare(a.share, b.share))
	})
	return points
}

// latencyAxis is long enough for both, and logarithmic for a long tail.
func latencyAxis(r *scenario.Result, d *scenario.Details) axis {
	hi, least := r.Latency.Max, r.Latency.P50
	if r.Unicast != nil {
		hi, least = max(hi, r.Unicast.Max), min(least, r.Unicast.P50)
	}
	if least <= 0 || hi < longTail*least {
		return upTo(hi, chartLeft, chartRight)
	}
	lo := least
	if i := slices.IndexFunc(d.Histogram, func(n int) bool { return n > 0 }); i > 0 {
		lo = min(lo, scenario.HistogramEdge(i-1))
	}
	return logarithmic(max(lo, hi/1e7), hi, chartLeft, chartRight)
}

// quantile is a share in percent and the figure that it stays within.
type quantile struct {
	share, v float64
	name     string
}

func quantiles(s *scenario.Spread) []quantile {
	return []quantile{{50, s.P50, "median"}, {90, s.P90, "90%"}, {99, s.P99, "99%"}, {100, s.Max, "greatest"}}
}

func spreadDots(s *scenario.Spread, x, y axis, class, name string) []dot {
	var dots []dot
	for _, q := range quantiles(s) {
		dots = append(dots, dot{X: x.at(q.v), Y: y.at(q.share), R: 3, Class: class, Title: name + ", " + q.name + ": " + Format(q.v, "ms")})
	}
	return dots
}

// moment is one item, or several that are drawn as one.
type moment struct {
	at, p50, worst float64
	first, last    int // numbers, from 1
	lost           int
	reached        bool
}

// moments are the items, at most maxDots.
func moments(items []scenario.ItemDetail) []moment {
	each := (len(items) + maxDots - 1) / maxDots
	var list []moment
	for i, it := range items {
		if i%each == 0 {
			list = append(list, moment{at: it.At, first: i + 1})
		}
		m := &list[len(list)-1]
		m.last = i + 1
		m.p50, m.worst = max(m.p50, it.P50), max(m.worst, it.Max)
		m.lost += it.Expected - it.Delivered
		m.reached = m.reached || it.Delivered > 0
	}
	return list
}

func (m moment) String() string {
	name := fmt.Sprintf("item %d", m.first)
	if m.last > m.first {
		name = fmt.Sprintf("items %d to %d", m.first, m.last)
	}
	name += " at " + Format(m.at, "s") + ": median " + Format(m.p50, "ms") + ", slowest " + Format(m.worst, "ms")
	if m.lost > 0 {
		name += fmt.Sprintf(", %d never got it", m.lost)
	}
	return name
}

// timelineChart is what became of each item.
func timelineChart(d *scenario.Details) chart {
	c := chart{ID: "timeline", Title: "Items over time", XLabel: "virtual seconds at publication", YLabel: "ms to delivery",
		Note: "A dot for each item's median and slowest delivery. Below the height from before, things have recovered."}
	list := moments(d.Items)
	least, most := 0.0, 0.0
	for _, m := range list {
		if m.p50 > 0 && (least == 0 || m.p50 < least) {
			least = m.p50
		}
		most = max(most, m.worst, m.p50)
	}
	if most == 0 {
		c.Empty = "No item was delivered to a host that was there in time."
		return c
	}
	x := axis{lo: list[0].at, hi: max(list[len(list)-1].at, d.HealAt, list[0].at+1e-3), from: chartLeft, to: chartRight}
	y := upTo(most, chartBottom, chartTop)
	if least > 0 && most > longTail*least {
		y = logarithmic(least, most, chartBottom, chartTop)
		c.YLabel += " (logarithmic)"
	}
	var median path
	for _, m := range list {
		if m.reached {
			median.to(x.at(m.at), y.at(m.p50))
		}
	}
	c.Lines = []line{{"a", median.String(), "median", "median latency of each item"}}
	for _, m := range list {
		worst := dot{X: x.at(m.at), Y: y.at(m.worst), R: 2.5, Class: "b", Name: "slowest", Title: m.String()}
		if m.lost > 0 {
			worst.Class, worst.Name, worst.R = "bad", "lost somebody", 3.5
		}
		c.Dots = append(c.Dots, worst)
	}
	c.Rules = marks(x, d.KillAt, d.CutAt, d.HealAt)
	c.X, c.Y = x.ticks(), y.ticks()
	return c
}

// loadChart is what hosts sent, the busiest first.
func loadChart(r *scenario.Result, d *scenario.Details) chart {
	c := chart{ID: "load", Title: "Load per host", XLabel: "% of hosts, the busiest first", YLabel: "bytes a second (logarithmic)",
		Note: "Bytes sent while items flowed, by honest hosts that were alive at the end. A flat line is work well shared."}
	seconds := 0.0
	if len(d.Items) > 0 {
		seconds = r.VirtualSeconds - d.Items[0].At
	}
	var hosts []scenario.HostDetail
	for _, h := range d.Hosts {
		if h.State == "alive" {
			hosts = append(hosts, h)
		}
	}
	rate := func(bytes uint64) float64 { return float64(bytes) / seconds }
	byLoad := func(load func(scenario.HostDetail) uint64) []scenario.HostDetail {
		return slices.SortedStableFunc(slices.Values(hosts), func(a, b scenario.HostDetail) int { return cmp.Compare(load(b), load(a)) })
	}
	sent := byLoad(func(h scenario.HostDetail) uint64 { return h.Sent })
	if seconds <= 0 || len(sent) == 0 || sent[0].Sent == 0 {
		c.Empty = "Nobody sent anything while items flowed."
		return c
	}
	least := rate(sent[0].Sent)
	for _, h := range hosts {
		for _, v := range []uint64{h.Sent, h.Payload} {
			if v > 0 {
				least = min(least, rate(v))
			}
		}
	}
	x := axis{hi: 100, from: chartLeft, to: chartRight}
	y := logarithmic(least, rate(sent[0].Sent), chartBottom, chartTop)
	curve := func(list []scenario.HostDetail, load func(scenario.HostDetail) uint64) string {
		var p path
		for i, h := range list {
			p.to(x.at(100*(float64(i)+0.5)/float64(len(list))), y.at(rate(load(h))))
		}
		return p.String()
	}
	payload := func(h scenario.HostDetail) uint64 { return h.Payload }
	c.Lines = []line{
		{"a", curve(sent, func(h scenario.HostDetail) uint64 { return h.Sent }), "all bytes", "all bytes sent"},
		{"b", curve(byLoad(payload), payload), "items' payload", "payload of items"},
	}
	for _, i := range []int{0, len(sent) / 2, len(sent) - 1} {
		h := sent[i]
		c.Dots = append(c.Dots, dot{X: x.at(100 * (float64(i) + 0.5) / float64(len(sent))), Y: y.at(rate(h.Sent)), R: 3, Class: "a",
			Title: fmt.Sprintf("%s, place %d of %d: %s sent, of it %s payload", h.Name, i+1, len(sent), Format(rate(h.Sent), "B/s"), Format(rate(h.Payload), "B/s"))})
	}
	c.X, c.Y = x.ticks(), y.ticks()
	return c
}
