package lantest

import (
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
// GossipSub, both over QUIC, in turns.
func BenchmarkMesh(b *testing.B) {
	peers := sized("QUILT_LANTEST_PEERS", 20)
	items := sized("QUILT_LANTEST_ITEMS", 2000)
	rate := float64(sized("QUILT_LANTEST_RATE", 100))
	l := stageLAN(b, peers, "")
	sides := []struct {
		name string
		list []*process
	}{{name: "gossipsub"}, {name: "quilt"}}
	sides[1].list = meshPeers(b, l, peers, nil)
	if os.Getenv(profileVar) == "" { // profiles are of the mesh alone
		sides[0].list = pubSubs(b, l, peers)
	} else {
		sides = sides[1:]
	}
	perCPU := map[string][]float64{}
	for range b.N {
		for _, side := range sides {
			profiled(side.list)
			before, cpu := used(side.list)
			missing := poured(b, side.list, before, order{Items: items, Size: 1 << 10, Rate: rate}, 10*time.Second)
			reports, after := used(side.list)
			profiled(side.list)
			copies := 0
			for i, r := range reports {
				copies += r.Copies - before[i].Copies
			}
			per := float64(items) / (after - cpu).Seconds()
			perCPU[side.name] = append(perCPU[side.name], per)
			b.Logf("%s: %d items to %d others, %.3f copies each, %d deliveries missing: %.1f items a second of CPU",
				side.name, items, peers-1, float64(copies)/float64(items*(peers-1)), missing, per)
			if missing > 0 {
				b.Errorf("%s: %d deliveries are missing", side.name, missing)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, side := range sides {
		b.ReportMetric(median(perCPU[side.name]), side.name+"-items/cpu-s")
	}
	if len(sides) > 1 {
		b.ReportMetric(median(perCPU["quilt"])/median(perCPU["gossipsub"]), "quilt:gossipsub")
	}
}
