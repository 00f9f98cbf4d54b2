package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// crowd is a network of hosts that all take part in a feed, owned by the first,
// and in an open topic.
type crowd struct {
	*Network
	feed  string
	items []*protocol.Item // published in the feed
	open  []*protocol.Item // published in the open topic
}

const openTopic = "square"

// newCrowd adds n hosts, each with one earlier host, drawn by the seed, for its
// only contact, and lets them settle.
func newCrowd(cfg Config, n int, settle time.Duration) *crowd {
	c := &crowd{Network: New(cfg), feed: "the feed"}
	rng := rand.New(rand.NewPCG(cfg.Seed, 3))
	for i := range n {
		h := c.Add()
		h.Join(c.feed, c.Hosts()[0].ID())
		h.Join(openTopic, "")
		if i > 0 {
			h.Contact(c.Hosts()[rng.IntN(i)])
		}
		c.Run(time.Duration(i) * time.Millisecond)
	}
	c.Run(settle)
	return c
}

// publish publishes n items in each topic, ten a second.
func (c *crowd) publish(n int) {
	for i := range n {
		c.items = append(c.items, c.Hosts()[0].Publish(c.feed, fmt.Appendf(nil, "entry %d", len(c.items))))
		c.open = append(c.open, c.Hosts()[1+i%3].Publish(openTopic, fmt.Appendf(nil, "item %d", len(c.open))))
		c.Run(time.Duration(c.Now()) + 100*time.Millisecond)
	}
}

// kill kills half of the hosts silently, those that publish spared.
func (c *crowd) killHalf(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 4))
	for _, i := range rng.Perm(len(c.Hosts()) - 4)[:len(c.Hosts())/2] {
		c.Hosts()[4+i].Kill()
	}
}

// missing counts (item, survivor) pairs not delivered.
func (c *crowd) missing() (n int) {
	for _, h := range c.Hosts() {
		if h.Alive() {
			n += len(c.items) - len(h.Delivered(c.feed))
			n += len(c.open) - len(h.Delivered(openTopic))
		}
	}
	return n
}

// until runs until nothing is missing, and returns how long it took; it gives up
// after the limit.
func (c *crowd) until(limit time.Duration) (time.Duration, bool) {
	start := time.Duration(c.Now())
	for time.Duration(c.Now()) < start+limit {
		if c.missing() == 0 {
			return time.Duration(c.Now()) - start, true
		}
		c.Run(time.Duration(c.Now()) + 100*time.Millisecond)
	}
	return limit, false
}

func TestHalfKilledNothingLost(t *testing.T) {
	hosts := 1000
	if testing.Short() {
		hosts = 100
	}
	seeds(t, func(t *testing.T, seed uint64) {
		start := time.Now()
		c := newCrowd(Config{Seed: seed, Loss: 0.05, After: checkBounds(t)}, hosts, 40*time.Second)
		c.publish(20)
		c.killHalf(seed)
		c.publish(20)
		took, ok := c.until(2 * time.Minute)
		if !ok {
			t.Errorf("%d (item, survivor) pairs still missing", c.missing())
			c.diagnose(t)
		}
		t.Logf("%d hosts: everything everywhere %v after the last item; %d events, %v of wall time; trace %.16s",
			hosts, took, c.Events(), time.Since(start).Round(time.Millisecond), c.Trace())
	})
}

// checkBounds returns an After that checks what must hold after every event.
func checkBounds(t *testing.T) func(*Host) {
	return func(h *Host) {
		for _, topic := range []string{"the feed", openTopic} {
			if n := len(h.Core().Neighbours(protocol.TopicOf(topic))); n > 10 {
				t.Fatalf("at %v host %d has %d neighbours in %q", h.net.now, h.index, n, topic)
			}
		}
	}
}
