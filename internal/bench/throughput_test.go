//go:build unix

package bench

import (
	"flag"
	"runtime"
	"syscall"
	"testing"
	"time"
)

var (
	items  = flag.Int("items", 4000, "items of one measurement of BenchmarkItemsPerCPUSecond")
	window = flag.Int("window", 64, "items under way at a time in BenchmarkItemsPerCPUSecond")
	only   = flag.String("only", "", "measure only feed, open or gossipsub in BenchmarkItemsPerCPUSecond: for profiles")
)

// Sizes of BenchmarkItemsPerCPUSecond.
const (
	cpuPeers = 10
	cpuWarm  = 256 // items before measuring, by which trees have formed
)

// cost is what one measurement cost for each item delivered at a peer.
type cost struct {
	cpu    time.Duration
	wall   time.Duration // for each item, not each delivery
	allocs float64
	bytes  float64
	copies float64 // received per delivery to another peer than the publisher
}

// systems are what is compared.
var systems = []struct {
	name string
	make func(b *testing.B, listen string) *network
}{
	{"feed", func(b *testing.B, listen string) *network { return newQuilt(b, cpuPeers, listen, true) }},
	{"open", func(b *testing.B, listen string) *network { return newQuilt(b, cpuPeers, listen, false) }},
	{"gossipsub", func(b *testing.B, listen string) *network { return newGossipSub(b, cpuPeers, listen) }},
}

// BenchmarkItemsPerCPUSecond: ten peers in one process, one of which publishes items
// of 1 KiB that all ten read; what is measured is how many were delivered for each
// second of CPU time of the whole process. Quilt, in an own feed and in an open
// topic, stores every item at every peer and syncs; GossipSub forgets. Both sign and
// verify. The systems take turns, each time with new peers; metrics are medians.
func BenchmarkItemsPerCPUSecond(b *testing.B) {
	for _, transport := range []string{"quic", "tcp"} {
		b.Run(transport, func(b *testing.B) {
			costs := make(map[string][]cost)
			for range b.N {
				for _, s := range systems {
					if *only != "" && *only != s.name {
						continue
					}
					costs[s.name] = append(costs[s.name], measure(b, s.make(b, transports[transport])))
				}
			}
			b.ReportMetric(0, "ns/op")
			for _, s := range systems {
				if len(costs[s.name]) > 0 {
					reportCost(b, s.name, costs[s.name])
				}
			}
			if *only == "" {
				reference := rate(costs["gossipsub"])
				b.ReportMetric(rate(costs["feed"])/reference, "feed:gossipsub")
				b.ReportMetric(rate(costs["open"])/reference, "open:gossipsub")
			}
		})
	}
}

// measure pours a load into a new network and closes it.
func measure(b *testing.B, net *network) cost {
	b.Helper()
	defer net.close()
	pour(b, net, load{items: cpuWarm, window: *window})
	runtime.GC()
	copies := net.copies()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, begin := cpuTime(b), time.Now()
	pour(b, net, load{items: *items, window: *window})
	cpu, wall := cpuTime(b)-cpu, time.Since(begin)
	runtime.ReadMemStats(&after)
	n := float64(*items * len(net.next))
	return cost{
		cpu:    time.Duration(float64(cpu) / n),
		wall:   wall / time.Duration(*items),
		allocs: float64(after.Mallocs-before.Mallocs) / n,
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / n,
		copies: float64(net.copies()-copies) / float64(*items*(len(net.next)-1)),
	}
}

// rate is how many items a second of CPU delivers: the median.
func rate(list []cost) float64 {
	return 1 / median(list, func(c cost) float64 { return c.cpu.Seconds() })
}

func median(list []cost, f func(cost) float64) float64 {
	var values []float64
	for _, c := range list {
		values = append(values, f(c))
	}
	return quantile(values, 0.5)
}

// reportCost reports the medians of a system.
func reportCost(b *testing.B, name string, list []cost) {
	b.ReportMetric(rate(list), name+"-items/cpu-s")
	b.ReportMetric(median(list, func(c cost) float64 { return 1 / c.wall.Seconds() }), name+"-published/s")
	b.ReportMetric(median(list, func(c cost) float64 { return c.allocs }), name+"-allocs/item")
	b.ReportMetric(median(list, func(c cost) float64 { return c.bytes }), name+"-B/item")
	b.ReportMetric(median(list, func(c cost) float64 { return c.copies }), name+"-copies/item")
}

// cpuTime is the CPU time that this process has used, in user and kernel mode.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
