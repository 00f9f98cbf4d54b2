package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

const subHelp = `Prints the entries of a topic, those held here first, then each new one as it
comes, every author's in the author's order. If some are missing, or an author
signed two different entries under one number, that is said on standard error
where it belongs.

TOPIC is as in "quilt-peer pub"; a feed's address works too. Reading an open
topic joins it.

   quilt-peer sub alice
   quilt-peer sub alice --since now
   quilt-peer sub alice --since 17 --count 1 --raw > photo.jpg
   quilt-peer sub alice --since 24h --json
   quilt-peer sub alice --files ~/Downloads

An entry may name a file, which comes in pieces beside it; standard error shows how
far it is. With --files DIR files are written there as soon as they are here in full,
under names that are made safe, never over what is there. --raw prints a file's bytes
then. With --json there are lines of type "progress" and "file".

It ends after --count entries, after --timeout, or by Ctrl-C. If --count entries
did not come in time the exit code is 4.`

func (a *app) subCommand() *cli.Command {
	return &cli.Command{
		Name:        "sub",
		Usage:       "print the entries of a topic as they come",
		ArgsUsage:   "TOPIC",
		Description: subHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "begin at `WHERE`: all, now, an entry's number, or a duration back", Value: "all"},
			&cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "end after `N` entries"},
			&cli.DurationFlag{Name: "timeout", Usage: "end after `D`, such as 10s"},
			&cli.StringFlag{Name: "files", Usage: "write the files that entries name into `DIR`", TakesFile: true},
			&cli.BoolFlag{Name: "raw", Usage: "print the entries' bytes and nothing else; a line break ends each of several"},
		},
		Action: a.sub,
	}
}

func (a *app) sub(ctx context.Context, cmd *cli.Command) error {
	if err := wantArgs(cmd, 1, 1); err != nil {
		return err
	}
	if cmd.Bool("raw") && cmd.Bool("json") {
		return usageError("--raw and --json contradict each other", "leave one of them out")
	}
	req := control.SubscribeRequest{Topic: cmd.Args().First(), Since: cmd.String("since"), Count: cmd.Int("count"), Files: true}
	if err := req.Check(); err != nil {
		return err
	}
	c, err := a.client(cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	files, err := a.newFiles(cmd, c)
	if err != nil {
		return err
	}
	reading := ctx
	if d := cmd.Duration("timeout"); d > 0 {
		var cancel context.CancelFunc
		reading, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	n, coming := 0, 0
	err = a.readTopic(reading, c, req, func(e control.Event) error {
		switch {
		case e.Type == control.EventEntry:
			files.show.clear()
			n++
			if e.File != nil {
				coming++
			}
		case e.Type == control.EventProgress && e.File != nil:
			files.progress(e)
		case e.Type == control.EventFile && e.File != nil:
			coming--
			if err := files.here(reading, e); err != nil {
				return err
			}
		}
		return a.printEvent(cmd, e)
	})
	switch {
	case reading.Err() == nil || err != nil && !errors.Is(err, reading.Err()):
		return err
	case n >= req.Count && (req.Count == 0 || coming == 0): // 0 and 0 where no end was given
		return nil
	case ctx.Err() != nil:
		return errInterrupted
	}
	if n >= req.Count {
		return control.NewError(control.CodeTimeout,
			fmt.Sprintf("%s did not come in full within %s", count(coming, "file", "files"), cmd.Duration("timeout")),
			"what has come is kept: call it again")
	}
	return control.NewError(control.CodeTimeout,
		fmt.Sprintf("%d of %s came within %s", n, count(req.Count, "entry", "entries"), cmd.Duration("timeout")),
		`wait longer, or see "quilt-peer status"`)
}

// readTopic calls each with what comes, until that fails or the stream ends.
func (a *app) readTopic(ctx context.Context, c daemon, req control.SubscribeRequest, each func(control.Event) error) error {
	events, err := c.Subscribe(ctx, req)
	if err != nil {
		return err
	}
	var failed error
	err = events(func(e control.Event) bool {
		failed = each(e)
		return failed == nil
	})
	return errors.Join(err, failed)
}

// printEvent prints an entry to standard output, and what is wrong to standard
// error, but in JSON all to standard output.
func (a *app) printEvent(cmd *cli.Command, e control.Event) error {
	p := a.text()
	switch {
	case cmd.Bool("json"):
		return a.printJSON(e)
	case e.Type == control.EventGap:
		p.w = a.stderr
		p.f("%s  %s missing from %s (%s); reading on\n", clean(e.Topic), entries(e.First, e.Last), short(e.Author), "#"+span(e.First, e.Last))
	case e.Type == control.EventFork:
		p.w = a.stderr
		p.f("%s  the author %s signed two entries #%d: %s and %s\n", clean(e.Topic), short(e.Author), e.Seq, e.ID, e.OtherID)
	case e.Type != control.EventEntry:
		// of a newer daemon
	case cmd.Bool("raw") && e.File != nil:
		// its bytes follow when they are here
	case cmd.Bool("raw"):
		p.f("%s", e.Bytes())
		if cmd.Int("count") != 1 {
			p.f("\n")
		}
	default:
		p.f("%s", renderEntry(e))
	}
	return p.err
}

// entries counts the entries of a gap.
func entries(first, last uint64) string {
	if first == last {
		return "1 entry is"
	}
	return fmt.Sprintf("%d entries are", last-first+1)
}

// span writes the numbers of a gap.
func span(first, last uint64) string {
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d–%d", first, last)
}

// when returns the time of an entry, as the reader's clock writes it.
func when(t time.Time) string { return t.Local().Format(time.DateTime) }
