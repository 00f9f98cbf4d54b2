package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

var (
	flagSeed  = flag.Uint64("seed", 0, "replay one seed of a sweep instead of all")
	flagSeeds = flag.Int("seeds", 0, "how many seeds a sweep tries; 0: few, or with QUILT_LONG=1 many")

	// raceEnabled is set under the race detector, where networks are smaller.
	raceEnabled bool
)

// long reports whether the long sweeps are asked for.
func long() bool { return os.Getenv("QUILT_LONG") != "" && !raceEnabled }

// seeds runs a test once a seed, and says how to replay the one that fails.
func seeds(t *testing.T, few, many int, f func(t *testing.T, seed uint64)) {
	t.Helper()
	first, n := uint64(1), few
	switch {
	case *flagSeed != 0:
		first, n = *flagSeed, 1
	case *flagSeeds != 0:
		n = *flagSeeds
	case long():
		n = many
	}
	for i := range n {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			defer func() {
				r := recover()
				if r != nil || t.Failed() {
					t.Logf("replay: go test ./sim -run '%s' -seed %d", t.Name(), seed)
				}
				if r != nil {
					t.Errorf("%v", r)
					panic(r)
				}
			}()
			f(t, seed)
		})
	}
}

// crowd is a network of hosts that all take part in a feed, owned by the first,
// and in an open topic.
type crowd struct {
	*Network
	t     *testing.T
	items []*protocol.Item // published in the feed
	open  []*protocol.Item // published in the open topic
}

const (
	feedTopic = "the feed"
	openTopic = "the square"
)

// newCrowd adds n hosts, each with one earlier host, drawn by the seed, for its
// only contact, and lets them settle.
func newCrowd(t *testing.T, cfg Config, n int, settle time.Duration) *crowd {
	cfg.After = checkBounds(t)
	c := &crowd{Network: New(cfg), t: t}
	rng := rand.New(rand.NewPCG(cfg.Seed, 3))
	for i := range n {
		h := c.Add()
		h.Join(feedTopic, c.Hosts()[0].ID())
		h.Join(openTopic, "")
		if i > 0 {
			h.Contact(c.Hosts()[rng.IntN(i)])
		}
		c.pass(time.Millisecond)
	}
	c.pass(settle)
	return c
}

// pass lets time pass.
func (c *crowd) pass(d time.Duration) { c.Run(time.Duration(c.Now()) + d) }

// publish publishes n items in each topic, ten a second; those of the open topic
// by the given hosts in turn.
func (c *crowd) publish(n int, open ...int) {
	for i := range n {
		c.items = append(c.items, c.Hosts()[0].Publish(feedTopic, fmt.Appendf(nil, "entry %d", len(c.items))))
		h := c.Hosts()[open[i%len(open)]]
		c.open = append(c.open, h.Publish(openTopic, fmt.Appendf(nil, "item %d", len(c.open))))
		c.pass(100 * time.Millisecond)
	}
}

// missing counts (item, living host) pairs not delivered.
func (c *crowd) missing() (n int) {
	for _, h := range c.Hosts() {
		if h.Alive() {
			n += len(c.items) - len(h.Delivered(feedTopic))
			n += len(c.open) - len(h.Delivered(openTopic))
		}
	}
	return n
}

// untilComplete runs until nothing is missing and returns how long it took; it
// fails the test, saying who lacks what, after the limit.
func (c *crowd) untilComplete(limit time.Duration) time.Duration {
	c.t.Helper()
	start := c.Now()
	for c.Now() < start.Add(limit) {
		if c.missing() == 0 {
			return c.Now().Sub(start)
		}
		c.pass(100 * time.Millisecond)
	}
	c.t.Errorf("%d (item, host) pairs are still missing %v after the last item", c.missing(), limit)
	for _, h := range c.Hosts() {
		f, o := len(c.items)-len(h.Delivered(feedTopic)), len(c.open)-len(h.Delivered(openTopic))
		if h.Alive() && f+o > 0 {
			c.t.Logf("host %d lacks %d of the feed, %d of the square; neighbours: feed %d, square %d, hosts %d; links %d",
				h.Index(), f, o, len(h.core.Neighbours(protocol.TopicOf(feedTopic))),
				len(h.core.Neighbours(protocol.TopicOf(openTopic))), len(h.core.Neighbours(protocol.TopicID{})), len(h.links))
		}
	}
	return limit
}

// checkBounds returns an After that checks what must hold after every event. That
// nothing is delivered twice, or before it is on disk, Host.deliver checks.
func checkBounds(t *testing.T) func(*Host) {
	feed, square := protocol.TopicOf(feedTopic), protocol.TopicOf(openTopic)
	return func(h *Host) {
		for _, topic := range [...]protocol.TopicID{{}, feed, square} {
			peers := h.core.Neighbours(topic)
			if len(peers) > 10 {
				t.Fatalf("at %v host %d has %d neighbours in %v", h.lane.now, h.index, len(peers), topic)
			}
			for _, p := range peers {
				if h.links.get(h.net.host(p).index) == nil {
					t.Fatalf("at %v host %d has neighbour %v without a link", h.lane.now, h.index, p)
				}
			}
		}
	}
}
