package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The file is lines: "run FLAGS…" begins an experiment, and an indented "field value
// margin" is a figure of it, field by its path in the JSON object that
// `quilt-peer simulate --json` prints, margin a percentage or "exact". Empty lines and
// those that begin with # are kept as they are.

// line is one line of the file.
type line struct {
	text   string   // as it is, where it is neither of the others
	flags  []string // of an experiment
	figure *figure
}

// figure is one recorded value.
type figure struct {
	path     string
	recorded *float64 // nil for null
	margin   float64  // a share; 0 is exact
}

// parse reads a file.
func parse(text string) ([]line, error) {
	var lines []line
	runs := 0
	for i, s := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fields := strings.Fields(s)
		switch {
		case len(fields) == 0 || fields[0][0] == '#':
			lines = append(lines, line{text: s})
		case fields[0] == "run":
			runs++
			lines = append(lines, line{flags: fields[1:]})
		case runs == 0:
			return nil, fmt.Errorf("line %d: a figure before the first run", i+1)
		default:
			f, err := parseFigure(fields)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			lines = append(lines, line{figure: f})
		}
	}
	if runs == 0 {
		return nil, fmt.Errorf("no experiment: write a line \"run --topology … --items …\"")
	}
	return lines, nil
}

func parseFigure(fields []string) (*figure, error) {
	if len(fields) != 3 {
		return nil, fmt.Errorf("%q: a figure has a field, a value and a margin", strings.Join(fields, " "))
	}
	f := &figure{path: fields[0]}
	if fields[1] != "null" {
		v, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither a number nor null", f.path, fields[1])
		}
		f.recorded = &v
	}
	if fields[2] == "exact" {
		return f, nil
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(fields[2], "%"), 64)
	if err != nil || !strings.HasSuffix(fields[2], "%") || percent <= 0 || percent > 100 {
		return nil, fmt.Errorf("%s: margin %q is neither \"exact\" nor a percentage", f.path, fields[2])
	}
	f.margin = percent / 100
	return f, nil
}

// drifted reports whether a value is out of the figure's margin.
func (f *figure) drifted(now *float64) bool {
	if f.recorded == nil || now == nil {
		return (f.recorded == nil) != (now == nil)
	}
	return math.Abs(*now-*f.recorded) > f.margin*math.Abs(*f.recorded)
}

func (f *figure) String() string {
	margin := "exact"
	if f.margin > 0 {
		margin = fmt.Sprintf("%g%%", math.Round(f.margin*1e4)/100)
	}
	return fmt.Sprintf("  %-30s %12s %8s", f.path, show(f.recorded), margin)
}

// show writes a value with four digits, which is more than any margin needs.
func show(v *float64) string {
	if v == nil {
		return "null"
	}
	return strconv.FormatFloat(rounded(*v), 'f', -1, 64)
}

func rounded(v float64) float64 {
	if v == math.Trunc(v) {
		return v
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		return v
	}
	return r
}
