package daemon

import (
	"context"
	"fmt"
	"strings"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// NewFeed implements control.Daemon.
func (d *Daemon) NewFeed(_ context.Context, name string) (control.FeedInfo, error) {
	f, err := d.n.NewFeed(name)
	if err != nil {
		return control.FeedInfo{}, Explain(err)
	}
	d.tell(control.Notice{Type: control.NoticeTopic, Topic: f.Name, Text: fmt.Sprintf("made feed %s", f.Name)})
	return d.feedInfo(f, node.Status{})
}

// Feeds implements control.Daemon.
func (d *Daemon) Feeds(context.Context) ([]control.FeedInfo, error) {
	st, err := d.n.Status()
	if err != nil {
		return nil, Explain(err)
	}
	list := []control.FeedInfo{}
	for _, f := range d.n.Feeds() {
		info, err := d.feedInfo(f, st)
		if err != nil {
			return nil, Explain(err)
		}
		list = append(list, info)
	}
	return list, nil
}

// feedInfo says what is held of a feed.
func (d *Daemon) feedInfo(f node.Feed, st node.Status) (control.FeedInfo, error) {
	info := control.FeedInfo{Name: f.Name, Address: f.Address, Own: f.Own}
	h, err := d.n.Held(f.Address)
	if err != nil {
		return info, err
	}
	for i, r := range h.Ranges {
		if i == 0 {
			info.First = r.First
		}
		info.Entries += r.Last - r.First + 1
		info.Last = r.Last
	}
	if info.Last > 0 {
		info.Missing = info.Last - info.First + 1 - info.Entries
	}
	for _, t := range st.Topics {
		if t.Name == f.Address {
			info.Neighbours = t.Neighbours
		}
	}
	for _, t := range st.Store.Topics {
		if t.Name == f.Address {
			info.Forked = t.Evidence > 0
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.mirrors[f.Name]; m != nil {
		info.Mirror = m.mirror.Source()
	}
	return info, nil
}

// Follow implements control.Daemon.
func (d *Daemon) Follow(_ context.Context, req control.FollowRequest) ([]control.FeedInfo, error) {
	addresses := []string{strings.TrimSpace(req.Address)}
	if _, isFeed := feed.Owner(addresses[0]); !isFeed {
		topics, err := d.n.AddTicket(req.Address)
		if err != nil {
			return nil, Explain(err)
		}
		addresses = nil
		for _, t := range topics {
			if _, isFeed := feed.Owner(t); isFeed {
				addresses = append(addresses, t)
			}
		}
		switch {
		case len(addresses) == 0:
			return nil, control.NewError(control.CodeRefused, "the ticket names no feed",
				`ask for one made with "quilt-peer ticket --feed NAME", or give the feed's address`)
		case len(addresses) > 1 && req.Name != "":
			return nil, control.NewError(control.CodeUsage, "the ticket names several feeds, which cannot share one name", "leave the name out")
		}
	}
	list := []control.FeedInfo{}
	for _, a := range addresses {
		f, err := d.n.Follow(a, req.Name)
		if err != nil {
			return nil, Explain(err)
		}
		d.tell(control.Notice{Type: control.NoticeTopic, Topic: f.Name, Text: fmt.Sprintf("follows %s", f.Name)})
		info, err := d.feedInfo(f, node.Status{})
		if err != nil {
			return nil, Explain(err)
		}
		list = append(list, info)
	}
	return list, nil
}

// Unfollow implements control.Daemon.
func (d *Daemon) Unfollow(_ context.Context, name string) error {
	return Explain(d.n.Unfollow(name))
}
