package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// The files of a report.
const (
	PageFile    = "index.html"
	ResultFile  = "result.json"
	DetailsFile = "details.json"
)

// DirError says why a report cannot be in a directory.
type DirError struct{ Dir, Problem, Advice string }

func (e *DirError) Error() string { return e.Dir + " " + e.Problem + ": " + e.Advice }

// CheckDir says whether a report may be written into a directory: it is empty, does
// not exist yet, or has an earlier report, which is overwritten. Nothing else is ever
// overwritten. The error is a *DirError.
func CheckDir(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &DirError{dir, "is no directory that can be read (" + err.Error() + ")", "name another"}
	case len(entries) == 0:
		return nil
	}
	has := map[string]bool{}
	for _, e := range entries {
		has[e.Name()] = true
	}
	if !has[PageFile] || !has[ResultFile] || !has[DetailsFile] {
		return &DirError{dir, "has other files in it, and no earlier report", "name a new or an empty directory"}
	}
	return nil
}

// WriteDir writes the report into a directory, which is made if need be: the page,
// result.json and details.json. See [CheckDir] for where it does not write.
func WriteDir(dir string, r *scenario.Result, d *scenario.Details) error {
	if err := CheckDir(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// The page last: where it is, the rest is.
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{ResultFile, func(w io.Writer) error { return encode(w, r) }},
		{DetailsFile, func(w io.Writer) error { return encode(w, d) }},
		{PageFile, func(w io.Writer) error { return HTML(w, r, d) }},
	} {
		if err := writeFile(filepath.Join(dir, f.name), f.write); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
