package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

const feedHelp = `A feed is a topic that one author owns: only entries signed with its key are
accepted, they are numbered, and each names the one before it, so a reader can
tell when one is missing. Its address is made from its key.

   quilt-peer feed new alice          make a feed
   quilt-peer ticket --feed alice     invite a reader to it
   quilt-peer feed follow TICKET      what the reader does`

func (a *app) feedCommand() *cli.Command {
	return &cli.Command{
		Name:        "feed",
		Usage:       "make, follow and mirror feeds",
		Description: feedHelp,
		Commands: []*cli.Command{
			{
				Name: "new", Usage: "make a feed with a key of its own", ArgsUsage: "NAME",
				Description: "NAME is what you call the feed on this computer. Others see its address only,\nand call it what they like.",
				Action:      a.quick(1, 1, a.feedNew),
			},
			{
				Name: "list", Usage: "list own and followed feeds",
				Action: a.quick(0, 0, a.feedList),
			},
			{
				Name: "follow", Usage: "keep a feed here: receive, store and pass on its entries", ArgsUsage: "ADDRESS|TICKET",
				Description: "A ticket brings along the addresses of peers that have the feed.\nAn address alone is enough where such a peer is known already.",
				Flags:       []cli.Flag{&cli.StringFlag{Name: "name", Usage: "call it `NAME` on this computer"}},
				Action:      a.quick(1, 1, a.feedFollow),
			},
			{
				Name: "unfollow", Usage: "no longer keep a feed here", ArgsUsage: "NAME|ADDRESS",
				Action: a.quick(1, 1, func(ctx context.Context, cmd *cli.Command, c daemon) error {
					return c.Unfollow(ctx, cmd.Args().First())
				}),
			},
			a.mirrorCommand(),
		},
	}
}

func (a *app) feedNew(ctx context.Context, cmd *cli.Command, c daemon) error {
	name := cmd.Args().First()
	if err := control.CheckName(name); err != nil {
		return err
	}
	f, err := c.NewFeed(ctx, name)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printJSON(f)
	}
	p := a.text()
	p.f("feed %s is made\n\n  address  %s\n\n", f.Name, f.Address)
	p.f("Publish to it:    quilt-peer pub %s \"Hello.\"\n", f.Name)
	p.f("Invite a reader:  quilt-peer ticket --feed %s\n", f.Name)
	return p.err
}

func (a *app) feedList(ctx context.Context, cmd *cli.Command, c daemon) error {
	feeds, err := c.Feeds(ctx)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printEach(len(feeds), func(i int) any { return feeds[i] })
	}
	p := a.text()
	if len(feeds) == 0 {
		p.f("no feeds yet: \"quilt-peer feed new NAME\" makes one, \"quilt-peer feed follow ADDRESS\" follows one\n")
		return p.err
	}
	rows := [][]string{{"NAME", "KIND", "ENTRIES", "LAST", "MISSING", "PEERS", "ADDRESS", ""}}
	for _, f := range feeds {
		rows = append(rows, []string{f.Name, kindOf(f), num(f.Entries), "#" + num(f.Last), num(f.Missing),
			num(f.Neighbours), f.Address, yes(f.Forked, "FORKED")})
	}
	p.table(rows)
	return p.err
}

// kindOf says whose feed it is.
func kindOf(f control.FeedInfo) string {
	switch {
	case f.Mirror != "":
		return "mirror"
	case f.Own:
		return control.KindOwn
	}
	return control.KindFollowed
}

func (a *app) feedFollow(ctx context.Context, cmd *cli.Command, c daemon) error {
	req := control.FollowRequest{Address: cmd.Args().First(), Name: cmd.String("name")}
	if err := req.Check(); err != nil {
		return err
	}
	feeds, err := c.Follow(ctx, req)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printEach(len(feeds), func(i int) any { return feeds[i] })
	}
	p := a.text()
	for _, f := range feeds {
		p.f("following %s\n\n  address  %s\n\nRead it:  quilt-peer sub %s\n", clean(f.Name), clean(f.Address), clean(f.Name))
	}
	return p.err
}

// printEach prints one object a line.
func (a *app) printEach(n int, at func(i int) any) error {
	for i := range n {
		if err := a.printJSON(at(i)); err != nil {
			return err
		}
	}
	return nil
}
