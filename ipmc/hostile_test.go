package ipmc

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// inject has all hosts hear something from an address.
func (w *wire) inject(addr string, m protocol.Message) {
	for _, h := range w.hosts {
		w.send(h, protocol.Origin{NIC: 1, Multicast: true, Addr: netip.MustParseAddr(addr)}, m)
	}
}

// forgedFirst is a first fragment that claims a sender without its signature.
func forgedFirst(h *station, seq uint64, data string) *First {
	it := protocol.NewItem(topicName, "author", seq, []byte(data))
	f := cut(it, 0, h.id, h.epoch, seq, h.room).first
	f.Sig = sign("mallory", f.appendSigned(nil))
	return f
}

const (
	hers = "10.0.9.9" // the attacker's own address
	his  = "10.0.0.1" // that of the host that publishes
)

// TestHostile: a host on the LAN that knows the group's key, but nobody's signing
// key, does what it can; what is published arrives, by the group alone.
func TestHostile(t *testing.T) {
	for _, c := range []struct {
		name string
		// attack is called before and after each item, i counting them.
		attack func(w *wire, i int, after bool, heard []protocol.Message)
	}{
		{"positions ahead", func(w *wire, i int, _ bool, _ []protocol.Message) {
			for k := range uint64(40) {
				w.inject(hers, forgedFirst(w.hosts[0], w.hosts[0].own.top+1+k, "forged"))
			}
		}},
		{"positions ahead, in valid items", func(w *wire, i int, _ bool, _ []protocol.Message) {
			for k := range uint64(40) {
				w.inject(hers, forgedFirst(w.hosts[0], w.hosts[0].own.top+1+k, "valid"))
			}
		}},
		{"far ahead", func(w *wire, i int, _ bool, _ []protocol.Message) {
			w.inject(hers, forgedFirst(w.hosts[0], 1<<40, "forged"))
			w.inject(hers, &Beacon{Origin: w.hosts[0].id, Epoch: w.hosts[0].epoch, Nonce: 1 << 40, Pause: 1, Low: 1, Last: 1 << 50})
			w.inject(hers, &Fragment{Stream: w.hosts[0].own.id, Seq: 1 << 40, Chunk: make([]byte, 1000)})
		}},
		{"replay", func(w *wire, i int, after bool, heard []protocol.Message) {
			for _, m := range heard[max(0, len(heard)-60):] {
				w.inject(hers, m)
			}
		}},
		{"replay at other positions", func(w *wire, i int, after bool, heard []protocol.Message) {
			for k, m := range heard[max(0, len(heard)-30):] {
				if f, ok := m.(*First); ok {
					again := *f
					again.signed, again.Seq = nil, w.hosts[0].own.top+uint64(k)
					w.inject(hers, &again)
				}
			}
		}},
		{"fragments that nothing lists", func(w *wire, i int, _ bool, _ []protocol.Message) {
			for k := range uint64(100) {
				w.inject(hers, &Fragment{Stream: w.hosts[0].own.id, Seq: w.hosts[0].own.top + 1, Index: int(k), Chunk: binary.BigEndian.AppendUint64(nil, k)})
				w.inject(hers, &Fragment{Stream: k, Seq: 1, Index: int(k), Chunk: make([]byte, 1000)})
				w.inject(hers, &List{Stream: w.hosts[0].own.id, Seq: w.hosts[0].own.top + 1, Index: 1, Hashes: make([]byte, 160)})
			}
		}},
		{"questions", func(w *wire, i int, _ bool, _ []protocol.Message) {
			for range 20 {
				w.inject(hers, &Nack{Stream: w.hosts[0].own.id, Runs: []Run{{1, MaxWindow}}})
			}
		}},
		{"a stream of its own with holes", func(w *wire, i int, after bool, _ []protocol.Message) {
			if after {
				return
			}
			for k := range 4 {
				seq := uint64(4*i+k+1) * 50
				it := protocol.NewItem(topicName, "mallory", seq, []byte("valid"))
				f := cut(it, 0, "mallory", 1, seq, w.hosts[0].room).first
				f.Sig = sign("mallory", w.hosts[1].toSign(signFirst, f.appendSigned(nil)))
				w.inject(hers, f)
			}
		}},
		{"beacons with holes", func(w *wire, i int, _ bool, _ []protocol.Message) {
			for k := range 4 {
				b := &Beacon{Origin: "mallory", Epoch: 1, Nonce: uint64(4*i+k+1) * 100, Pause: 1000}
				b.Sig = sign("mallory", w.hosts[1].toSign(signBeacon, b.appendSigned(nil)))
				w.inject(hers, b)
			}
		}},
		{"streams of its own", func(w *wire, i int, _ bool, _ []protocol.Message) {
			for k := range 10 {
				it := protocol.NewItem(topicName, "mallory", uint64(1000*i+k+1), []byte("forged"))
				f := cut(it, 0, "mallory", uint64(1000*i+k), 1, w.hosts[0].room).first
				f.Sig = sign("mallory", w.hosts[1].toSign(signFirst, f.appendSigned(nil)))
				w.inject(hers, f)
			}
		}},
	} {
		for _, size := range []int{100, 5000} {
			w := newWire(t, 6, 1, nil)
			w.run(5 * time.Second)
			var heard []protocol.Message
			w.seen = func(_ *station, m protocol.Message) { heard = append(heard, m) }
			for i := range 60 {
				c.attack(w, i, false, heard)
				w.run(5 * time.Millisecond)
				w.hosts[0].publish(size)
				w.run(5 * time.Millisecond)
				c.attack(w, i, true, heard)
			}
			w.run(20 * time.Second)
			if n := w.lacking(); n > 0 {
				t.Errorf("%s, size %d: %d deliveries are missing: %+v", c.name, size, n, w.hosts[1].stats)
			}
			for _, h := range w.hosts[1:] {
				if !h.health[len(h.health)-1].Fit {
					t.Errorf("%s: %s says %+v", c.name, h.id, h.health)
				}
			}
		}
	}
}

// TestChecksAreShared: who makes this peer check signatures uses up his own share.
func TestChecksAreShared(t *testing.T) {
	w := newWire(t, 2, 1, nil)
	w.run(5 * time.Second)
	w.hosts[0].publish(10)
	w.run(time.Second)
	before := w.hosts[1].stats.Checks
	for k := range uint64(5000) {
		w.inject(hers, forgedFirst(w.hosts[0], 1<<40+k, "forged"))
	}
	w.run(time.Second)
	checks := w.hosts[1].stats.Checks - before
	if checks > checkSourceMax+checkSourceRate+5 {
		t.Errorf("%d checks in a second for one source", checks)
	}
	if w.hosts[1].stats.Unchecked == 0 {
		t.Error("nothing was dropped unchecked")
	}
	for range 10 {
		w.hosts[0].publish(10)
		w.run(10 * time.Millisecond)
	}
	if n := w.lacking(); n > 0 {
		t.Errorf("%d deliveries are missing", n)
	}
}

// TestBounds: what is kept of what strangers send has an end. check, after each
// packet, is what fails.
func TestBounds(t *testing.T) {
	w := newWire(t, 2, 1, nil)
	h := w.hosts[1]
	own := w.hosts[0].own.id
	w.hosts[0].publish(10)
	w.run(time.Second)
	for i := range uint64(3 * MaxSources) {
		addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).String()
		w.inject(addr, &Fragment{Stream: own, Seq: 3, Index: int(i), Chunk: make([]byte, 1000)})
	}
	w.run(time.Millisecond)
	if n := len(h.sources.list); n != MaxSources {
		t.Errorf("%d sources are known, want %d", n, MaxSources)
	}
	for i := range 2 * MaxUnlisted {
		w.inject(hers, &Fragment{Stream: own, Seq: 3, Index: i, Chunk: make([]byte, 1000)})
	}
	w.run(time.Millisecond)
	if s := h.sources.of(w.now, protocol.Origin{NIC: 1, Addr: netip.MustParseAddr(hers)}); len(s.unlisted) != MaxUnlisted {
		t.Errorf("%d fragments are kept, want %d", len(s.unlisted), MaxUnlisted)
	}
	for i := range uint64(MaxStreams + 50) {
		it := protocol.NewItem(topicName, "mallory", i+1, []byte("forged"))
		f := cut(it, 0, "mallory", i, 1, h.room).first
		f.Sig = sign("mallory", h.toSign(signFirst, f.appendSigned(nil)))
		w.inject(hers, f)
		w.run(5 * time.Millisecond)
	}
	if n := len(h.Machine.order); n != MaxStreams {
		t.Errorf("%d streams are followed, want %d", n, MaxStreams)
	}
	if h.own != h.streams[streamKey{h.id, h.epoch}] {
		t.Error("its own stream was forgotten")
	}
}

// TestQueueBound: what does not fit into the queue is left to the slow path.
func TestQueueBound(t *testing.T) {
	w := newWire(t, 2, 1, func(c *Config) { c.Rate = minRate })
	for range MaxQueue + 200 {
		w.hosts[0].publish(1000)
	}
	w.hosts[0].check(t)
	if h := w.hosts[0]; len(h.sending.fresh) != MaxQueue || h.stats.NotSent == 0 || h.notes["ipmc.queue-full"] == 0 {
		t.Errorf("%d items wait, %d did not fit", len(h.sending.fresh), h.stats.NotSent)
	}
}

// TestNoRoom: an item for which the container has no room is handed up again.
func TestNoRoom(t *testing.T) {
	w := newWire(t, 3, 1, nil)
	w.run(time.Second)
	w.hosts[1].full = true
	w.hosts[0].publish(100)
	w.run(200 * time.Millisecond)
	if len(w.hosts[1].have) != 0 {
		t.Fatal("it was taken")
	}
	w.hosts[1].full = false
	w.run(time.Second)
	if n := w.lacking(); n > 0 {
		t.Errorf("%d deliveries are missing", n)
	}
}
