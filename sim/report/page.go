package report

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the template
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Title, Setting string
	// Verdict says whether something was lost.
	Verdict string
	Lost    bool
	Tiles   []tile
	Rows    []Row
	Charts  []chart
	Picture picture
	Drawn   string // which hosts are in the picture
	Command string
	JSON    string // of the result
	Trace   string
	// ResultLink and DetailsLink carry their files with them.
	ResultLink, DetailsLink template.URL
}

// tile is a figure that is seen first.
type tile struct{ Name, Value, Title string }

// HTML writes the page. It is complete in itself, and the same for the same result
// and details.
func HTML(w io.Writer, r *scenario.Result, d *scenario.Details) error {
	p, err := newPage(r, d)
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, p)
}

func newPage(r *scenario.Result, d *scenario.Details) (*page, error) {
	result, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	details, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(details); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	p := &page{
		Title: r.Protocol + " on " + r.Topology, Setting: Setting(r, &d.Scenario), Lost: r.Lost > 0, Verdict: Verdict(r),
		Tiles: tiles(r), Rows: Rows(r), Picture: overlay(d),
		Charts:  []chart{latencyChart(r, d), timelineChart(d), loadChart(r, d)},
		Command: d.Scenario.Command(), JSON: string(result), Trace: r.Trace,
		ResultLink:  template.URL("data:application/json;base64," + base64.StdEncoding.EncodeToString(result)),
		DetailsLink: template.URL("data:application/gzip;base64," + base64.StdEncoding.EncodeToString(packed.Bytes())),
	}
	if len(d.Hosts) < r.Hosts {
		p.Drawn = fmt.Sprintf("%s of %s hosts are drawn.", thousands(int64(len(d.Hosts))), thousands(int64(r.Hosts)))
	}
	return p, nil
}

// Verdict says in a sentence whether items were lost.
func Verdict(r *scenario.Result) string {
	if r.Lost == 0 {
		return "Nothing was lost: every item reached every survivor."
	}
	return fmt.Sprintf("LOST: %s never came (an item counts once for each survivor that never got it); %s of what was expected was delivered.",
		plural(r.Lost, "delivery", "deliveries"), nearlyOne(r.DeliveryRatio))
}

// Setting says in a sentence what was run.
func Setting(r *scenario.Result, s *scenario.Scenario) string {
	said := []string{
		plural(r.Hosts, "host", "hosts"),
		fmt.Sprintf("%s of %s bytes, %s/s by %s", plural(s.Items, "item", "items"), thousands(int64(s.Size)), digits(s.Rate), plural(len(r.Publishers), "publisher", "publishers")),
	}
	percent := func(share float64, what string) {
		if share > 0 {
			said = append(said, digits(100*share)+"% "+what)
		}
	}
	percent(s.Kill, "killed")
	percent(s.Loss, "of messages lost")
	percent(s.Jitter, "jitter")
	if s.Churn > 0 {
		said = append(said, "lifetimes of "+s.Churn.String())
	}
	if s.Partition > 0 {
		percent(s.Partition, "cut off for "+s.PartitionFor.String())
	}
	percent(s.Late, "join late")
	if s.Adversaries > 0 {
		percent(s.Adversaries, "adversaries ("+s.Attack+")")
	}
	return strings.Join(append(said, fmt.Sprintf("seed %d", r.Seed)), ", ")
}

// plural is a number and its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(int64(n)) + " " + many
}

// tileKeys are the figures that are seen first, where they apply.
var tileKeys = []string{"delivery_ratio", "latency_ms.p50", "latency_ms.max", "stretch_mean", "copies_received_per_host",
	"control_bytes_per_host_s", "recovery_s"}

func tiles(r *scenario.Result) []tile {
	var list []tile
	for _, k := range tileKeys {
		f, _ := FieldOf(k)
		if text := f.Text(r); text != "" {
			list = append(list, tile{f.Name, text, f.Means})
		}
	}
	return list
}
