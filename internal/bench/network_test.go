package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// The transports that are compared, by name.
var transports = map[string]string{
	"quic": "/ip4/127.0.0.1/udp/0/quic-v1",
	"tcp":  "/ip4/127.0.0.1/tcp/0",
}

// network is a group of peers in this process with one topic that the first of
// them publishes in and all of them read.
type network struct {
	// publish returns when the item may be forgotten: Quilt's when it is on disk.
	publish func(ctx context.Context, data []byte) error
	// next waits for what a reader gets next, one function a peer.
	next []func(ctx context.Context) (size int, err error)
	// copies is how often an item was received, all peers together, so far.
	copies func() uint64
	close  func()
}

// itemSize is how many bytes an item's payload has.
const itemSize = 1 << 10

// load is what one measurement sends.
type load struct {
	items int
	// window is how many items may be under way, published and not yet read by all.
	window int
}

// tally counts what readers have got.
type tally struct {
	read atomic.Int64
	more chan struct{}
}

// wait waits until so many were read.
func (t *tally) wait(ctx context.Context, n int64) error {
	for t.read.Load() < n {
		select {
		case <-t.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pour publishes a load in a network with several publishing at a time, and
// returns when every peer has read every item. It fails where one is lost.
func pour(b *testing.B, net *network, l load) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	t := &tally{more: make(chan struct{}, 1)}
	var readers sync.WaitGroup
	for i, next := range net.next {
		readers.Go(func() {
			for k := range l.items {
				n, err := next(ctx)
				if err != nil || n != itemSize {
					b.Errorf("peer %d has read %d of %d items: %d bytes, %v", i, k, l.items, n, err)
					cancel()
					return
				}
				t.read.Add(1)
				select {
				case t.more <- struct{}{}:
				default:
				}
			}
		})
	}
	data := make([]byte, itemSize)
	slots := make(chan struct{}, l.window)
	var publishers sync.WaitGroup
	for i := range l.items {
		if t.wait(ctx, int64(i-l.window+1)*int64(len(net.next))) != nil {
			break
		}
		slots <- struct{}{}
		publishers.Go(func() {
			if err := net.publish(ctx, data); err != nil {
				b.Errorf("publishing: %v", err)
				cancel()
			}
			<-slots
		})
	}
	publishers.Wait()
	readers.Wait()
	if b.Failed() {
		b.FailNow()
	}
}
