package links

import (
	"context"
	"runtime"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// BenchmarkFrames sends 1 KiB frames from one host to another of this process.
func BenchmarkFrames(b *testing.B) {
	for _, name := range []string{"quic", "tcp"} {
		b.Run(name, func(b *testing.B) {
			from, to := newNode(b, transports[name]), newNode(b, transports[name])
			to.rec.discard = true
			from.link(b, to)
			frame := make([]byte, 1<<10)
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := from.SendWait(context.Background(), to.ID(), protocol.Fresh, protocol.Never, frame, nil); err != nil {
					b.Fatal(err)
				}
			}
			for to.rec.got() < b.N {
				runtime.Gosched()
			}
		})
	}
}
