package links

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestLink follows one link from Dial to Close: greetings, frames of all sizes both
// ways and in order, what is counted, and the goodbye that Close still sends.
func TestLink(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a := newNode(t, listen, func(c *Config) { c.Hello = func() []byte { return []byte("I am a") } })
		b := newNode(t, listen)
		if a.Send(b.ID(), protocol.Control, protocol.Never, []byte{1}, nil) {
			t.Error("Send without a link was accepted")
		}
		a.link(t, b)
		if !a.rec.linkTo(b.ID()).Outbound || b.rec.linkTo(a.ID()).Outbound {
			t.Error("Outbound is not set at who dialled, and only there")
		}
		if b.rec.hello(a.ID()) != "I am a" || a.rec.hello(b.ID()) != "hello" {
			t.Errorf("hellos: %q, %q", b.rec.hello(a.ID()), a.rec.hello(b.ID()))
		}

		sizes := []int{1, 2, 127, 128, 16383, 16384, batchSize - 3, batchSize, batchSize + 1, protocol.MaxFrame}
		bytesOut := 0
		for i, size := range sizes {
			frame := pattern(byte(i), size)
			bytesOut += len(framed(frame))
			for _, from := range []*node{a, b} {
				to := map[*node]*node{a: b, b: a}[from]
				await(t, "room", func() bool { _, n := from.Room(to.ID(), protocol.Repair); return n >= size })
				if !from.Send(to.ID(), protocol.Repair, protocol.Never, frame, nil) {
					t.Fatalf("Send of %d bytes was refused", size)
				}
			}
		}
		for _, end := range []struct{ at, from *node }{{a, b}, {b, a}} {
			await(t, "all frames", func() bool { return end.at.rec.got() == len(sizes) })
			for i, frame := range end.at.rec.framesOf(end.from.ID()) {
				if !bytes.Equal(frame, pattern(byte(i), sizes[i])) {
					t.Errorf("frame %d of %d bytes came as %d bytes", i, sizes[i], len(frame))
				}
			}
			c := end.at.Counters()
			if c.FramesIn != uint64(len(sizes)) || c.FramesOut != c.FramesIn ||
				c.BytesIn != uint64(bytesOut) || c.BytesOut != c.BytesIn || c.Ups != 1 {
				t.Errorf("counters: %+v; want %d frames and %d bytes", c, len(sizes), bytesOut)
			}
			peers := end.at.Peers()
			if len(peers) != 1 || peers[0].Link.Peer != end.from.ID() || peers[0].Counters.BytesIn != uint64(bytesOut) {
				t.Errorf("Peers: %+v", peers)
			}
		}

		a.Send(b.ID(), protocol.Control, protocol.Never, []byte("goodbye"), nil)
		a.Close(b.ID(), "no longer needed")
		await(t, "both down", func() bool { return !a.rec.isUp(b.ID()) && !b.rec.isUp(a.ID()) })
		if got := fmt.Sprint(a.rec.events(b.ID()), b.rec.events(a.ID())); got != "[up down no longer needed] [up down closed by peer]" {
			t.Errorf("events: %s", got)
		}
		frames := b.rec.framesOf(a.ID())
		if last := string(frames[len(frames)-1]); last != "goodbye" {
			t.Errorf("the last frame before Close did not arrive")
		}
		if c := a.Counters(); c.FramesOut != uint64(len(sizes))+1 {
			t.Errorf("counters forget links that are gone: %+v", c)
		}
	})
}

// TestRelink: a closed link can be dialled again at once, from either side, before
// its Down has come.
func TestRelink(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b := newNode(t, listen), newNode(t, listen)
		a.link(t, b)
		for i := range 10 {
			from, to := a, b
			if i%2 == 1 {
				from, to = b, a
			}
			before, beforeTo := from.Counters().Ups, to.Counters().Ups
			from.Close(to.ID(), "again")
			from.Dial(to.ID(), to.Addrs())
			await(t, "up again", func() bool { return from.Counters().Ups > before && to.Counters().Ups > beforeTo })
			awaitUp(t, a, b)
			exchange(t, a, b)
		}
	})
}

// exchange sends a frame each way and waits for them.
func exchange(t testing.TB, a, b *node) {
	t.Helper()
	beforeA, beforeB := a.rec.got(), b.rec.got()
	a.Send(b.ID(), protocol.Control, protocol.Never, []byte{1}, nil)
	b.Send(a.ID(), protocol.Control, protocol.Never, []byte{2}, nil)
	await(t, "frames both ways", func() bool { return a.rec.got() > beforeA && b.rec.got() > beforeB })
}

// TestSimultaneousDials: two peers that dial each other at once have one link.
func TestSimultaneousDials(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		for range 10 {
			a, b := newNode(t, listen), newNode(t, listen)
			go a.Dial(b.ID(), b.Addrs())
			go b.Dial(a.ID(), a.Addrs())
			awaitUp(t, a, b)
			exchange(t, a, b)
			if a.rec.upsOf(b.ID()) != 1 || b.rec.upsOf(a.ID()) != 1 {
				t.Errorf("Ups: %q and %q", a.rec.events(b.ID()), b.rec.events(a.ID()))
			}
			a.stop(t)
			b.stop(t)
		}
	})
}

// TestRestart: a peer that comes back with its old identity, while its old link
// looks alive, gets a new link after the old one's Down, on its new connection.
func TestRestart(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a := newNode(t, listen)
		key := newKey(t)
		same := func(c *Config) { c.Identity = key }
		first := newNode(t, listen, same)
		first.link(t, a)
		second := newNode(t, listen, same)
		second.Dial(a.ID(), a.Addrs())
		awaitUp(t, second, a)
		await(t, "the old link to go", func() bool { return !first.rec.isUp(a.ID()) })
		await(t, "events", func() bool { return len(a.rec.events(first.ID())) == 3 })
		if got := fmt.Sprint(a.rec.events(second.ID())); got != "[up down replaced by peer up]" {
			t.Errorf("events: %s", got)
		}
		exchange(t, a, second)
	})
}

// TestStop: a peer that stops says so.
func TestStop(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b := newNode(t, listen), newNode(t, listen)
		a.link(t, b)
		a.stop(t)
		await(t, "down", func() bool { return !b.rec.isUp(a.ID()) })
		if a.rec.last(b.ID()) != "down "+ReasonStopped || b.rec.last(a.ID()) != "down "+ReasonPeerClosed {
			t.Errorf("events: %q and %q", a.rec.events(b.ID()), b.rec.events(a.ID()))
		}
		a.Dial(b.ID(), b.Addrs())
		a.Close(b.ID(), "")
		if a.Send(b.ID(), protocol.Control, protocol.Never, []byte{1}, nil) || len(a.Peers()) != 0 {
			t.Error("a stopped Manager still has links")
		}
	})
}

// TestIdleConnections: once a link is gone its connection goes too.
func TestIdleConnections(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		brief := func(c *Config) { c.idle = 50 * time.Millisecond }
		a, b := newNode(t, listen, brief), newNode(t, listen, brief)
		a.link(t, b)
		a.reap(b.ID())
		if len(a.host.Network().ConnsToPeer(b.ID())) != 1 || !a.rec.isUp(b.ID()) {
			t.Fatal("the connection of a link was closed")
		}
		a.Close(b.ID(), "done")
		await(t, "no connections", func() bool {
			return len(a.host.Network().Conns()) == 0 && len(b.host.Network().Conns()) == 0
		})
	})
}
