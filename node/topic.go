package node

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// Topic is a topic this peer takes part in: it carries the topic's items for
// others, stores them, and can publish and read.
type Topic struct {
	n     *Node
	id    protocol.TopicID
	name  string
	owner protocol.PeerID // empty: open topic

	publish chan *publication
	quit    chan struct{} // closed by Leave
	done    chan struct{} // closed when nothing is published any more
	joined  protocol.Time
	waited  time.Duration // see catchUp

	mu    sync.Mutex
	wakes map[*Subscription]chan struct{}
}

// Name is the topic's name as it is signed.
func (t *Topic) Name() string { return t.name }

// Owner is the only author of an owned feed, and empty for an open topic.
func (t *Topic) Owner() protocol.PeerID { return t.owner }

// metaTopics is where the store remembers the topics joined.
const metaTopics = "topics"

// Join takes part in a topic, now and after every restart until Leave: an open
// topic by its name, an owned feed by its address. Joining again returns the same
// Topic.
func (n *Node) Join(name string) (*Topic, error) {
	if err := feed.CheckTopicName(name); err != nil {
		return nil, fmt.Errorf("topic name %q: %w", name, err)
	}
	n.joining.Lock()
	defer n.joining.Unlock()
	if t, err := n.mayJoin(name); t != nil || err != nil {
		return t, err
	}
	if err := n.store.SetMeta(metaTopics, name, []byte{1}); err != nil {
		return nil, fmt.Errorf("remembering topic %q: %w", name, n.orClosed(err))
	}
	return n.join(name)
}

// mayJoin returns the topic if it is joined already, and why it cannot be joined.
func (n *Node) mayJoin(name string) (*Topic, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch t := n.topics[protocol.TopicOf(name)]; {
	case n.closed():
		return nil, ErrClosed
	case t != nil:
		return t, nil
	case len(n.topics) >= core.MaxTopics:
		return nil, fmt.Errorf("topic %q: a peer carries at most %d topics; leave one first", name, core.MaxTopics)
	}
	return nil, nil
}

// join takes part in a topic without remembering it. n.joining is held.
func (n *Node) join(name string) (*Topic, error) {
	if t, err := n.mayJoin(name); t != nil || err != nil {
		return t, err
	}
	owner, _ := feed.Owner(name)
	t := &Topic{
		n: n, id: protocol.TopicOf(name), name: name, owner: owner,
		publish: make(chan *publication, maxPublishQueue),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		joined:  n.now(),
		wakes:   make(map[*Subscription]chan struct{}),
	}
	in, err := t.holdings()
	if err != nil {
		return nil, fmt.Errorf("reading what is stored of topic %q: %w", name, n.orClosed(err))
	}
	n.tell(in) // before anybody can publish
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed() {
		return nil, ErrClosed
	}
	n.topics[t.id] = t
	n.wg.Add(1)
	go t.publisher()
	return t, nil
}

// holdings reads what the store has, for the core to offer and to complete.
func (t *Topic) holdings() (core.Join, error) {
	in := core.Join{Name: t.name, Owner: t.owner}
	if err := t.holdsLarge(&in); err != nil {
		return in, err
	}
	if t.owner == "" {
		keys, err := t.n.store.Keys(t.id, antientropy.MaxKeys)
		for _, k := range keys {
			in.Keys = append(in.Keys, antientropy.Key{Bucket: antientropy.BucketOf(k.Seq), ID: k.ID})
		}
		if err != nil {
			return in, err
		}
		last, _, err := t.n.store.Last(t.id, t.n.author.id)
		t.n.author.used(last.Seq)
		return in, err
	}
	h, err := t.n.store.Holdings(t.id, t.owner)
	for i, r := range h.Ranges {
		run := antientropy.Run{Range: antientropy.Range{First: r.First, Last: r.Last}}
		if i == 0 {
			run.Head = h.Head
		}
		in.Held = append(in.Held, run)
	}
	return in, err
}

// Leave takes no further part in the topic. What is stored of it stays until it is
// joined again or removed.
func (t *Topic) Leave() error {
	n := t.n
	n.joining.Lock()
	defer n.joining.Unlock()
	n.mu.Lock()
	known := n.topics[t.id] == t
	if known {
		delete(n.topics, t.id)
	}
	n.mu.Unlock()
	if !known {
		return nil
	}
	close(t.quit)
	<-t.done // what is being published still belongs to the topic
	n.tell(core.Leave{Topic: t.id})
	return n.orClosed(n.store.SetMeta(metaTopics, t.name, nil))
}

// rejoin joins the topics of an earlier run.
func (n *Node) rejoin() error {
	if err := n.loadFeeds(); err != nil {
		return err
	}
	entries, err := n.store.MetaEntries(metaTopics)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Key)
	}
	for _, f := range n.Feeds() {
		names = append(names, f.Address) // joined already, but after a crash in between
	}
	n.joining.Lock()
	defer n.joining.Unlock()
	var errs []error
	for _, name := range names {
		_, err := n.join(name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// deliver wakes the readers of an item's topic: it is on disk.
func (n *Node) deliver(e protocol.Deliver) {
	n.mu.Lock()
	t := n.topics[e.Item.Topic]
	n.mu.Unlock()
	if t != nil {
		t.wakeAll()
		n.noticeItem(t, e)
	}
}

// wakeAll wakes all readers.
func (t *Topic) wakeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.wakes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Resolve turns what a person calls a topic into its name: the local name of a
// feed, a feed's address, or the name of an open topic, which a leading "#" sets
// apart from a feed's.
func (n *Node) Resolve(s string) (string, error) {
	if open, ok := strings.CutPrefix(s, "#"); ok {
		return open, feed.CheckTopicName(open)
	}
	n.mu.Lock()
	f, ok := n.feeds[s]
	n.mu.Unlock()
	if ok {
		return f.Address, nil
	}
	return s, feed.CheckTopicName(s)
}
