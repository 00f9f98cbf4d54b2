package links

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/sendqueue"
	"github.com/quilt-p2p/quilt/protocol"
)

// blocked makes a pair in which b takes nothing until the gate is closed.
func blocked(t *testing.T, listen string, change ...func(*Config)) (a, b *node, gate chan struct{}) {
	t.Helper()
	a, b = newNode(t, listen, change...), newNode(t, listen)
	gate = make(chan struct{})
	b.rec.gate = gate
	b.rec.discard = true
	a.link(t, b)
	return a, b, gate
}

// fill sends until the queue's class is full.
func fill(a, b *node, class protocol.Class, size int) (sent int) {
	for {
		if frames, bytes := a.Room(b.ID(), class); frames == 0 || bytes < size {
			// The writer may yet take some, until the transport takes no more.
			time.Sleep(200 * time.Millisecond)
			if frames, bytes = a.Room(b.ID(), class); frames == 0 || bytes < size {
				return sent
			}
		}
		a.Send(b.ID(), class, protocol.Never, make([]byte, size), sent)
		sent++
	}
}

// TestSlowReader: a peer that does not read makes the queue congested, then drops,
// within the queue's bounds; once it reads again the queue drains and what was
// queued arrives.
func TestSlowReader(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b, gate := blocked(t, listen)
		const size = 64 << 10
		sent := fill(a, b, protocol.Fresh, size)
		for i := range 10 {
			if !a.Send(b.ID(), protocol.Fresh, protocol.Never, make([]byte, size), fmt.Sprint("late ", i)) {
				t.Fatal("link lost")
			}
		}
		await(t, "congestion", func() bool { return a.rec.last(b.ID()) == "congested" })
		await(t, "drops", func() bool { return len(a.rec.drops(protocol.Fresh)) == 10 })
		if tag := a.rec.drops(protocol.Fresh)[9]; tag != "late 9" {
			t.Errorf("tag of the last drop: %v", tag)
		}
		if p := a.Peers()[0]; p.QueuedBytes > sendqueue.MaxFreshBytes || p.Counters.Dropped[protocol.Fresh] != 10 {
			t.Errorf("queued %d bytes, dropped %d", p.QueuedBytes, p.Counters.Dropped[protocol.Fresh])
		}
		// The other classes have room of their own, and control goes first.
		if frames, bytes := a.Room(b.ID(), protocol.Control); frames != sendqueue.MaxControlFrames || bytes != sendqueue.MaxControlBytes {
			t.Errorf("room for control: %d frames, %d bytes", frames, bytes)
		}
		close(gate)
		await(t, "drained", func() bool { return a.rec.last(b.ID()) == "drained" })
		await(t, "what was queued", func() bool { return b.rec.got() == sent })
	})
}

// TestStalled: a peer that takes nothing for WriteTimeout loses its link.
func TestStalled(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b, gate := blocked(t, listen, func(c *Config) { c.WriteTimeout = 300 * time.Millisecond })
		defer close(gate)
		await(t, "down", func() bool {
			a.Send(b.ID(), protocol.Fresh, protocol.Never, make([]byte, 1<<20), nil)
			return a.rec.last(b.ID()) == "down "+ReasonStalled
		})
	})
}

// TestCloseStalled: Close does not hang on a peer that takes nothing.
func TestCloseStalled(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b, gate := blocked(t, listen, func(c *Config) { c.FlushTimeout = 100 * time.Millisecond })
		defer close(gate)
		fill(a, b, protocol.Fresh, 1<<20)
		a.Close(b.ID(), "enough")
		await(t, "down", func() bool { return a.rec.last(b.ID()) == "down enough" })
	})
}

// TestExpired: what waited too long is not sent, and told.
func TestExpired(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b, gate := blocked(t, listen)
		sent := fill(a, b, protocol.Fresh, 64<<10)
		a.Send(b.ID(), protocol.Repair, a.cfg.Now().Add(time.Millisecond), []byte{1}, "too late")
		a.Send(b.ID(), protocol.Repair, a.cfg.Now().Add(time.Hour), []byte{2}, "in time")
		time.Sleep(2 * time.Millisecond)
		close(gate)
		await(t, "all but one", func() bool { return b.rec.got() == sent+1 })
		await(t, "the drop", func() bool { return fmt.Sprint(a.rec.drops(protocol.Repair)) == "[too late]" })
		if c := a.Counters(); c.Expired[protocol.Repair] != 1 || c.Dropped[protocol.Repair] != 0 {
			t.Errorf("counters: %+v", c)
		}
	})
}

// TestSendWait: a stream of repairs waits for room, drops nothing, and ends with
// the link or the context.
func TestSendWait(t *testing.T) {
	overEach(t, func(t *testing.T, listen string) {
		a, b, gate := blocked(t, listen)
		const size = 100 << 10
		fill(a, b, protocol.Repair, size)
		for _, event := range a.rec.events(b.ID()) {
			if event == "congested" {
				t.Error("repair alone made the link congested for gossip")
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error)
		wait := func(ctx context.Context) {
			result <- a.SendWait(ctx, b.ID(), protocol.Repair, protocol.Never, make([]byte, size), nil)
		}
		go wait(ctx)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		for range 20 {
			go wait(context.Background())
		}
		close(gate)
		for range 20 {
			if err := <-result; err != nil {
				t.Errorf("SendWait: %v", err)
			}
		}
		if c := a.Counters(); c.Dropped[protocol.Repair] != 0 {
			t.Errorf("dropped %d", c.Dropped[protocol.Repair])
		}
	})
}

// TestSendWaitDown: whoever waits learns that the link has gone.
func TestSendWaitDown(t *testing.T) {
	a, b, gate := blocked(t, transports["quic"], func(c *Config) { c.FlushTimeout = 50 * time.Millisecond })
	defer close(gate)
	fill(a, b, protocol.Repair, 1<<20)
	result := make(chan error)
	go func() {
		result <- a.SendWait(context.Background(), b.ID(), protocol.Repair, protocol.Never, make([]byte, 1<<20), nil)
	}()
	a.Close(b.ID(), "enough")
	if err := <-result; !errors.Is(err, ErrNoLink) {
		t.Errorf("SendWait: %v", err)
	}
	await(t, "down", func() bool { return strings.HasPrefix(a.rec.last(b.ID()), "down") })
	if err := a.SendWait(context.Background(), b.ID(), protocol.Repair, protocol.Never, []byte{1}, nil); !errors.Is(err, ErrNoLink) {
		t.Errorf("SendWait without a link: %v", err)
	}
}
