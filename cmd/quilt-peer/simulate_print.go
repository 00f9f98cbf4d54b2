package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quilt-p2p/quilt/sim/report"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

// printResult prints the last result of those so far, and where the page of its
// report is.
func (a *app) printResult(e *experiment, side report.Side, d *scenario.Details, page string) error {
	r := side[len(side)-1]
	if e.json {
		return a.printJSON(r)
	}
	p := a.text()
	if e.seeds > 1 {
		p.seed(r, len(side) == 1)
		if len(side) == e.seeds {
			p.f("\n")
			p.table(medianRows(side))
		}
		return p.err
	}
	p.f("%s on %s: %s\n%s\n\n", clean(r.Protocol), clean(r.Topology), clean(report.Setting(r, &d.Scenario)), report.Verdict(r))
	p.table(fitting(resultRows(r), a.width))
	p.f("\n%s of virtual time in %s: %s events, %s/s; trace %s\n", report.Format(r.VirtualSeconds, "s"), report.Format(r.WallSeconds, "s"),
		report.Format(float64(r.Events), ""), report.Format(float64(r.Events)/max(r.WallSeconds, 1e-3), ""), short(r.Trace))
	if page != "" {
		p.f("report: %s\n", clean(page))
	}
	return p.err
}

// footerKeys are the figures that stand below the table.
var footerKeys = []string{"virtual_s", "events", "wall_s"}

// resultRows are the figures of one run that apply, those of one distribution in one
// row, with what they mean.
func resultRows(r *scenario.Result) [][]string {
	rows := [][]string{{"FIGURE", "VALUE", "WHICH IS"}}
	for _, row := range report.Rows(r) {
		if slices.Contains(footerKeys, row.Key) {
			continue
		}
		var values []string
		for _, c := range row.Cells {
			values = append(values, strings.TrimLeft(c.Name+" "+c.Value, " "))
		}
		rows = append(rows, []string{row.Name, strings.Join(values, ", "), row.Brief})
	}
	return rows
}

// fitting leaves out the last column where a terminal is too narrow for it.
func fitting(rows [][]string, width int) [][]string {
	var widest [3]int
	for _, row := range rows {
		for i, cell := range row {
			widest[i] = max(widest[i], len(cell)+2)
		}
	}
	if width == 0 || widest[0]+widest[1]+widest[2] <= width {
		return rows
	}
	for i, row := range rows {
		rows[i] = row[:2]
	}
	return rows
}

// seedKeys are the figures that are printed of each of several seeds.
var seedKeys = []string{"lost", "latency_ms.p50", "latency_ms.max", "stretch_mean", "copies_received_per_host", "recovery_s", "wall_s"}

// seed prints one line of several seeds, as soon as it is there.
func (p *printer) seed(r *scenario.Result, first bool) {
	head, line := "SEED  ", fmt.Sprintf("%-6d", r.Seed)
	for _, k := range seedKeys {
		f, _ := report.FieldOf(k)
		name := strings.ToUpper(f.Name)
		head += "  " + name
		line += fmt.Sprintf("  %-*s", len(name), cmp.Or(f.Text(r), "-"))
	}
	if first {
		p.f("%s\n", head)
	}
	p.f("%s\n", strings.TrimRight(line, " "))
}

// medianRows are median and worst of several seeds.
func medianRows(side report.Side) [][]string {
	rows := [][]string{{"FIGURE", "MEDIAN", "WORST"}}
	for _, f := range report.Fields {
		if _, ok := side.Median(f); !ok {
			continue
		}
		rows = append(rows, []string{f.Name, formatted(f, func() (float64, bool) { return side.Median(f) }),
			formatted(f, func() (float64, bool) { return side.Worst(f) })})
	}
	return append(rows, []string{"seeds", fmt.Sprint(len(side))})
}

// formatted is a figure for a table, "-" where it does not apply.
func formatted(f report.Field, value func() (float64, bool)) string {
	v, ok := value()
	if !ok {
		return "-"
	}
	return f.Format(v)
}
