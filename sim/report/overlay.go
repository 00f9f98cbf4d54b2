package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// The picture's viewBox, and how many groups have a line in its legend.
const (
	pictureWidth, pictureHeight = 800.0, 600.0
	pictureMargin               = 14.0
	legendGroups                = 12
)

// picture is the overlay, for the template.
type picture struct {
	// By says what colours mean: "patch" or "region".
	By string
	// Links and Tree are d attributes of the links at the end; of the tree among
	// them, drawn over the others.
	Links, Tree string
	// Groups are hosts of one colour, the largest first.
	Groups []colour
	// Others is how many groups have no line in the legend.
	Others int
	// Crosses are the dead, as a d attribute each, for their titles.
	Crosses []mark
	// Rings are drawn around adversaries and publishers.
	Rings []mark
	// Counts of the legend.
	Killed, Left, Adversaries, Publishers int
	Empty                                 string
}

// colour is the hosts of one patch or region.
type colour struct {
	Name, Fill string
	Hosts      []mark
}

// mark is something drawn at a host.
type mark struct {
	X, Y, R            float64
	Class, Path, Title string
}

// The picture's size, for the template.
func (picture) Width() float64  { return pictureWidth }
func (picture) Height() float64 { return pictureHeight }

// ShownGroups are the groups of the legend.
func (p picture) ShownGroups() []colour { return p.Groups[:len(p.Groups)-p.Others] }

// overlay draws hosts and links.
func overlay(d *scenario.Details) picture {
	p := picture{By: "region"}
	if len(d.Hosts) == 0 {
		p.Empty = "There are no hosts to draw."
		return p
	}
	if slices.ContainsFunc(d.Hosts, func(h scenario.HostDetail) bool { return h.Patch != "" }) {
		p.By = "patch"
	}
	r := radius(len(d.Hosts))
	at := places(d.Hosts, r)
	var links, tree path
	for _, e := range d.Edges {
		if min(e.A, e.B) < 0 || max(e.A, e.B) >= len(at) {
			continue
		}
		to := &links
		if e.Tree {
			to = &tree
		}
		to.segment(at[e.A].x, at[e.A].y, at[e.B].x, at[e.B].y)
	}
	p.Links, p.Tree = links.String(), tree.String()
	p.group(d.Hosts, at, r)
	for i, h := range d.Hosts {
		p.special(h, at[i], r)
	}
	return p
}

// radius is a host's: all hosts together cover a part of the picture.
func radius(hosts int) float64 {
	const cover = 0.06
	return px(min(max(math.Sqrt(pictureWidth*pictureHeight*cover/float64(hosts)/math.Pi), 2.4), 9))
}

// group sorts the living into colours.
func (p *picture) group(hosts []scenario.HostDetail, at []point, r float64) {
	index := map[string]int{}
	for i, h := range hosts {
		if h.State == "killed" || h.State == "left" {
			continue
		}
		name := h.Cluster
		if p.By == "patch" {
			name = cmp.Or(h.Patch, "no patch")
		}
		g, known := index[name]
		if !known {
			g = len(p.Groups)
			index[name] = g
			p.Groups = append(p.Groups, colour{Name: name})
		}
		p.Groups[g].Hosts = append(p.Groups[g].Hosts, mark{X: px(at[i].x), Y: px(at[i].y), R: r, Title: hostTitle(h)})
	}
	slices.SortStableFunc(p.Groups, func(a, b colour) int { return cmp.Compare(len(b.Hosts), len(a.Hosts)) })
	for i := range p.Groups {
		p.Groups[i].Fill = fill(i)
	}
	p.Others = max(0, len(p.Groups)-legendGroups)
}

// fill is the colour of a group: hues that are far from those just before, two
// depths, so that neighbours in the list differ for those too who see few hues.
func fill(i int) string {
	const golden = 137.508
	lightness := 42 + 18*(i%2)
	return "hsl(" + strconv.Itoa(int(math.Round(math.Mod(205+golden*float64(i), 360)))) + " 62% " + strconv.Itoa(lightness) + "%)"
}

// special marks those who died, attack or publish.
func (p *picture) special(h scenario.HostDetail, at point, r float64) {
	x, y := px(at.x), px(at.y)
	ring := mark{X: x, Y: y, R: px(r + 2.5), Title: hostTitle(h)}
	switch h.State {
	case "killed", "left":
		var cross path
		cross.segment(at.x-r, at.y-r, at.x+r, at.y+r)
		cross.segment(at.x-r, at.y+r, at.x+r, at.y-r)
		p.Crosses = append(p.Crosses, mark{Class: "dead", Path: cross.String(), Title: hostTitle(h)})
		if h.State == "killed" {
			p.Killed++
		} else {
			p.Left++
		}
	case "adversary":
		ring.Class = "adversary"
		p.Rings = append(p.Rings, ring)
		p.Adversaries++
	}
	if h.Publisher {
		ring.Class, ring.R = "publisher", px(r+5)
		p.Rings = append(p.Rings, ring)
		p.Publishers++
	}
}

// hostTitle is what is said of the host under the pointer.
func hostTitle(h scenario.HostDetail) string {
	s := h.Name + ", " + h.Cluster
	if h.Patch != "" {
		s += ", patch " + h.Patch
	}
	if h.State != "alive" {
		s += ", " + h.State
	}
	if h.Publisher {
		s += ", publishes"
	}
	return s + fmt.Sprintf(": %s sent, %d copies received, %d neighbours", Format(float64(h.Sent), "B"), h.Copies, h.Neighbours)
}
