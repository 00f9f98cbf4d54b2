package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

const demoHelp = `Shows on this computer alone what Quilt does. Four peers, each a process of its
own with a home of its own in a temporary directory, talk over 127.0.0.1: one
mirrors the feed of a news site into a feed of its own, the others follow it,
one of them crashes and catches up, the author crashes and the feed lives on.
Takes a few seconds, and leaves nothing behind.`

// Bounds of the demonstration: each step, and all of it (our guess).
const (
	demoStep = 12 * time.Second
	demoAll  = 90 * time.Second
)

// demoFeed is what the peers call the feed.
const demoFeed = "news"

func (a *app) demoCommand() *cli.Command {
	return &cli.Command{
		Name:        "demo",
		Usage:       "show it all at work on this computer alone",
		Description: demoHelp,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := wantArgs(cmd, 0, 0); err != nil {
				return err
			}
			return a.demo(ctx, cmd.Bool("json"))
		},
	}
}

// demo is one run of the demonstration.
type demo struct {
	a     *app
	json  bool
	begin time.Time
	dir   string

	mu      sync.Mutex
	peers   []*demoPeer
	names   map[string]string          // peer ID to name
	held    map[string]map[uint64]bool // name to numbers of the entries received
	arrived chan struct{}              // closed and replaced with each entry
}

// demo runs the demonstration and cleans up after it, however it ends.
func (a *app) demo(ctx context.Context, asJSON bool) (err error) {
	dir, err := os.MkdirTemp("", "quilt-demo-")
	if err != nil {
		return err
	}
	all, cancel := context.WithTimeout(ctx, demoAll)
	defer cancel()
	d := &demo{a: a, json: asJSON, begin: time.Now(), dir: dir, names: map[string]string{},
		held: map[string]map[uint64]bool{}, arrived: make(chan struct{})}
	defer func() {
		d.stopAll()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	site, err := newNewsSite()
	if err != nil {
		return err
	}
	defer site.close()
	err = d.story(all, site)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// story is what happens, told in order.
func (d *demo) story(ctx context.Context, site *newsSite) error {
	d.say("", "begin", "three peers on this computer, each a process of its own, and no server")
	alice, err := d.start(ctx, "alice")
	if err != nil {
		return err
	}
	bob, err := d.start(ctx, "bob", "--join", alice.ticket)
	if err != nil {
		return err
	}
	carol, err := d.start(ctx, "carol", "--join", alice.ticket)
	if err != nil {
		return err
	}
	if err := d.publishAndFollow(ctx, site, alice, bob, carol); err != nil {
		return err
	}
	if err := d.crashAndCatchUp(ctx, site, alice, bob, carol); err != nil {
		return err
	}
	return d.outliveTheAuthor(ctx, site, bob)
}

// publishAndFollow: alice mirrors a site, bob and carol follow.
func (d *demo) publishAndFollow(ctx context.Context, site *newsSite, alice, bob, carol *demoPeer) error {
	site.write(3)
	d.say("", "site", "a news site has 3 articles in its feed at %s", site.url())
	m, err := alice.client.AddMirror(ctx, control.MirrorRequest{Source: site.url(), Feed: demoFeed,
		Interval: control.Duration(time.Second)})
	if err != nil {
		return fmt.Errorf("alice cannot mirror the feed: %w", err)
	}
	if m.LastError != "" {
		return fmt.Errorf("alice cannot mirror the feed: %s", m.LastError)
	}
	d.say("alice", "mirror", "mirrors it into a feed of her own, %q: %s", demoFeed, clean(m.Address))
	if err := d.watch(ctx, alice); err != nil {
		return err
	}
	ticket, err := alice.client.Ticket(ctx, []string{demoFeed})
	if err != nil {
		return err
	}
	d.say("alice", "ticket", "hands out a ticket: %s", firstLine(ticket, 40))
	for _, p := range []*demoPeer{bob, carol} {
		if err := d.follow(ctx, p, ticket); err != nil {
			return err
		}
	}
	return d.wait(ctx, site.articles(), alice, bob, carol)
}

// crashAndCatchUp: carol is killed and misses what comes; then the author is
// killed; carol comes back and gets from bob what she missed.
func (d *demo) crashAndCatchUp(ctx context.Context, site *newsSite, alice, bob, carol *demoPeer) error {
	if err := d.acquaint(ctx, carol, 2); err != nil {
		return err
	}
	carol.kill()
	d.say("carol", "killed", "is killed, as by a power cut")
	site.write(2)
	d.say("", "site", "the news site writes 2 more articles")
	if err := d.wait(ctx, site.articles(), alice, bob); err != nil {
		return err
	}
	alice.kill()
	d.say("alice", "killed", "is killed too: the author of the feed is gone, for good")
	carol, err := d.start(ctx, "carol")
	if err != nil {
		return err
	}
	d.say("carol", "again", "is back, with what she had on disk and nobody's ticket")
	if err := d.watch(ctx, carol); err != nil {
		return err
	}
	if err := d.wait(ctx, site.articles(), carol); err != nil {
		return err
	}
	d.say("carol", "caught_up", "has caught up with what she missed")
	return nil
}

// acquaint waits until a peer has met as many others as given and has had the time
// to write down who they are: what it will know after a crash.
func (d *demo) acquaint(ctx context.Context, p *demoPeer, others int) error {
	ctx, cancel := context.WithTimeout(ctx, demoStep)
	defer cancel()
	for {
		peers, err := p.client.Peers(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return control.NewError(control.CodeTimeout, fmt.Sprintf("%s has not met %d others after %s", p.name, others, demoStep),
				"the computer may be too busy; if it happens again it is a bug, please report it")
		}
		if err != nil {
			return err
		}
		met := len(peers) >= others
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
		if met {
			d.say(p.name, "met", "has met %d others", len(peers))
			return nil
		}
	}
}

// outliveTheAuthor: dave, who never met alice, gets her whole feed.
func (d *demo) outliveTheAuthor(ctx context.Context, site *newsSite, bob *demoPeer) error {
	ticket, err := bob.client.Ticket(ctx, []string{demoFeed})
	if err != nil {
		return err
	}
	dave, err := d.start(ctx, "dave")
	if err != nil {
		return err
	}
	if err := d.follow(ctx, dave, ticket); err != nil {
		return err
	}
	if err := d.wait(ctx, site.articles(), dave); err != nil {
		return err
	}
	d.say("", "done", "bob, carol and dave have all %d entries, each signed by alice, who is gone", site.articles())
	if !d.json {
		p := d.a.text()
		p.f("\nNow in earnest: \"quilt-peer run\", and see \"quilt-peer --help\".\n")
		return p.err
	}
	return nil
}

// follow makes a peer follow the feed of a ticket, and watches it.
func (d *demo) follow(ctx context.Context, p *demoPeer, ticket string) error {
	if _, err := p.client.Follow(ctx, control.FollowRequest{Address: ticket, Name: demoFeed}); err != nil {
		return fmt.Errorf("%s cannot follow: %w", p.name, err)
	}
	d.say(p.name, "follow", "follows %q with the ticket", demoFeed)
	return d.watch(ctx, p)
}

// home is where a peer of the demonstration lives.
func (d *demo) home(name string) string { return filepath.Join(d.dir, name) }
