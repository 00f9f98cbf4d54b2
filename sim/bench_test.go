package sim

import (
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/sim/topology"
)

// BenchmarkPeers runs hosts of a topology that join a feed within a quarter of a
// minute, settle for a minute, and get items at ten a second. It prints how many
// events pass in a second of wall time, what an event and a peer's virtual second
// cost, and the heap of a peer.
//
//	go test ./sim -run '^$' -bench Peers -benchtime 1x
func BenchmarkPeers(b *testing.B) {
	for _, c := range []struct {
		spec  string
		items int
	}{{"grid5000", 100}, {"king:1000", 100}, {"king:4000", 20}, {"king:10000", 20}, {"king:10000", 100}, {"king:100000", 20}} {
		b.Run(c.spec, func(b *testing.B) {
			for range b.N {
				benchPeers(b, c.spec, c.items)
			}
		})
	}
}

func benchPeers(b *testing.B, spec string, items int) {
	before := heap()
	topo, err := topology.Named(spec, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		b.Fatal(err)
	}
	net := New(Config{Seed: 1, Topology: topo, Processing: 200 * time.Microsecond})
	rng := rand.New(rand.NewPCG(1, 3))
	start, busy := time.Now(), cpu()
	var public []int
	for i := range topo.Hosts {
		h := net.Add()
		h.Join(feedTopic, net.Hosts()[0].ID())
		if len(public) > 0 {
			h.Contact(net.Hosts()[public[rng.IntN(len(public))]])
		}
		if topo.Hosts[i].NAT == topology.NATNone {
			if len(public) == 0 {
				for _, early := range net.Hosts()[:i] {
					early.Contact(h)
				}
			}
			public = append(public, i)
		}
		net.Run(time.Duration(i+1) * 15 * time.Second / time.Duration(len(topo.Hosts)))
	}
	net.Run(60 * time.Second)
	settled := heap()
	joined := time.Since(start)
	for i := range items {
		net.Run(60*time.Second + time.Duration(i)*100*time.Millisecond)
		net.Hosts()[0].Publish(feedTopic, make([]byte, 1024))
	}
	net.Run(60*time.Second + time.Duration(items+50)*100*time.Millisecond)
	missing := 0
	for _, h := range net.Hosts() {
		missing += items - len(h.Delivered(feedTopic))
	}
	wall := time.Since(start).Seconds()
	n := float64(len(topo.Hosts))
	b.ReportMetric(float64(net.Events())/wall, "events/s")
	b.ReportMetric(wall*1e9/float64(net.Events()), "ns/event")
	b.ReportMetric(wall*1e6/(n*time.Duration(net.Now()).Seconds()), "us/peer-second")
	b.ReportMetric(float64(net.Events())/(n*time.Duration(net.Now()).Seconds()), "events/peer-second")
	b.ReportMetric(float64(settled-before)/n, "B/peer-settled")
	b.ReportMetric(float64(heap()-before)/n, "B/peer")
	b.ReportMetric((cpu() - busy).Seconds(), "cpu-s")
	b.ReportMetric((cpu()-busy).Seconds()*1e6/(n*time.Duration(net.Now()).Seconds()), "cpu-us/peer-second")
	b.ReportMetric(joined.Seconds(), "s-joining")
	b.ReportMetric(float64(missing), "missing")
	if missing > 0 {
		b.Errorf("%d (item, host) pairs are missing", missing)
	}
	runtime.KeepAlive(net)
}

// cpu is the time that the process has had of the processors.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// heap is the live heap in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
