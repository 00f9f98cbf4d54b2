package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// fourSites has two hosts each in a data centre and in two homes, and two behind a
// firewall: all of them can dial out to the data centre, which alone can be called.
const fourSites = `
site dc     lan       hosts=a1,a2 path=edge,carrier
site home1  cone      hosts=c1,c2 path=access1,*,city
site home2  symmetric hosts=d1,d2 path=access2,city
site office firewall  hosts=f1,f2 path=access3
link default delay=20ms loss=1%
`

// stage builds a lab from text.
func stage(t *testing.T, text string) *lab.Lab {
	t.Helper()
	n, err := lab.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return lab.Stage(t, n, lab.Options{})
}

// run starts a peer on a host of a lab.
func run(t *testing.T, ctx context.Context, h *lab.Host, ticket string) *lab.Peer {
	t.Helper()
	c := lab.PeerConfig{Program: binary}
	if ticket != "" {
		c.Args = []string{"--join", ticket}
	}
	p, err := h.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publish publishes n entries and returns how many the feed has.
func publish(t *testing.T, ctx context.Context, p *lab.Peer, address string, from, n uint64) uint64 {
	t.Helper()
	for i := from; i < from+n; i++ {
		body := control.NewBody(fmt.Appendf(nil, "entry %d", i))
		if _, err := p.Publish(ctx, control.PublishRequest{Topic: address, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	return from + n
}

// allHave waits until every host's peer has n entries of a feed.
func allHave(t *testing.T, ctx context.Context, l *lab.Lab, hosts []*lab.Host, address string, n uint64) time.Duration {
	t.Helper()
	begin := time.Now()
	err := lab.Everywhere(hosts, func(h *lab.Host) error {
		var have uint64
		err := lab.Until(ctx, func() (bool, error) {
			feeds, err := h.Peer().Feeds(ctx)
			if i := slices.IndexFunc(feeds, func(f control.FeedInfo) bool { return f.Address == address }); i >= 0 {
				have = feeds[i].Entries
			}
			return have >= n, err
		})
		if err != nil {
			return errors.Join(fmt.Errorf("has %d of %d entries; its log: %s", have, n, h.Peer().Log()), err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v; between sites: %+v", err, l.Counts())
	}
	return time.Since(begin)
}

// TestLab: real processes on a network with NATs, a firewall, delay and loss. All
// get everything, those who cannot be called included, also after the site of the
// only public peers was cut off, after a NAT forgot its flows, and after one lost
// its power and came back.
func TestLab(t *testing.T) {
	entries := uint64(20)
	if os.Getenv("QUILT_LONG") != "" {
		entries = 200
	}
	l := stage(t, fourSites)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()

	begin := time.Now()
	first := run(t, ctx, l.Host("a1"), "")
	err := lab.Everywhere(l.Hosts()[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	author := l.Host("f1").Peer() // cannot be called
	feed, err := author.NewFeed(ctx, "news")
	if err != nil {
		t.Fatal(err)
	}
	err = lab.Everywhere(l.Hosts(), func(h *lab.Host) error {
		_, err := h.Peer().Follow(ctx, control.FollowRequest{Address: feed.Address})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("8 peers started and followed in %v", time.Since(begin).Round(time.Millisecond))

	have := uint64(0)
	check := func(what string) {
		t.Helper()
		took := allHave(t, ctx, l, l.Hosts(), feed.Address, have)
		t.Logf("%s: all 8 have %d entries %v later", what, have, took.Round(time.Millisecond))
	}
	have = publish(t, ctx, author, feed.Address, have, entries)
	check("published")

	l.Partition("dc")
	have = publish(t, ctx, author, feed.Address, have, entries)
	allHave(t, ctx, l, []*lab.Host{l.Host("f1"), l.Host("f2")}, feed.Address, have)
	l.Restore()
	check("the data centre was cut off meanwhile")

	if err := errors.Join(l.Rebind("home1"), l.Rebind("home2")); err != nil {
		t.Fatal(err)
	}
	have = publish(t, ctx, author, feed.Address, have, entries)
	check("the NATs had forgotten their flows")

	if err := l.Host("a2").PowerOff(); err != nil {
		t.Fatal(err)
	}
	l.Host("c2").Peer().Kill()
	have = publish(t, ctx, author, feed.Address, have, entries)
	if err := l.Host("a2").PowerOn(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a2", "c2"} {
		run(t, ctx, l.Host(name), "") // they know others from before
	}
	check("two were dead meanwhile")
	t.Logf("between sites: %+v", l.Counts())
}
