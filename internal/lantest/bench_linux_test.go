package lantest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/lab"
)

// median of what was measured in turns: other programs use the machine too.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// used is the CPU time of some processes.
func used(list []*process) (reports []report, cpu time.Duration) {
	for _, p := range list {
		r := p.report()
		reports = append(reports, r)
		cpu += r.User + r.System
	}
	return reports, cpu
}

// BenchmarkOneToOne: items of 8 KiB from one process to another on a LAN: how many a
// second arrive, by multicast as it ships and by the bare loop, in turns. Rates are
// those at which a round's items arrived, from the first to the last.
func BenchmarkOneToOne(b *testing.B) {
	const size = 8 << 10
	items := sized("QUILT_LANTEST_ITEMS", 5000)
	l := stageLAN(b, 4, "")
	quilt := members(b, l, 2, "QUILT_LANTEST_BYTES=1000000000")
	settle(b, quilt)
	bare := []*process{startRole(b, hostAt(l, 2), "sender"), startRole(b, hostAt(l, 3), "reader")}
	rates, costs := map[string][]float64{}, map[string][]float64{}
	for range b.N {
		for _, side := range []struct {
			name string
			list []*process
		}{{"bare", bare}, {"quilt", quilt}} {
			before, cpu := used(side.list)
			begin := time.Now()
			side.list[0].do(order{Do: "publish", Items: items, Size: size})
			var got int
			var idle time.Duration
			until(b, "the last item", func() bool {
				r := side.list[1].report()
				got, idle = r.Delivered-before[1].Delivered, r.Idle
				return got == items || idle > 5*time.Second
			})
			rate := float64(got) / (time.Since(begin) - idle).Seconds()
			_, after := used(side.list)
			rates[side.name] = append(rates[side.name], rate)
			costs[side.name] = append(costs[side.name], (after-cpu).Seconds()*1e6/float64(got))
			b.Logf("%s: %d of %d items, %.0f a second, %v CPU each", side.name, got, items, rate, (after-cpu)/time.Duration(got))
			if side.name == "quilt" && got < items {
				b.Errorf("%d items are missing", items-got)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range []string{"bare", "quilt"} {
		b.ReportMetric(median(rates[name]), name+"-items/s")
		b.ReportMetric(median(costs[name]), name+"-cpu-us/item")
	}
	b.ReportMetric(median(rates["quilt"])/median(rates["bare"]), "quilt:bare")
	b.ReportMetric(median(costs["bare"])/median(costs["quilt"]), "quilt:bare-per-cpu")
}

// BenchmarkOneToTen: items of 1 KiB from one process to ten others on a LAN, at a
// rate that both systems bear: how many a second of CPU, of all processes together,
// by multicast and by GossipSub over QUIC, in turns.
func BenchmarkOneToTen(b *testing.B) {
	const size, receivers = 1 << 10, 10
	items := sized("QUILT_LANTEST_ITEMS", 2000)
	rate := float64(sized("QUILT_LANTEST_RATE", 100))
	l := stageLAN(b, receivers+1, "")
	quilt := members(b, l, receivers+1)
	settle(b, quilt)
	gossip := pubSubs(b, l, receivers+1)
	perCPU := map[string][]float64{}
	for range b.N {
		for _, side := range []struct {
			name string
			list []*process
		}{{"gossipsub", gossip}, {"quilt", quilt}} {
			before, cpu := used(side.list)
			side.list[0].do(order{Do: "publish", Items: items, Size: size, Rate: rate})
			missing := 0
			until(b, "items", func() bool {
				missing = 0
				quiet := true
				for i, p := range side.list[1:] {
					r := p.report()
					missing += items - (r.Delivered - before[i+1].Delivered)
					quiet = quiet && r.Idle > 5*time.Second
				}
				return missing == 0 || quiet
			})
			_, after := used(side.list)
			per := float64(items) / (after - cpu).Seconds()
			perCPU[side.name] = append(perCPU[side.name], per)
			b.Logf("%s: %d items to %d receivers, %d deliveries missing: %.0f items a second of CPU", side.name, items, receivers, missing, per)
			if missing > 0 {
				b.Errorf("%s: %d deliveries are missing", side.name, missing)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range []string{"gossipsub", "quilt"} {
		b.ReportMetric(median(perCPU[name]), name+"-items/cpu-s")
	}
	b.ReportMetric(median(perCPU["quilt"])/median(perCPU["gossipsub"]), "quilt:gossipsub")
}

// pubSubs starts peers of GossipSub that are all linked, and lets their mesh form.
func pubSubs(tb testing.TB, l *lab.Lab, n int) (list []*process) {
	tb.Helper()
	dir := tb.TempDir()
	for i := range n {
		list = append(list, startRole(tb, hostAt(l, i), "pubsub", "QUILT_LANTEST_DIR="+dir))
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.addr")); err != nil || len(files) != n {
		tb.Fatal(fmt.Errorf("%d addresses, %w", len(files), err))
	}
	for _, p := range list {
		p.do(order{Do: "connect"})
	}
	time.Sleep(5 * time.Second) // heartbeats build the mesh
	_ = os.Remove(dir)
	return list
}
