package node

import (
	"fmt"
	"testing"
)

// TestMulticast: peers without any link to each other hear each other by multicast,
// long items too, in both directions, and unlinked is unlinked: it came no other way.
func TestMulticast(t *testing.T) {
	on := WithMulticast(Multicast{Interfaces: []string{"lo"}, Secret: []byte(t.Name())})
	var topics []*Topic
	var subs []*Subscription
	var nodes []*Node
	for range 3 {
		n := start(t, t.TempDir(), on)
		nodes = append(nodes, n)
		topics = append(topics, join(t, n, "talk"))
		subs = append(subs, subscribe(t, topics[len(topics)-1]))
	}
	for i := range 30 {
		text := fmt.Sprintf("item %d: %0*d", i, 1+i*3000, 7)
		publish(t, topics[i%3], text)
		for k, sub := range subs {
			if m := next(t, sub); string(m.Payload) != text {
				t.Fatalf("peer %d reads %.20q, want %.20q", k, m.Payload, text)
			}
		}
	}
	for i, n := range nodes {
		if len(n.links.Host().Network().Peers()) > 0 {
			t.Errorf("peer %d has links", i)
		}
		if c := n.MulticastCounters(); c.Heard == 0 || c.Forged != 0 || c.SendDropped != 0 {
			t.Errorf("peer %d: %+v", i, c)
		}
	}
}

// TestMulticastForged: what somebody sends to the group who does not know its secret
// is counted, and nothing comes of it.
func TestMulticastForged(t *testing.T) {
	a := start(t, t.TempDir(), WithMulticast(Multicast{Interfaces: []string{"lo"}, Secret: []byte("one")}))
	b := start(t, t.TempDir(), WithMulticast(Multicast{Interfaces: []string{"lo"}, Secret: []byte("another")}))
	join(t, a, "talk")
	publish(t, join(t, b, "talk"), "hello")
	await(t, "the forged packet", func() bool { return a.MulticastCounters().Forged > 0 })
	if c := a.MulticastCounters(); c.Heard > c.Sent {
		t.Errorf("%+v", c) // its own come back
	}
}
