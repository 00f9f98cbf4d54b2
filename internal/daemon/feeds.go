package daemon

import (
	"context"
	"fmt"
	"strings"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/gossipmembership"
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
	_, isFeed := feed.Owner(addresses[0])
	if !isFeed {
		var err error
		if addresses, err = feedsOf(req); err != nil {
			return nil, Explain(err)
		}
	}
	list := []control.FeedInfo{}
	for _, a := range addresses {
		address, suggested := node.SplitSuggestion(a)
		name := req.Name
		if name == "" && d.free(suggested) {
			name = suggested
		}
		f, err := d.n.Follow(address, name)
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
	if !isFeed { // only now: the ticket's peers are members of what was just joined
		if _, err := d.n.AddTicket(req.Address); err != nil {
			return nil, Explain(err)
		}
	}
	return list, nil
}

// feedsOf returns the addresses of the feeds that a ticket names.
func feedsOf(req control.FollowRequest) ([]string, error) {
	ticket, err := gossipmembership.ParseTicket(req.Address)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, t := range ticket.Topics {
		address, _ := node.SplitSuggestion(t)
		if _, isFeed := feed.Owner(address); isFeed {
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
	return addresses, nil
}

// Unfollow implements control.Daemon.
func (d *Daemon) Unfollow(_ context.Context, name string) error {
	return Explain(d.n.Unfollow(name))
}

// free reports whether a suggested name can be given to a feed.
func (d *Daemon) free(name string) bool {
	if control.CheckName(name) != nil {
		return false
	}
	for _, f := range d.n.Feeds() {
		if f.Name == name {
			return false
		}
	}
	return true
}
