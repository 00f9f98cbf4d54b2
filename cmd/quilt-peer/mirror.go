package main

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

const mirrorHelp = `Reads an RSS, Atom or JSON Feed document and publishes its items, the oldest
first, into a feed of yours, which is made if there is none of that name. The
peer looks for new items again and again, also after it was started anew. No
item is published twice.

   quilt-peer feed mirror https://example.org/feed.xml --to news
   quilt-peer feed mirror feed.xml --to news --once
   quilt-peer feed mirror --stop news
   quilt-peer feed mirror                  (lists what is mirrored)`

func (a *app) mirrorCommand() *cli.Command {
	return &cli.Command{
		Name: "mirror", Usage: "publish what an RSS, Atom or JSON Feed document has", ArgsUsage: "[URL|FILE]",
		Description: mirrorHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "publish into the own feed `NAME`"},
			&cli.DurationFlag{Name: "interval", Usage: "look again every `D`; at least 1s", Value: 5 * time.Minute},
			&cli.BoolFlag{Name: "once", Usage: "look only now"},
			&cli.StringFlag{Name: "stop", Usage: "no longer mirror into the feed `NAME`"},
		},
		// A document's server may be slow: no hurry.
		Action: a.mirror,
	}
}

func (a *app) mirror(ctx context.Context, cmd *cli.Command) error {
	stop, source, to := cmd.String("stop"), cmd.Args().First(), cmd.String("to")
	switch {
	case stop != "" && (source != "" || to != ""):
		return usageError("--stop takes no document", "give the feed's name only")
	case stop != "":
		return a.quick(0, 0, func(ctx context.Context, _ *cli.Command, c daemon) error {
			return c.RemoveMirror(ctx, stop)
		})(ctx, cmd)
	case source == "" && to == "":
		return a.quick(0, 0, a.mirrorList)(ctx, cmd)
	}
	return a.mirrorAdd(ctx, cmd)
}

func (a *app) mirrorAdd(ctx context.Context, cmd *cli.Command) error {
	if err := wantArgs(cmd, 1, 1); err != nil {
		return err
	}
	interval := cmd.Duration("interval")
	if interval < time.Second {
		return usageError("an interval of "+interval.String()+" is too short", "give at least 1s")
	}
	if cmd.String("to") == "" {
		return usageError("it is not said into which feed", "add --to NAME")
	}
	req := control.MirrorRequest{Source: cmd.Args().First(), Feed: cmd.String("to"),
		Interval: control.Duration(interval), Once: cmd.Bool("once")}
	if err := req.Check(); err != nil {
		return err
	}
	if !isURL(req.Source) {
		path, err := absPath(req.Source)
		if err != nil {
			return err
		}
		req.Source = path
	}
	c, err := a.client(cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	m, err := c.AddMirror(ctx, req)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printJSON(m)
	}
	p := a.text()
	p.f("%s from %s published in %s\n", count(m.Published, "entry", "entries"), clean(m.Source), m.Feed)
	if m.LastError != "" {
		p.f("it could not be read this time: %s\n", clean(m.LastError))
	}
	if !req.Once {
		p.f("looking again every %s; \"quilt-peer feed mirror --stop %s\" ends it\n", time.Duration(m.Interval), m.Feed)
	}
	p.f("\n  address  %s\n", m.Address)
	return p.err
}

// isURL tells a URL from a file's name.
func isURL(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

func (a *app) mirrorList(ctx context.Context, cmd *cli.Command, c daemon) error {
	mirrors, err := c.Mirrors(ctx)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return a.printEach(len(mirrors), func(i int) any { return mirrors[i] })
	}
	p := a.text()
	if len(mirrors) == 0 {
		p.f("nothing is mirrored: \"quilt-peer feed mirror URL --to NAME\" begins\n")
		return p.err
	}
	p.table(mirrorRows(mirrors))
	return p.err
}

func mirrorRows(mirrors []control.MirrorInfo) [][]string {
	rows := [][]string{{"MIRROR", "EVERY", "PUBLISHED", "LOOKED", "SOURCE", "LAST ERROR"}}
	for _, m := range mirrors {
		looked := "never"
		if !m.LastPoll.IsZero() {
			looked = when(m.LastPoll)
		}
		rows = append(rows, []string{m.Feed, time.Duration(m.Interval).String(), num(m.Published), looked,
			clean(m.Source), clean(m.LastError)})
	}
	return rows
}
