package topology

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// limits are how much is read of each file, in bytes after decompression.
type limits struct {
	settings, hosts, matrix int64
	// line is the longest line of the matrix.
	line int
}

// defaultLimits fit MaxHosts rows of 600 bytes and MaxLocations² cells of 9.
var defaultLimits = limits{settings: 1 << 20, hosts: 64 << 20, matrix: 640 << 20, line: 1 << 20}

// file is an open file of a topology, decompressed if its name says so. It fails
// when it is longer than its limit; its errors are FormatErrors.
type file struct {
	name  string
	raw   fs.File
	r     io.Reader
	limit int64
	left  int64
	// failed is why the last read failed, whatever it looks like to who read.
	failed error
}

// open opens a file. A missing one is an error for which errors.Is(err,
// fs.ErrNotExist).
func open(fsys fs.FS, name string, limit int64) (*file, error) {
	raw, err := fsys.Open(name)
	if err != nil {
		problem := "cannot be opened (" + err.Error() + ")"
		if errors.Is(err, fs.ErrNotExist) {
			problem = "no such file"
		}
		return nil, &FormatError{File: name, Problem: problem, Err: err,
			Advice: "a topology is a directory with topology.json and the files that it names"}
	}
	f := &file{name: name, raw: raw, r: raw, limit: limit, left: limit}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(raw)
		if err != nil {
			raw.Close()
			return nil, f.broken(err)
		}
		f.r = z
	}
	return f, nil
}

func (f *file) Close() error { return f.raw.Close() }

// Read reads on, at most the limit and one byte.
func (f *file) Read(p []byte) (int, error) {
	if f.failed != nil {
		return 0, f.failed
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > f.left+1 {
		p = p[:f.left+1]
	}
	n, err := f.r.Read(p)
	f.left -= int64(n)
	switch {
	case f.left < 0:
		f.failed = &FormatError{File: f.name, Problem: fmt.Sprintf("longer than %d bytes", f.limit),
			Advice: "no topology within the bounds is: is it the right file?"}
		return n - 1, f.failed
	case err != nil && err != io.EOF:
		f.failed = f.broken(err)
		return n, f.failed
	}
	return n, err
}

// broken is the error for a failed read.
func (f *file) broken(err error) error {
	if strings.HasSuffix(f.name, ".gz") {
		return &FormatError{File: f.name, Err: err, Problem: "not valid gzip (" + err.Error() + ")",
			Advice: "copy it again, or drop .gz from the name of a file that is not compressed"}
	}
	return &FormatError{File: f.name, Problem: "cannot be read (" + err.Error() + ")", Err: err,
		Advice: "is it a file that you may read?"}
}

// readAll returns all of a file.
func readAll(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := open(fsys, name, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// position returns line and column of an offset.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(max(offset, 0), len(data))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
