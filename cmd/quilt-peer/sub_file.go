package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
)

// files is what "sub" does about the files that entries name.
type files struct {
	a    *app
	c    daemon
	dir  string // where to write them; empty for nowhere
	raw  bool   // print their bytes
	json bool
	many bool // raw: a line break ends each
	show fileProgress
}

// newFiles checks the directory of --files.
func (a *app) newFiles(cmd *cli.Command, c daemon) (*files, error) {
	f := &files{a: a, c: c, dir: cmd.String("files"), raw: cmd.Bool("raw"), json: cmd.Bool("json"), many: cmd.Int("count") != 1}
	f.show = fileProgress{a: a, json: f.json, what: "fetching"}
	if f.dir == "" {
		return f, nil
	}
	if info, err := os.Stat(f.dir); err != nil {
		return nil, control.NewError(control.CodeRefused, err.Error(), "give a directory that exists")
	} else if !info.IsDir() {
		return nil, control.NewError(control.CodeRefused, f.dir+" is no directory", "give one that exists")
	}
	return f, nil
}

// progress shows how far a file is.
func (f *files) progress(e control.Event) {
	f.show.name, f.show.total = e.File.SafeName, e.File.Size
	f.show.update(time.Now(), e.File.Held)
	if e.File.NoRoom && !f.json {
		f.show.clear()
		fmt.Fprintf(f.a.stderr, "%s #%d  no room for %s (%s): raise the peer's --large-limit\n", clean(e.Topic), e.Seq, clean(e.File.SafeName), size(uint64(e.File.Size)))
	}
}

// here does what is to be done with a file that is here in full.
func (f *files) here(ctx context.Context, e control.Event) error {
	f.show.clear()
	if f.dir == "" && !f.raw {
		if !f.json {
			fmt.Fprintf(f.a.stderr, "%s #%d  %s is here (%s); --files DIR writes it\n", clean(e.Topic), e.Seq, clean(e.File.SafeName), size(uint64(e.File.Size)))
		}
		return nil
	}
	content, n, err := f.c.FileContent(ctx, control.FileRequest{Topic: e.Topic, ID: e.ID})
	if err != nil {
		return err
	}
	if f.raw && f.dir == "" {
		if _, err := io.CopyN(f.a.stdout, content, n); err != nil {
			return fmt.Errorf("reading %s: %w", clean(e.File.SafeName), err)
		}
		if f.many {
			_, err = fmt.Fprintln(f.a.stdout)
		}
		return err
	}
	path, err := saveFile(f.dir, e.File.SafeName, content, n)
	if err != nil {
		return err
	}
	if !f.json {
		fmt.Fprintf(f.a.stderr, "%s #%d  wrote %s (%s)\n", clean(e.Topic), e.Seq, clean(path), size(uint64(n)))
	}
	return nil
}

// maxSameName bounds the files of one name in a directory (our guess).
const maxSameName = 10_000

// saveFile writes n bytes into a new file in a directory and returns its path. Nothing
// that is there is touched: where the name is taken, a number is added. A file gets its
// name only when all of it is written.
func saveFile(dir, name string, r io.Reader, n int64) (path string, err error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || !filepath.IsLocal(name) {
		return "", control.NewError(control.CodeRefused, fmt.Sprintf("%q cannot be a file's name", name), "")
	}
	tmp, err := os.CreateTemp(dir, ".quilt-*.part")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = io.CopyN(tmp, r, n)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", fmt.Errorf("writing %s: %w", name, err)
	}
	ending := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	for i := 1; i <= maxSameName; i++ {
		path = filepath.Join(dir, name)
		if i > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s (%d)%s", stem, i, ending))
		}
		if err = place(tmp.Name(), path); !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("writing %s: %w", name, err)
}

// place gives a file its name unless that is taken: by a hard link, or where the file
// system has none, by making the name first.
func place(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Rename(from, to))
}
