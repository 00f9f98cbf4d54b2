// Package node is a running Quilt peer, for a program that embeds one: it drives
// the pure core over real links and a real disk. The shape is that of
// go-libp2p-pubsub:
//
//	n, err := node.New(ctx, node.WithHome(dir))
//	topic, err := n.Join("news")
//	sub, err := topic.Subscribe()
//	topic.Publish(ctx, []byte("hello"))
//	msg, err := sub.Next(ctx)
//
// What differs: Publish returns when the item is safe on this host's disk;
// a subscription reads from the store, so a slow reader loses nothing and one
// that comes late can begin at the beginning; and a topic is either open or a
// feed, owned by one author, whose entries come in the author's order with gaps
// and forks reported.
//
// # Inside
//
// One goroutine (loop.go) owns the core. Reading, decoding, signature checks
// (verify.go), disk (internal/store) and streaming from disk (serve.go) run
// around it and talk to it by inputs; what it wants done (effects.go) never makes
// it wait.
package node
