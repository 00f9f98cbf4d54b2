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

// meshPeers starts peers of the mesh, which know each other's addresses, and waits until
// each has its place in the part that pushes. The first is the author.
func meshPeers(tb testing.TB, l *lab.Lab, n int, more func(i int) []string) (list []*process) {
	tb.Helper()
	dir := tb.TempDir()
	owner := ""
	for i := range n {
		env := []string{"QUILT_LANTEST_DIR=" + dir}
		if more != nil {
			env = append(env, more(i)...)
		}
		list = append(list, startRole(tb, hostAt(l, i), "mesh", env...))
		if files, err := filepath.Glob(filepath.Join(dir, "*.addr")); err != nil || len(files) != i+1 {
			tb.Fatalf("%d addresses of %d, %v", len(files), i+1, err)
		} else if i == 0 {
			text, err := os.ReadFile(files[0])
			if err != nil {
				tb.Fatal(err)
			}
			owner = string(text)
		}
	}
	for _, part := range [][]*process{list[:2], list[2:]} { // the second has its place before all others
		for _, p := range part {
			p.do(order{Do: "connect", Topic: owner})
		}
		until(tb, "everybody's place", func() bool {
			return !slices.ContainsFunc(part, func(p *process) bool { return !p.report().Placed })
		})
	}
	return list
}

// poured publishes at the first of some processes and waits until the others have all, or
// get no more; it returns what is missing.
func poured(tb testing.TB, list []*process, before []report, o order, quiet time.Duration) (missing int) {
	tb.Helper()
	o.Do = "publish"
	list[0].do(o)
	until(tb, "items", func() bool {
		missing = 0
		idle := true
		for i, p := range list[1:] {
			r := p.report()
			missing += o.Items - (r.Delivered - before[i+1].Delivered)
			idle = idle && r.Idle > quiet
		}
		return missing == 0 || idle
	})
	return missing
}

// Real processes on a LAN deliver everything by the mesh, though one of them garbles all
// that it passes on, and has the only place below the author when the others come: what it
// garbles they do not pass on.
func TestMeshGarbage(t *testing.T) {
	const peers = 6
	l := stageLAN(t, peers, "")
	list := meshPeers(t, l, peers, func(i int) []string {
		switch i {
		case 0:
			return []string{"QUILT_LANTEST_BYTES=250000"}
		case 1:
			return []string{"QUILT_LANTEST_GARBLE=1"}
		}
		return nil
	})
	honest := append([]*process{list[0]}, list[2:]...)
	before, _ := used(honest)
	if missing := poured(t, honest, before, order{Items: 200, Size: 1024, Rate: 50}, 30*time.Second); missing > 0 {
		t.Errorf("%d deliveries are missing", missing)
	}
	reports, _ := used(honest)
	refused := 0
	for _, r := range reports {
		refused += r.Invalid
	}
	if refused == 0 {
		t.Error("nobody got a garbled copy")
	}
	t.Logf("%d copies were refused", refused)
}

// BenchmarkMesh: items of 1 KiB from one process to nineteen others on a LAN without
// multicast: how many a second of CPU, of all processes together, by the mesh and by
// GossipSub, both over QUIC, in turns; at a rate that two processors bear, and at one at
// which GossipSub takes all that they have. What waits for a processor is handled several
// packets at a time, which is cheaper, and late: GossipSub may miss items then.
func BenchmarkMesh(b *testing.B) {
	peers := sized("QUILT_LANTEST_PEERS", 20)
	seconds := sized("QUILT_LANTEST_SECONDS", 20) // of each turn
	rates := []int{40, 100}
	if rate := sized("QUILT_LANTEST_RATE", 0); rate > 0 {
		rates = []int{rate}
	}
	l := stageLAN(b, peers, "")
	sides := []meshSide{{name: "gossipsub"}, {name: "quilt"}}
	sides[1].list = meshPeers(b, l, peers, nil)
	if os.Getenv(profileVar) == "" { // profiles are of the mesh alone
		sides[0].list = pubSubs(b, l, peers)
	} else {
		sides = sides[1:]
	}
	perCPU := map[string][]float64{}
	for range b.N {
		for _, rate := range rates {
			for _, side := range sides {
				key := fmt.Sprintf("%s-%d/s", side.name, rate)
				perCPU[key] = append(perCPU[key], side.measure(b, rate, rate*seconds))
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, rate := range rates {
		quilt, gossip := fmt.Sprintf("quilt-%d/s", rate), fmt.Sprintf("gossipsub-%d/s", rate)
		b.ReportMetric(median(perCPU[quilt]), quilt+"-items/cpu-s")
		if len(sides) > 1 {
			b.ReportMetric(median(perCPU[gossip]), gossip+"-items/cpu-s")
			b.ReportMetric(median(perCPU[quilt])/median(perCPU[gossip]), fmt.Sprintf("quilt:gossipsub-%d/s", rate))
		}
	}
}

// meshSide is one of two systems that are compared.
type meshSide struct {
	name string
	list []*process
}

// measure publishes items at a rate and returns how many a second of CPU.
func (s meshSide) measure(b *testing.B, rate, items int) float64 {
	profiled(s.list)
	before, cpu := used(s.list)
	begin := time.Now()
	missing := poured(b, s.list, before, order{Items: items, Size: 1 << 10, Rate: float64(rate)}, 10*time.Second)
	took := time.Since(begin)
	reports, after := used(s.list)
	profiled(s.list)
	copies, others := 0, len(s.list)-1
	for i, r := range reports {
		copies += r.Copies - before[i].Copies
	}
	per := float64(items) / (after - cpu).Seconds()
	b.Logf("%s: %d items to %d others, %d a second, %.3f copies each, %d deliveries missing: %.1f items a second of CPU, %.2f processors busy",
		s.name, items, others, rate, float64(copies)/float64(items*others), missing, per, (after-cpu).Seconds()/took.Seconds())
	if missing > 0 && s.name == "quilt" {
		b.Errorf("%d deliveries are missing", missing)
	}
	return per
}
