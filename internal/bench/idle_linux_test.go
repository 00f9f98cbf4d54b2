package bench

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
)

var (
	idle   = flag.Duration("idle", time.Minute, "how long BenchmarkIdle measures")
	settle = flag.Duration("settle", time.Minute, "how long BenchmarkIdle waits before")
)

// idlePeers is how many processes BenchmarkIdle runs.
const idlePeers = 10

// BenchmarkIdle: ten quilt-peer processes, all with the same feed and the same open
// topic, linked and left alone. What is measured is the mean of a process; where
// this process may, they have a loopback interface of their own.
//
//   - rss-MiB, pss-MiB, max-rss-MiB: resident memory, whole and with shared pages
//     divided among those who share; and the greatest of the ten.
//   - cpu-%: of one core.
//   - frame-B/s, frames/s: what a peer sends, as its own counters say.
//   - wire-B/s, packets/s: what a peer sends as IP packets: with the headers of IP,
//     UDP, TCP, QUIC and yamux, with acknowledgements and keep-alives.
func BenchmarkIdle(b *testing.B) {
	for range b.N {
		measureIdle(b)
	}
}

func measureIdle(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), *settle+*idle+hang)
	defer cancel()
	binary := buildPeer(b)
	own := enterOwnNetwork(b)
	var peers []*process
	contact := ""
	for i := range idlePeers {
		p := startPeer(b, ctx, binary, contact)
		peers = append(peers, p)
		if i == 0 {
			contact = p.ticket
		}
	}
	joinBoth(b, ctx, peers)
	time.Sleep(*settle)

	begin := time.Now()
	before := sampleAll(b, ctx, peers)
	wireBefore := loopback(b, peers[0])
	time.Sleep(*idle)
	wire := loopback(b, peers[0])
	after := sampleAll(b, ctx, peers)
	seconds := time.Since(begin).Seconds()
	n := float64(len(peers))

	var d sample
	maxRSS := 0.0
	for i := range after {
		d.cpu += after[i].cpu - before[i].cpu
		d.bytesOut += after[i].bytesOut - before[i].bytesOut
		d.framesOut += after[i].framesOut - before[i].framesOut
		d.rss += after[i].rss
		d.pss += after[i].pss
		maxRSS = max(maxRSS, after[i].rss)
	}
	b.ReportMetric(d.rss/n, "rss-MiB")
	b.ReportMetric(maxRSS, "max-rss-MiB")
	b.ReportMetric(d.pss/n, "pss-MiB")
	b.ReportMetric(100*d.cpu.Seconds()/seconds/n, "cpu-%")
	b.ReportMetric(float64(d.bytesOut)/seconds/n, "frame-B/s")
	b.ReportMetric(float64(d.framesOut)/seconds/n, "frames/s")
	if own {
		b.ReportMetric(float64(wire.bytes-wireBefore.bytes)/seconds/n, "wire-B/s")
		b.ReportMetric(float64(wire.packets-wireBefore.packets)/seconds/n, "packets/s")
	} else {
		b.Log("no permission for a network namespace: what went over the wire is not told from others' traffic")
	}
	b.ReportMetric(0, "ns/op")
}

// joinBoth gives every peer the two topics and an entry in each, and waits until
// all have neighbours and entries.
func joinBoth(b *testing.B, ctx context.Context, peers []*process) {
	b.Helper()
	f, err := peers[0].NewFeed(ctx, "news")
	if err != nil {
		b.Fatal(err)
	}
	publish := func(p *process, topic string) {
		if _, err := p.Publish(ctx, control.PublishRequest{Topic: topic, Body: control.NewBody([]byte("hello"))}); err != nil {
			b.Fatal(err)
		}
	}
	publish(peers[0], f.Address)
	for i, p := range peers {
		if i > 0 {
			if _, err := p.Follow(ctx, control.FollowRequest{Address: f.Address}); err != nil {
				b.Fatal(err)
			}
		}
		publish(p, "#lobby") // which joins it
	}
	for i, p := range peers {
		await(b, fmt.Sprint("peer ", i), func() bool {
			st, err := p.Status(ctx)
			if err != nil {
				b.Fatal(err)
			}
			ready := len(st.Topics) == 2
			for _, t := range st.Topics {
				want := uint64(1)
				if t.Kind == control.KindOpen {
					want = uint64(len(peers))
				}
				ready = ready && t.Entries == want && t.Neighbours >= 3
			}
			return ready
		})
	}
}
