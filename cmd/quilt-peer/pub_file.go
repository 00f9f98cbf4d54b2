package main

import (
	"context"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

// largeFile opens the file of --file if it is to be published as one: a regular file
// that is better taken in pieces. Otherwise it returns nil.
func largeFile(cmd *cli.Command) (*os.File, int64, error) {
	name := cmd.String("file")
	if name == "" || cmd.Args().Len() > 1 || cmd.Bool("lines") {
		return nil, 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, control.NewError(control.CodeRefused, err.Error(), "give a file that can be read")
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() >= control.FileFrom {
		return f, info.Size(), nil
	}
	return nil, 0, f.Close()
}

// publishFile publishes a file, which is read as the daemon takes it, and prints where
// it went.
func (a *app) publishFile(ctx context.Context, cmd *cli.Command, c daemon, req control.PublishRequest, f *os.File, size int64) error {
	defer f.Close()
	name := filepath.Base(f.Name())
	file := control.PublishFileRequest{Topic: req.Topic, ContentType: req.ContentType, Name: name, Size: size,
		Wait: req.Wait, Timeout: req.Timeout, Once: req.Once}
	if file.ContentType == "" {
		file.ContentType = mime.TypeByExtension(filepath.Ext(name))
	}
	if file.ContentType == "" {
		file.ContentType = "application/octet-stream"
	}
	if err := file.Check(); err != nil {
		return err
	}
	show := &fileProgress{a: a, json: cmd.Bool("json"), what: "reading", name: name, total: size}
	content := &countingReader{r: io.LimitReader(f, size+1), tell: func(n int64) {
		if n >= size && req.Wait > 0 && !show.json {
			show.clear()
			return
		}
		show.update(time.Now(), n)
	}}
	rep, err := c.PublishFile(ctx, file, content)
	show.clear()
	if err != nil {
		return err
	}
	if err := a.printPublished(cmd, req, rep); err != nil {
		return err
	}
	return tooFew(req, rep)
}

// tooFew is the error that fewer have stored something than were waited for.
func tooFew(req control.PublishRequest, rep control.PublishReply) error {
	if rep.StoredBy >= req.Wait {
		return nil
	}
	return control.NewError(control.CodeTimeout,
		fmt.Sprintf("only %d of %s stored it within %s", rep.StoredBy, count(req.Wait, "peer", "peers"), time.Duration(req.Timeout)),
		`the entry is safe here and travels on when others are found; see "quilt-peer peers"`)
}
