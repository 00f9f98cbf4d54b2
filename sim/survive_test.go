package sim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestTwo(t *testing.T) {
	net := New(Config{Seed: 1, Codec: true})
	a, b := net.Add(), net.Add()
	a.Join("news", "")
	b.Join("news", "")
	b.Contact(a)
	net.Run(5 * time.Second)
	it := a.Publish("news", []byte("hello"))
	a.AwaitReceipts(it, protocol.Never)
	net.Run(6 * time.Second)
	if got := b.Delivered("news"); len(got) != 1 || got[0].ID != it.ID {
		t.Fatalf("b got %d items, want a's", len(got))
	}
	if r := a.Receipts[it.ID]; len(r) != 1 || r[0] != b.ID() {
		t.Fatalf("receipts %v, want b's", r)
	}
}

// TestHalfKilled: 1,000 hosts, 5% of messages lost, half of the hosts killed
// silently in the middle: every survivor gets everything.
func TestHalfKilled(t *testing.T) {
	hosts := 1000
	if raceEnabled || testing.Short() {
		hosts = 60
	}
	seeds(t, 1, 5, func(t *testing.T, seed uint64) {
		start := time.Now()
		c := newCrowd(t, Config{Seed: seed, Loss: 0.05}, hosts, 40*time.Second)
		c.publish(20, 1, 2, 3)
		for _, i := range rand.New(rand.NewPCG(seed, 4)).Perm(hosts - 4)[:hosts/2] {
			c.Hosts()[4+i].Kill()
		}
		c.publish(20, 1, 2, 3)
		took := c.untilComplete(2 * time.Minute)
		t.Logf("%d hosts: everything everywhere %v after the last item, %v after the kill; %d events in %v of wall time; trace %.16s",
			hosts, took, took+2*time.Second, c.Events(), time.Since(start).Round(time.Millisecond), c.Trace())
	})
}

// TestPartitionMerges: both halves publish while cut apart for longer than it
// takes to bury each other, and then learn what the other half has.
func TestPartitionMerges(t *testing.T) {
	const hosts = 60
	seeds(t, 2, 20, func(t *testing.T, seed uint64) {
		c := newCrowd(t, Config{Seed: seed, Loss: 0.02}, hosts, 60*time.Second)
		c.Partition(func(a, b int) bool { return a%2 != b%2 })
		c.pass(30 * time.Second)
		c.publish(10, 1, 2)
		c.pass(30 * time.Second)
		if c.missing() == 0 {
			t.Fatal("the cut does not cut")
		}
		c.Partition(nil)
		t.Logf("merged %v after the cut ended", c.untilComplete(5*time.Minute))
	})
}

// TestChurn: hosts come and go all the time, some with a word and some without;
// those that stay get everything.
func TestChurn(t *testing.T) {
	seeds(t, 3, 50, func(t *testing.T, seed uint64) {
		c := newCrowd(t, Config{Seed: seed, Loss: 0.05, Codec: seed%2 == 0}, 40, 20*time.Second)
		rng := rand.New(rand.NewPCG(seed, 5))
		for range 15 {
			if victim := c.Hosts()[4+rng.IntN(len(c.Hosts())-4)]; rng.IntN(2) == 0 {
				victim.Kill()
			} else if victim.Alive() {
				victim.Stop()
			}
			h := c.Add()
			h.Contact(c.Hosts()[rng.IntN(4)])
			h.Join(openTopic, "")
			h.Join(feedTopic, c.Hosts()[0].ID())
			c.publish(3, 1, 2, 3)
		}
		t.Logf("everything everywhere %v after the last item", c.untilComplete(2*time.Minute))
	})
}

// TestFullDisk: what a host could not store for a while it gets when it can.
func TestFullDisk(t *testing.T) {
	seeds(t, 2, 20, func(t *testing.T, seed uint64) {
		c := newCrowd(t, Config{Seed: seed}, 10, 20*time.Second)
		c.Hosts()[5].FullDisk(true)
		c.publish(10, 1, 2, 3)
		c.pass(5 * time.Second)
		if n := len(c.Hosts()[5].Delivered(feedTopic)); n != 0 {
			t.Fatalf("%d entries were delivered that are not on disk", n)
		}
		c.Hosts()[5].FullDisk(false)
		t.Logf("everything everywhere %v after there was room again", c.untilComplete(3*time.Minute))
	})
}

// TestAloneIsComplete: with the fast path's messages lost altogether, repair
// delivers everything.
func TestRepairAlone(t *testing.T) {
	seeds(t, 2, 20, func(t *testing.T, seed uint64) {
		c := newCrowd(t, Config{Seed: seed, Loss: 0.05, Lose: func(object protocol.ObjectID) bool {
			return object == protocol.ObjectGossip
		}}, 20, 20*time.Second)
		c.publish(20, 1, 2, 3)
		t.Logf("everything everywhere %v after the last item", c.untilComplete(3*time.Minute))
	})
}

// TestTrace: the same seed gives the same trace, with and without encoding and
// decoding every message, and another seed another.
func TestTrace(t *testing.T) {
	run := func(seed uint64, codec bool) string {
		c := newCrowd(t, Config{Seed: seed, Loss: 0.05, Codec: codec}, 50, 20*time.Second)
		c.publish(5, 1, 2, 3)
		c.Hosts()[7].Kill()
		c.publish(5, 1, 2, 3)
		c.pass(20 * time.Second)
		return c.Trace()
	}
	first := run(1, false)
	if again := run(1, false); again != first {
		t.Errorf("seed 1 gave %s and then %s", first, again)
	}
	if coded := run(1, true); coded != first {
		t.Errorf("seed 1 gave %s, and %s where messages were encoded and decoded", first, coded)
	}
	if other := run(2, false); other == first {
		t.Error("seeds 1 and 2 gave the same trace")
	}
}
