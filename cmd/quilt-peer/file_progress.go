package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// fileProgress shows how far a file is, on standard error: on a terminal in one line
// that is written over, with --json one object a second, else nothing.
type fileProgress struct {
	a     *app
	json  bool
	what  string // "reading", "fetching"
	name  string
	total int64
	last  time.Time
	shown bool
}

// fileStep is one object of progress.
type fileStep struct {
	Type  string `json:"type"` // "progress"
	What  string `json:"what"`
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Size  int64  `json:"size"`
}

// update shows that so many bytes are there, if it is time.
func (p *fileProgress) update(now time.Time, bytes int64) {
	every := progressEvery
	if p.json {
		every = time.Second
	}
	if !p.json && p.a.stderrWidth == 0 || now.Sub(p.last) < every {
		return
	}
	p.last = now
	if p.json {
		_ = json.NewEncoder(p.a.stderr).Encode(fileStep{"progress", p.what, p.name, bytes, p.total})
		return
	}
	line := []rune(fmt.Sprintf("%s %s: %s of %s, %d%%", p.what, clean(p.name), size(uint64(bytes)), size(uint64(p.total)), 100*bytes/max(1, p.total)))
	if len(line) >= p.a.stderrWidth {
		line = line[:p.a.stderrWidth-1]
	}
	fmt.Fprint(p.a.stderr, "\r\x1b[K"+string(line))
	p.shown = true
}

// clear takes it off the terminal.
func (p *fileProgress) clear() {
	if p.shown {
		fmt.Fprint(p.a.stderr, "\r\x1b[K")
		p.shown = false
	}
}

// countingReader tells how much has been read.
type countingReader struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}
