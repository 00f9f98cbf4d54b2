package links

import (
	"sync"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestTransfers: large frames tell both sides how much room there was; small ones, and
// those by way of a relay, tell nothing.
func TestTransfers(t *testing.T) {
	var mu sync.Mutex
	var told []Transfer
	watch := func(cfg *Config) {
		traversing(cfg)
		cfg.OnTransfer = func(x Transfer) { mu.Lock(); told = append(told, x); mu.Unlock() }
	}
	count := func(sent bool) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, x := range told {
			if x.Bytes <= 0 || x.Took <= 0 || len(x.Local) == 0 {
				t.Errorf("told %+v", x)
			}
			if x.Sent == sent {
				n++
			}
		}
		return n
	}
	a, b := newNode(t, transports["quic"], watch), newNode(t, transports["quic"], watch)
	a.link(t, b)
	a.Send(b.ID(), protocol.Control, protocol.Never, make([]byte, 1000), nil)
	await(t, "a small frame", func() bool { return b.rec.got() == 1 })
	if n := count(false) + count(true); n != 0 {
		t.Fatalf("%d transfers after a small frame", n)
	}
	a.Send(b.ID(), protocol.Repair, protocol.Never, make([]byte, 1<<20), nil)
	await(t, "both sides told", func() bool { return count(true) == 1 && count(false) == 1 })

	relay := newRelay(t, RelayLimits{Bytes: 8 << 20})
	leaf := newNode(t, "", watch)
	settle(t, leaf, relay)
	caller := newNode(t, "", watch)
	caller.DialRelayed(leaf.ID(), circuits(leaf.Addrs()))
	awaitUp(t, caller, leaf)
	caller.Send(leaf.ID(), protocol.Repair, protocol.Never, make([]byte, 1<<20), nil)
	await(t, "a large frame", func() bool { return leaf.rec.got() == 1 })
	caller.Close(leaf.ID(), "enough")
	await(t, "down", func() bool { return !leaf.rec.isUp(caller.ID()) })
	if n := count(true) + count(false); n != 2 {
		t.Errorf("%d transfers told, want still 2: none by way of a relay", n)
	}
}
