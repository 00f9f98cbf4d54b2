package report

import (
	"strconv"
	"strings"
)

// The frame of every chart, in the units of its viewBox; narrow, so that its text
// stays readable on a telephone.
const (
	chartWidth, chartHeight = 480.0, 300.0
	chartLeft, chartRight   = 62.0, 468.0
	chartTop, chartBottom   = 30.0, 256.0
)

// chart is what the template draws.
type chart struct {
	ID, Title, Note string
	XLabel, YLabel  string
	X, Y            []tick
	Lines           []line
	Dots            []dot
	Rules           []rule
	// Empty says why there is nothing to draw.
	Empty string
}

// line is a curve. Its class is its colour; those with a Name are in the legend.
type line struct{ Class, Path, Name, Title string }

// dot is a point with a text of its own. Those of a class with a Name are in the
// legend once.
type dot struct {
	X, Y, R     float64
	Class, Name string
	Title       string
}

// rule is a vertical line at an event. Labels of neighbours are at different heights.
type rule struct {
	X, LabelY float64
	Class     string
	Label     string
	// Left has the label on the left of the line, where the right has no room.
	Left bool
}

// key is one entry of the legend.
type key struct{ Class, Name string }

// Legend lists what has a name.
func (c *chart) Legend() []key {
	var keys []key
	add := func(class, name string) {
		for _, k := range keys {
			if name == "" || k.Name == name {
				return
			}
		}
		if name != "" {
			keys = append(keys, key{class, name})
		}
	}
	for _, l := range c.Lines {
		add(l.Class, l.Name)
	}
	for _, d := range c.Dots {
		add(d.Class, d.Name)
	}
	return keys
}

// The frame, for the template.
func (*chart) Left() float64   { return chartLeft }
func (*chart) Right() float64  { return chartRight }
func (*chart) Top() float64    { return chartTop }
func (*chart) Bottom() float64 { return chartBottom }

// Middle of the axis down, for its label.
func (*chart) Middle() float64 { return (chartTop + chartBottom) / 2 }

// path builds the d attribute of a curve.
type path struct{ strings.Builder }

// to draws on to a point; the first one begins.
func (p *path) to(x, y float64) {
	command := "L"
	if p.Len() == 0 {
		command = "M"
	}
	p.point(command, x, y)
}

// segment draws a line of its own.
func (p *path) segment(x1, y1, x2, y2 float64) {
	p.point("M", x1, y1)
	p.point("L", x2, y2)
}

func (p *path) point(command string, x, y float64) {
	p.WriteString(command)
	p.WriteString(strconv.FormatFloat(px(x), 'f', -1, 64))
	p.WriteByte(' ')
	p.WriteString(strconv.FormatFloat(px(y), 'f', -1, 64))
}

// marks are the lines at kill, cut and healing.
func marks(x axis, killAt, cutAt, healAt float64) []rule {
	var rules []rule
	for _, e := range []struct {
		at           float64
		class, label string
	}{{killAt, "kill", "kill"}, {cutAt, "cut", "cut"}, {healAt, "heal", "healed"}} {
		if e.at <= 0 || e.at < x.lo || e.at > x.hi {
			continue
		}
		rules = append(rules, rule{X: x.at(e.at), LabelY: chartTop - 5 - 13*float64(len(rules)%2), Class: e.class,
			Label: e.label + " " + Format(e.at, "s"), Left: x.at(e.at) > chartRight-90})
	}
	return rules
}
