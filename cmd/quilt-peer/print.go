package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// printJSON prints one object on a line.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printer prints text and remembers the first error, so that callers need to
// look at it only once.
type printer struct {
	w   io.Writer
	err error
}

func (a *app) text() *printer { return &printer{w: a.stdout} }

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// table prints rows in columns; the first is the heading.
func (p *printer) table(rows [][]string) {
	if p.err != nil {
		return
	}
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(row, "\t"), "\t "))
	}
	p.err = tw.Flush()
}

// clean makes text of strangers safe for a terminal: control characters, with
// which they could rewrite what is on the screen, and marks that change the
// direction of writing become visible; line breaks become spaces.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == '\r':
			return -1
		}
		return cleanRune(r)
	}, s)
}

// cleanLines is clean for text of several lines.
func cleanLines(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\n', '\t':
			return r
		case '\r':
			return -1
		}
		return cleanRune(r)
	}, s)
}

func cleanRune(r rune) rune {
	bidi := r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	if unicode.IsControl(r) || bidi {
		return unicode.ReplacementChar
	}
	return r
}

// short returns as much of a long ID as a person compares.
func short(id string) string {
	if len(id) <= 12 {
		return id
	}
	return "…" + id[len(id)-8:]
}

// size returns a number of bytes as a person reads it.
func size(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), "KMGTPE"
	unit := -1
	for v >= 1024 && unit < len(units)-1 {
		v /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[unit])
}

// ago returns a duration as a person reads it: 1d4h, 3h12m, 5m2s, 12s.
func ago(d time.Duration) string {
	d = d.Round(time.Second)
	switch day := 24 * time.Hour; {
	case d < 0:
		return "0s"
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.String()
}

// count returns a number and its noun: "1 entry", "2 entries".
func count[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// num is for a table's cell.
func num[N int | uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }

// yes is for a table's cell.
func yes(b bool, word string) string {
	if b {
		return word
	}
	return ""
}
