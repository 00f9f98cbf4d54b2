package bench

import (
	"context"
	"testing"

	"github.com/quilt-p2p/quilt/node"
)

// newPeer starts a peer with its store on disk.
func newPeer(b *testing.B, listen string, tickets ...string) *node.Node {
	b.Helper()
	n, err := node.New(context.Background(), node.WithHome(b.TempDir()), node.WithListen(listen), node.WithTickets(tickets...))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// newQuilt starts peers that know the first one, and lets them read a topic from
// now on: a feed of the first one's, or an open topic.
func newQuilt(b *testing.B, peers int, listen string, owned bool) *network {
	b.Helper()
	first := newPeer(b, listen)
	ticket, err := first.Ticket()
	if err != nil {
		b.Fatal(err)
	}
	nodes := []*node.Node{first}
	for len(nodes) < peers {
		nodes = append(nodes, newPeer(b, listen, ticket))
	}
	name := "bench"
	if owned {
		f, err := first.NewFeed("bench")
		if err != nil {
			b.Fatal(err)
		}
		name = f.Address
	}
	net := &network{
		copies: func() uint64 { return received(b, nodes) },
		close: func() {
			for _, n := range nodes {
				_ = n.Close()
			}
		},
	}
	for i, n := range nodes {
		topic, err := n.Join(name)
		if err != nil {
			b.Fatal(err)
		}
		sub, err := topic.Subscribe()
		if err != nil {
			b.Fatal(err)
		}
		net.next = append(net.next, func(ctx context.Context) (int, error) {
			m, err := sub.Next(ctx)
			if err != nil {
				return 0, err
			}
			return len(m.Payload), nil
		})
		if i == 0 {
			net.publish = func(ctx context.Context, data []byte) error {
				_, err := topic.Publish(ctx, data)
				return err
			}
		}
	}
	await(b, "neighbours", func() bool { return minNeighbours(b, nodes) >= min(3, peers-1) })
	return net
}

// minNeighbours is the least number of neighbours of any peer in its topic.
func minNeighbours(b *testing.B, nodes []*node.Node) int {
	least := len(nodes)
	for _, n := range nodes {
		for _, t := range topics(b, n) {
			least = min(least, t.Neighbours)
		}
	}
	return least
}

// received is how many copies of items came to peers.
func received(b *testing.B, nodes []*node.Node) (sum uint64) {
	for _, n := range nodes {
		for _, t := range topics(b, n) {
			sum += t.Stats.Received
		}
	}
	return sum
}

func topics(b *testing.B, n *node.Node) []node.TopicStatus {
	st, err := n.Status()
	if err != nil {
		b.Fatal(err)
	}
	return st.Topics
}
