package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/sim/report"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

// compared is the comparison as JSON.
type compared struct {
	A      string          `json:"a"`
	B      string          `json:"b"`
	Better int             `json:"better"`
	Worse  int             `json:"worse"`
	Fields []comparedField `json:"fields"`
}

// comparedField is one figure: medians where a side has several seeds, null where it
// does not apply.
type comparedField struct {
	Field   string   `json:"field"`
	A       *float64 `json:"a"`
	B       *float64 `json:"b"`
	Ratio   *float64 `json:"ratio"`
	Margin  float64  `json:"margin"`
	Verdict string   `json:"verdict"`
}

// compare sets two results beside each other.
func (a *app) compare(cmd *cli.Command) error {
	if n := cmd.Args().Len(); n != 2 {
		return usageError(fmt.Sprintf("--compare needs two results, got %d", n), "give two files of --json, or directories of --report")
	}
	for _, name := range append(scenario.FlagNames(), "report", "trace", "check", "seeds") {
		if cmd.IsSet(name) {
			return usageError("--compare runs nothing, but there is --"+name, "leave one of them out")
		}
	}
	var sides [2]report.Side
	var names [2]string
	for i := range sides {
		names[i] = cmd.Args().Get(i)
		var err error
		if sides[i], err = readResults(names[i]); err != nil {
			return err
		}
	}
	list := report.Compare(sides[0], sides[1])
	if cmd.Bool("json") {
		return a.printJSON(comparison(names, list))
	}
	return a.printComparison(names, sides, list)
}

// readResults reads what --json printed, or a report has.
func readResults(name string) (report.Side, error) {
	path := name
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, report.ResultFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError(err.Error(), "give a file of --json, or a directory of --report")
	}
	defer f.Close()
	var side report.Side
	d := json.NewDecoder(f)
	for {
		var r scenario.Result
		err := d.Decode(&r)
		switch {
		case err == io.EOF && len(side) > 0:
			return side, nil
		case err == io.EOF:
			err = errors.New("it is empty")
		case err == nil && (r.Protocol == "" || r.Topology == "" || r.Trace == ""):
			err = errors.New("it has no protocol, topology or trace_sha256")
		}
		if err != nil {
			return nil, usageError(fmt.Sprintf("%s is no result of simulate (%v)", path, err), "give what --json printed, and nothing else")
		}
		side = append(side, &r)
	}
}

func comparison(names [2]string, list []report.Difference) compared {
	c := compared{A: names[0], B: names[1], Fields: []comparedField{}}
	for _, d := range list {
		f := comparedField{Field: d.Field.Key, Margin: d.Field.Margin, Verdict: d.Verdict}
		if d.InA {
			f.A = &d.A
		}
		if d.InB {
			f.B = &d.B
		}
		if ratio, ok := d.Ratio(); ok {
			f.Ratio = &ratio
		}
		c.Fields = append(c.Fields, f)
	}
	c.Better, c.Worse = verdicts(list, report.Better), verdicts(list, report.Worse)
	return c
}

func verdicts(list []report.Difference, verdict string) (n int) {
	for _, d := range list {
		if d.Verdict == verdict {
			n++
		}
	}
	return n
}

func (a *app) printComparison(names [2]string, sides [2]report.Side, list []report.Difference) error {
	p := a.text()
	for i, side := range sides {
		p.f("%c  %s: %s\n", 'A'+i, clean(names[i]), clean(sideName(side)))
	}
	if x, y := sides[0][0], sides[1][0]; x.Topology != y.Topology || x.Hosts != y.Hosts {
		p.f("They ran on different networks: differences may come from there.\n")
	}
	p.f("\n")
	rows := [][]string{{"FIGURE", "A", "B", "B/A", "B IS", "MARGIN"}}
	for _, d := range list {
		ratio, verdict := "", d.Verdict
		if v, ok := d.Ratio(); ok {
			ratio = fmt.Sprintf("%.2f", v)
		}
		if verdict == report.Same {
			verdict = "-"
		}
		rows = append(rows, []string{d.Field.Name, formatted(d.Field, func() (float64, bool) { return d.A, d.InA }),
			formatted(d.Field, func() (float64, bool) { return d.B, d.InB }), ratio, verdict, margin(d.Field)})
	}
	p.table(rows)
	p.f("\nB is better in %d and worse in %d of %d figures", verdicts(list, report.Better), verdicts(list, report.Worse), len(list))
	if len(sides[0]) == 1 {
		p.f("; one seed proves little: compare several (--seeds 5 --json)")
	}
	p.f(".\n")
	return p.err
}

// margin says by how much a figure must differ to count.
func margin(f report.Field) string {
	if f.Better == report.Neither {
		return ""
	}
	if f.Margin == 0 {
		return "any"
	}
	return fmt.Sprintf("%.0f%%", 100*f.Margin)
}

// sideName says what a side is of.
func sideName(side report.Side) string {
	r := side[0]
	name := fmt.Sprintf("%s on %s, %s", r.Protocol, r.Topology, count(r.Hosts, "host", "hosts"))
	var seeds []string
	for _, r := range side {
		seeds = append(seeds, fmt.Sprint(r.Seed))
	}
	if len(seeds) > 6 {
		seeds = slices.Insert(seeds[:5], 5, "...")
	}
	return name + ", seed " + strings.Join(seeds, ", ")
}
