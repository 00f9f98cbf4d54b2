package sim

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/omni"
	"github.com/quilt-p2p/quilt/protocol"
)

// Hosts that found nobody but each other, as in a rush, have neighbours enough and no tree.
// One of them has once met a host of the mainland, and that is enough: the island finds the
// tree long before one of it would take the owner for gone, and then has what it missed.
func TestIslandFindsTheTree(t *testing.T) {
	seeds(t, 5, 100, func(t *testing.T, seed uint64) {
		plugin := omni.Plugin(omni.Config{})
		c := &crowd{Network: New(Config{Seed: seed, Plugin: &plugin, After: checkBounds(t)}), t: t}
		owner := c.landing(30)
		islander := c.landing(12)
		met := c.Hosts()[7].record()
		islander.input(core.Contacts{Records: []gossipmembership.Record{met}, From: met.Peer})
		c.pass(10 * time.Second)
		it := owner.Publish(feedTopic, []byte("entry"))
		c.pass(5 * time.Second)
		if n := c.holders(it); n != 30 {
			t.Fatalf("%d hosts have the entry before the island has looked around, want the mainland's 30", n)
		}
		c.pass(8 * time.Second)
		next := owner.Publish(feedTopic, []byte("next entry"))
		c.pass(5 * time.Second)
		if n := c.holders(next); n != 42 {
			t.Errorf("%d hosts have an entry of 23 s after the start, want all 42", n)
		}
		if n := c.holders(it); n != 42 {
			t.Errorf("%d hosts have the first entry by then, want all 42", n)
		}
	})
}

// landing adds n hosts that know the first of them only, which it returns.
func (c *crowd) landing(n int) *Host {
	first := len(c.Hosts())
	for i := range n {
		h := c.Add()
		h.Join(feedTopic, c.Hosts()[0].ID())
		if i > 0 {
			h.Contact(c.Hosts()[first])
		}
		c.pass(time.Millisecond)
	}
	return c.Hosts()[first]
}

// holders counts the hosts that hold an item.
func (c *crowd) holders(it *protocol.Item) (n int) {
	for _, h := range c.Hosts() {
		if h.Holds(it) {
			n++
		}
	}
	return n
}
