package node_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/quilt-p2p/quilt/node"
)

// newPeer starts a peer that only this machine can reach.
func newPeer(ctx context.Context, opts ...node.Option) *node.Node {
	n, err := node.New(ctx, append(opts, node.WithListen(node.LoopbackListen...))...)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// subscribe joins a topic and reads it.
func subscribe(n *node.Node, name string) (*node.Topic, *node.Subscription) {
	topic, err := n.Join(name)
	if err != nil {
		log.Fatal(err)
	}
	sub, err := topic.Subscribe()
	if err != nil {
		log.Fatal(err)
	}
	return topic, sub
}

// Two peers in one process exchange a message over loopback.
func Example() {
	ctx := context.Background()
	alice := newPeer(ctx)
	defer alice.Close()
	ticket, err := alice.Ticket() // how others find her; it contains no secret
	if err != nil {
		log.Fatal(err)
	}
	bob := newPeer(ctx, node.WithTickets(ticket))
	defer bob.Close()

	_, sub := subscribe(bob, "greetings")
	topic, err := alice.Join("greetings")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := topic.Publish(ctx, []byte("hello, Bob")); err != nil {
		log.Fatal(err)
	}
	msg, err := sub.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", msg.Payload)
	// Output: hello, Bob
}

// A feed has one author, who signs each entry together with the one before it, so
// that every reader sees what is missing. Here Carol, who has little room on her
// disk, carries Alice's feed but not the photograph in it. Bob reads the feed while
// Alice is away.
func Example_feedWithGaps() {
	ctx := context.Background()
	alice := newPeer(ctx)
	feed, err := alice.NewFeed("diary")
	if err != nil {
		log.Fatal(err)
	}
	diary, err := alice.Join(feed.Address)
	if err != nil {
		log.Fatal(err)
	}
	ticket, err := alice.Ticket(feed.Address)
	if err != nil {
		log.Fatal(err)
	}
	carol := newPeer(ctx, node.WithTickets(ticket), node.WithStoreLimit(64<<10))
	defer carol.Close()
	if _, err := carol.Follow(feed.Address, "alice"); err != nil {
		log.Fatal(err)
	}
	carried := node.WithWait(1) // return when one other peer has stored it
	for _, p := range []struct {
		data []byte
		opts []node.PublishOption
	}{
		{[]byte("We set out."), []node.PublishOption{carried}},
		{make([]byte, 100<<10), []node.PublishOption{node.WithContentType("image/jpeg")}},
		{[]byte("We are back."), []node.PublishOption{carried}},
	} {
		if _, err := diary.Publish(ctx, p.data, p.opts...); err != nil {
			log.Fatal(err)
		}
	}
	if err := alice.Close(); err != nil {
		log.Fatal(err)
	}

	if ticket, err = carol.Ticket(feed.Address); err != nil {
		log.Fatal(err)
	}
	bob := newPeer(ctx, node.WithTickets(ticket), node.WithPatience(2*time.Second))
	defer bob.Close()
	_, sub := subscribe(bob, feed.Address)
	for range 3 {
		msg, err := sub.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		switch msg.Kind {
		case node.Item:
			fmt.Printf("entry %d: %s\n", msg.Seq, msg.Payload)
		case node.Gap:
			fmt.Printf("entries %d to %d are missing\n", msg.First, msg.Last)
		case node.Fork:
			fmt.Printf("entry %d exists twice: who is the author?\n", msg.Seq)
		}
	}
	// Output:
	// entry 1: We set out.
	// entries 2 to 2 are missing
	// entry 3: We are back.
}
