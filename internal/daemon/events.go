package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// maxTold bounds the daemon's own notices that wait for one watcher.
const maxTold = 64

// Events implements control.Daemon.
func (d *Daemon) Events(ctx context.Context) (control.Stream[control.Notice], error) {
	notices, end := d.n.Watch()
	own := make(chan control.Notice, maxTold)
	d.mu.Lock()
	d.told[own] = struct{}{}
	d.mu.Unlock()
	return func(yield func(control.Notice) bool) error {
		defer end()
		defer d.unwatch(own)
		for {
			var notice control.Notice
			select {
			case n, ok := <-notices:
				if !ok {
					return nil
				}
				notice = d.notice(n)
			case notice = <-own:
			case <-ctx.Done():
				return ctx.Err()
			}
			if !yield(notice) {
				return nil
			}
		}
	}, nil
}

func (d *Daemon) unwatch(own chan control.Notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.told, own)
}

// tell hands a notice of the daemon's own to all watchers with room.
func (d *Daemon) tell(n control.Notice) {
	n.Time = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.told {
		select {
		case c <- n:
		default:
		}
	}
}

// notice puts a node's notice into words.
func (d *Daemon) notice(n node.Notice) control.Notice {
	c := control.Notice{Time: n.Time, Topic: d.localName(n.Topic), Seq: n.Seq}
	if n.Peer != "" {
		c.Peer = n.Peer.String()
	}
	switch n.Kind {
	case node.PeerUp:
		c.Type, c.Text = control.NoticePeerUp, fmt.Sprintf("linked with %s", short(c.Peer))
	case node.PeerDown:
		c.Type, c.Text = control.NoticePeerDown, fmt.Sprintf("link with %s ended: %s", short(c.Peer), n.Text)
	case node.Stored, node.OwnStored:
		c.Type, c.ID = control.NoticeEntry, n.Item.Full()
		verb := "received"
		if n.Kind == node.OwnStored {
			c.Type, verb = control.NoticePublished, "published"
		}
		c.Text = fmt.Sprintf("%s %s %s", verb, c.Topic, number(n))
		c.Repaired = n.Repaired
		if n.Kind == node.Stored {
			c.Text += " from " + short(c.Peer)
		}
		if n.Repaired {
			c.Text += " (had been missed)"
		}
	case node.ForkSeen:
		c.Type, c.ID = control.NoticeFork, n.Item.Full()
		c.Text = fmt.Sprintf("FORK in %s: its author has signed two different entries %d (%s and %s)", c.Topic, n.Seq, n.Item, n.Other)
	default:
		c.Type, c.Text = control.NoticeWarning, n.Text
	}
	return c
}

// number is how a person tells items apart: by the number in a feed, by the ID in
// an open topic, where the number is a clock.
func number(n node.Notice) string {
	if n.Seq < 1<<40 {
		return fmt.Sprintf("entry %d", n.Seq)
	}
	return "item " + n.Item.String()
}

// short is a peer ID's end, which is where they differ.
func short(id string) string {
	if len(id) <= 8 {
		return id
	}
	return "…" + id[len(id)-8:]
}

// localName is what a topic is called here.
func (d *Daemon) localName(topicName string) string {
	for _, f := range d.n.Feeds() {
		if f.Address == topicName {
			return f.Name
		}
	}
	return topicName
}
