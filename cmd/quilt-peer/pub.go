package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

const pubHelp = `Publishes an entry: TEXT, a file, or standard input. It is safe on this
computer's disk when the command returns, and travels to others as soon as
there are any. Prints the topic, the entry's number and its ID.

TOPIC is the local name of a feed of yours (see "quilt-peer feed list"), or the
name of an open topic, to which anybody can publish. A feed's name wins; in
quotes, "#name" is always the open topic.

   quilt-peer pub alice "Hello."
   quilt-peer pub alice --file photo.jpg
   date | quilt-peer pub hello -
   tail -f log | quilt-peer pub hello --lines
   quilt-peer pub alice "Read this." --wait 2 --timeout 10s
   quilt-peer pub alice --file film.mkv --wait 3 --timeout 2h

A file of more than 64 KiB, up to 64 GiB, is copied to this peer's disk (its place
there is limited, see "quilt-peer run --large-limit"), and travels in pieces that
peers fetch from each other, over restarts of any of them. --wait then counts
those that have all of it. How far the copying is, standard error shows.`

func (a *app) pubCommand() *cli.Command {
	return &cli.Command{
		Name:        "pub",
		Usage:       "publish an entry",
		ArgsUsage:   "TOPIC [TEXT | -]",
		Description: pubHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "publish what is in `FILE`", TakesFile: true},
			&cli.BoolFlag{Name: "lines", Aliases: []string{"l"}, Usage: "publish each line of standard input as an entry"},
			&cli.StringFlag{Name: "content-type", Aliases: []string{"t"}, Usage: "media `TYPE` of the entry (default: by the file's name, else text or bytes)"},
			&cli.StringFlag{Name: "once", Usage: "publish at most once, ever, under this `KEY`"},
			&cli.IntFlag{Name: "wait", Aliases: []string{"w"}, Usage: "return when `N` other peers have stored the entry"},
			&cli.DurationFlag{Name: "timeout", Usage: "with --wait: give up after so long `D`, with exit code 4", Value: time.Minute},
		},
		Action: a.pub,
	}
}

func (a *app) pub(ctx context.Context, cmd *cli.Command) error {
	if err := wantArgs(cmd, 1, 2); err != nil {
		return err
	}
	c, err := a.client(cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	req := control.PublishRequest{
		Topic: cmd.Args().First(), ContentType: cmd.String("content-type"),
		Wait: cmd.Int("wait"), Timeout: control.Duration(cmd.Duration("timeout")), Once: cmd.String("once"),
	}
	if req.Wait == 0 && cmd.IsSet("timeout") {
		return usageError("--timeout is how long to wait for others, but none are waited for", "add --wait N, or leave it out")
	}
	if cmd.Bool("lines") {
		return a.pubLines(ctx, cmd, c, req)
	}
	if f, n, err := largeFile(cmd); f != nil || err != nil {
		if err != nil {
			return err
		}
		return a.publishFile(ctx, cmd, c, req, f, n)
	}
	payload, kind, err := a.payload(ctx, cmd)
	if err != nil {
		return err
	}
	if req.ContentType == "" {
		req.ContentType = kind
	}
	req.Body = control.NewBody(payload)
	return a.publish(ctx, cmd, c, req)
}

// payload reads what is to be published, and guesses its content type.
func (a *app) payload(ctx context.Context, cmd *cli.Command) (payload []byte, kind string, err error) {
	file, text, hasText := cmd.String("file"), cmd.Args().Get(1), cmd.Args().Len() > 1
	switch {
	case file != "" && hasText:
		return nil, "", usageError("there is both a text and --file", "publish one at a time")
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return nil, "", control.NewError(control.CodeRefused, err.Error(), "give a file that can be read")
		}
		defer f.Close()
		payload, err = readPayload(f)
		kind = mime.TypeByExtension(filepath.Ext(file))
		return payload, orKind(kind, payload), err
	case hasText && text != "-":
		return []byte(text), orKind("", []byte(text)), nil
	case !hasText:
		return nil, "", usageError("there is nothing to publish", "give a TEXT, --file FILE, or - for standard input")
	}
	payload, err = readPayload(a.input(ctx))
	return payload, orKind("", payload), err
}

// input is standard input, but a signal ends the waiting for it.
func (a *app) input(ctx context.Context) io.Reader {
	if a.stdinTerminal {
		fmt.Fprintln(a.stderr, "(type what is to be published; Ctrl-D on a line of its own ends it)")
	}
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(errInterrupted) })
	go func() {
		_, err := io.Copy(w, a.stdin)
		w.CloseWithError(err) // nil: the end
	}()
	return r
}

// readPayload reads all, but not more than a payload can have.
func readPayload(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, control.MaxPayload+1))
	if err != nil {
		return nil, err
	}
	if len(b) > control.MaxPayload {
		return nil, control.NewError(control.CodeRefused, fmt.Sprintf("there are more than %d bytes (1000 KiB) to publish", control.MaxPayload),
			"publish a link to it, or parts")
	}
	return b, nil
}

// orKind returns the content type, or one that the bytes show.
func orKind(kind string, b []byte) string {
	switch {
	case kind != "":
		return kind
	case utf8.Valid(b):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// pubLines publishes each line of standard input, in order, as it comes.
func (a *app) pubLines(ctx context.Context, cmd *cli.Command, c daemon, req control.PublishRequest) error {
	switch {
	case cmd.String("file") != "" || cmd.Args().Len() > 1 && cmd.Args().Get(1) != "-":
		return usageError("--lines reads standard input, but there is something else to publish too", "publish one at a time")
	case req.Once != "":
		return usageError("--once is for one entry, --lines for many", "leave one of them out")
	}
	lines := bufio.NewScanner(a.input(ctx))
	lines.Buffer(nil, control.MaxPayload)
	for lines.Scan() {
		one := req
		one.Body = control.NewBody(lines.Bytes())
		if one.ContentType == "" {
			one.ContentType = orKind("", lines.Bytes())
		}
		if err := a.publish(ctx, cmd, c, one); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return control.NewError(control.CodeRefused, fmt.Sprintf("a line is longer than %d bytes (1000 KiB)", control.MaxPayload),
			"the lines before it are published; break it up")
	}
	return lines.Err()
}

// publish publishes one entry and prints where it went.
func (a *app) publish(ctx context.Context, cmd *cli.Command, c daemon, req control.PublishRequest) error {
	if err := req.Check(); err != nil {
		return err // in the same words as the daemon's
	}
	rep, err := c.Publish(ctx, req)
	if err != nil {
		return err
	}
	if err := a.printPublished(cmd, req, rep); err != nil {
		return err
	}
	return tooFew(req, rep)
}

func (a *app) printPublished(cmd *cli.Command, req control.PublishRequest, rep control.PublishReply) error {
	if cmd.Bool("json") {
		return a.printJSON(rep)
	}
	p := a.text()
	p.f("%s #%d %s", clean(rep.Topic), rep.Seq, rep.ID)
	if rep.File != nil {
		p.f("  %s (%s)", clean(rep.File.SafeName), size(uint64(rep.File.Size)))
	}
	if rep.Duplicate {
		p.f(" (published before)")
	}
	if req.Wait > 0 {
		p.f(" stored by %s", count(rep.StoredBy, "other", "others"))
	}
	p.f("\n")
	return p.err
}
