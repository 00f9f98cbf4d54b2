package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkPublishToDelivery: two peers on loopback, one publishes an item of 1 KiB
// and waits until the other has read it; then the next. An op is one item. Both have
// their stores on disk: an item is synced at its author's before it is sent, and at
// the reader's before it is read, so sync-p50-ms, which a plain file's sync takes on
// the same disk meanwhile, is in it twice.
//
//   - p50-ms, p90-ms, p99-ms: from the call of Publish to the return of Next.
//   - publish-p50-ms: from the call of Publish to its return.
//   - sent-p50-ms: from the return of Publish to the return of Next; negative where
//     Next was first.
func BenchmarkPublishToDelivery(b *testing.B) {
	b.Run("feed", func(b *testing.B) { latency(b, true) })
	b.Run("open", func(b *testing.B) { latency(b, false) })
}

func latency(b *testing.B, owned bool) {
	net := newQuilt(b, 2, transports["quic"], owned)
	defer net.close()
	pour(b, net, load{items: 64, window: 8})
	probe := newSyncProbe(b)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	read := make(chan time.Time)
	go func() {
		defer close(read)
		for {
			if _, err := net.next[1](ctx); err != nil {
				return
			}
			read <- time.Now()
		}
	}()
	data := make([]byte, itemSize)
	var whole, publish, sent, syncs []time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := net.publish(ctx, data); err != nil {
			b.Fatal(err)
		}
		published := time.Now()
		got, ok := <-read
		if !ok {
			b.Fatal("the reader has failed")
		}
		whole = append(whole, got.Sub(begin))
		publish = append(publish, published.Sub(begin))
		sent = append(sent, got.Sub(published))
		if len(whole)%16 == 0 {
			syncs = append(syncs, probe())
		}
	}
	b.ReportMetric(millis(quantile(whole, 0.5)), "p50-ms")
	b.ReportMetric(millis(quantile(whole, 0.9)), "p90-ms")
	b.ReportMetric(millis(quantile(whole, 0.99)), "p99-ms")
	b.ReportMetric(millis(quantile(publish, 0.5)), "publish-p50-ms")
	b.ReportMetric(millis(quantile(sent, 0.5)), "sent-p50-ms")
	b.ReportMetric(millis(quantile(syncs, 0.5)), "sync-p50-ms")
	b.ReportMetric(0, "ns/op")
}

// newSyncProbe returns a function that writes 16 KiB into a file, about what the
// store writes for one item, and measures how long that takes to be on disk.
func newSyncProbe(b *testing.B) func() time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "probe"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	page := make([]byte, 16<<10)
	return func() time.Duration {
		begin := time.Now()
		if _, err := f.WriteAt(page, 0); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
}
