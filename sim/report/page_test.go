package report

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// find calls visit for each element below n.
func find(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := range n.ChildNodes() {
		find(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is all text below n.
func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(text(c))
	}
	return b.String()
}

// parse returns the page's elements.
func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// coded is data in base64, in which any three letters may stand beside each other.
var coded = regexp.MustCompile(`base64,[A-Za-z0-9+/=&#;]+`)

// The page has all sections and figures, and nothing that is fetched or run.
func TestPage(t *testing.T) {
	r, d := crafted(200, 60)
	page := render(t, r, d)
	if again := render(t, r, d); again != page {
		t.Error("the same result gave another page")
	}
	for _, banned := range []string{"http:", "https:", "<script", "url(", "@import", "ZgotmplZ", "NaN", "Inf"} {
		if strings.Contains(coded.ReplaceAllString(page, ""), banned) {
			t.Errorf("the page has %q in it", banned)
		}
	}
	root := parse(t, page)
	var ids, loads []string
	links := map[string]string{}
	find(root, func(n *html.Node) {
		switch n.Data {
		case "section":
			ids = append(ids, attr(n, "id"))
		case "a":
			links[attr(n, "download")] = attr(n, "href")
		case "link", "img", "iframe", "object", "embed", "image", "use", "foreignObject":
			loads = append(loads, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" {
				loads = append(loads, a.Key)
			}
		}
	})
	if want := []string{"latency", "timeline", "load", "again", "overlay", "figures", "data"}; !slices.Equal(ids, want) {
		t.Errorf("sections are %v, want %v", ids, want)
	}
	if len(loads) > 0 {
		t.Errorf("the page loads or runs something: %v", loads)
	}
	all := text(root)
	for _, want := range []string{"gossip on king:1000", "Nothing was lost", "quilt-peer simulate --topology king:1000", "--kill 0.5", "kill 63 s",
		"one direct send", "publisher (1)", "and 8 more", "latency, median", r.Trace} {
		if !strings.Contains(all, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, f := range Fields {
		if text := f.Text(r); text != "" && !strings.Contains(all, text) {
			t.Errorf("the page does not have %s, %s", f.Key, text)
		}
	}
	data, ok := strings.CutPrefix(links["result.json"], "data:application/json;base64,")
	raw, err := base64.StdEncoding.DecodeString(data)
	var back scenario.Result
	if !ok || err != nil || json.Unmarshal(raw, &back) != nil || back.Trace != r.Trace {
		t.Errorf("the link to the result has %.80s, %v", raw, err)
	}
	if !strings.HasPrefix(links["details.json.gz"], "data:application/gzip;base64,H4sI") {
		t.Errorf("the link to the details is %.60s", links["details.json.gz"])
	}
}

// Charts are well-formed, have titles, axes and labels, and draw within their frame.
func TestCharts(t *testing.T) {
	r, d := crafted(200, 60)
	d.CutAt, d.HealAt = 61, 64
	page := render(t, r, d)
	charts := 0
	for rest := page; ; {
		i := strings.Index(rest, "<svg ")
		if i < 0 {
			break
		}
		end := strings.Index(rest[i:], "</svg>") + i + len("</svg>")
		dec := xml.NewDecoder(strings.NewReader(rest[i:end]))
		for {
			tok, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v in %.200s", err, rest[i:end])
			}
			if start, ok := tok.(xml.StartElement); ok {
				within(t, start)
			}
		}
		rest = rest[end:]
	}
	find(parse(t, page), func(n *html.Node) {
		if n.Data != "svg" || attr(n, "role") != "img" {
			return
		}
		charts++
		titles, labels := 0, 0
		find(n, func(n *html.Node) {
			switch n.Data {
			case "title":
				titles++
			case "text":
				labels++
			}
		})
		overlay := strings.Contains(attr(n, "aria-label"), "overlay")
		if titles < 3 || labels < 8 && !overlay {
			t.Errorf("chart %q has %d titles and %d labels", attr(n, "aria-label"), titles, labels)
		}
	})
	if charts != 4 {
		t.Errorf("%d charts, want 4", charts)
	}
	for _, want := range []string{"cut 61 s", "healed 64 s", "kill 63 s"} {
		if !strings.Contains(page, want) {
			t.Errorf("no line says %q", want)
		}
	}
}

// within checks that an element is in the greatest frame.
func within(t *testing.T, e xml.StartElement) {
	for _, a := range e.Attr {
		limit := pictureWidth
		switch a.Name.Local {
		case "y", "cy", "y1", "y2":
			limit = pictureHeight
		case "x", "cx", "x1", "x2":
		default:
			continue
		}
		if v, err := strconv.ParseFloat(a.Value, 64); err != nil || v < 0 || v > limit {
			t.Errorf("<%s %s=%q> is outside of the picture", e.Name.Local, a.Name.Local, a.Value)
		}
	}
}

// Names of hosts, regions, protocols come from files of strangers.
func TestHostileNames(t *testing.T) {
	const evil = `</title><script>alert("x")</script>'><b onmouseover=alert(1)>`
	r, d := crafted(20, 10)
	r.Protocol, r.Topology, r.Trace, r.Publishers = evil, evil, evil, []string{evil}
	d.Scenario.Topology, d.Scenario.Attack, d.Scenario.Adversaries = evil, evil, 0.1
	for i := range d.Hosts {
		d.Hosts[i].Name, d.Hosts[i].Cluster, d.Hosts[i].Patch = evil+strconv.Itoa(i), evil, evil
		if i > 0 {
			d.Hosts[i].State = []string{"alive", "killed", "adversary", "left", evil}[i%5]
		}
	}
	page := render(t, r, d)
	find(parse(t, page), func(n *html.Node) {
		if n.Data == "script" || n.Data == "b" && attr(n, "onmouseover") != "" {
			t.Fatalf("a name became <%s>", n.Data)
		}
	})
	if !strings.Contains(text(parse(t, page)), evil) {
		t.Error("the name is not shown as it is")
	}
}

// Results of which nothing can be drawn are still a page.
func TestEmptyPage(t *testing.T) {
	d := &scenario.Details{}
	r := &scenario.Result{Protocol: "gossip", Topology: "x"}
	page := render(t, r, d)
	for _, want := range []string{"Nothing was delivered", "No item was delivered", "Nobody sent anything", "no hosts to draw"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	d.Hosts = []scenario.HostDetail{{Name: "a", State: "alive", X: 1e300, Y: -1e300, Sent: 1}, {Name: "b", State: "alive"}}
	d.Edges = []scenario.Edge{{A: 0, B: 7}, {A: -1, B: 0}}
	d.Items = []scenario.ItemDetail{{At: 5, Expected: 2}, {At: 6, Expected: 2, Delivered: 1, P50: 3, Max: 3}}
	d.Histogram = []int{0, 0, 1}
	r.VirtualSeconds, r.Latency, r.Lost, r.DeliveryRatio = 7, &scenario.Spread{Mean: 3, P50: 3, P90: 3, P99: 3, Max: 3}, 3, 0.25
	page = render(t, r, d)
	for _, want := range []string{"LOST: 3 deliveries never came", "0.250 of what", "lost somebody", "2 never got it", "1 never got it"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, banned := range []string{"NaN", "Inf"} {
		if strings.Contains(coded.ReplaceAllString(page, ""), banned) {
			t.Errorf("the page has %s", banned)
		}
	}
}

// The largest page that there can be is still one that a browser likes.
func TestSize(t *testing.T) {
	r, d := crafted(scenario.MaxDetailHosts, 5000)
	r.Hosts = 100_000
	page := render(t, r, d)
	if len(page) > 2_000_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if !strings.Contains(page, "2,000 of 100,000 hosts are drawn") {
		t.Error("the page does not say that not all hosts are drawn")
	}
	if n := len(moments(d.Items)); n > maxDots {
		t.Errorf("%d dots for items, more than %d", n, maxDots)
	}
}

// No host is drawn over another, if there is any room.
func TestPlaces(t *testing.T) {
	_, spread := crafted(scenario.MaxDetailHosts, 1)
	heaps := slices.Clone(spread.Hosts)
	for i := range heaps {
		heaps[i].X, heaps[i].Y = float64(i%3), float64(i%9)
	}
	nowhere := slices.Clone(spread.Hosts)
	for i := range nowhere {
		nowhere[i].X, nowhere[i].Y = 0, 0
	}
	for name, hosts := range map[string][]scenario.HostDetail{"spread": spread.Hosts, "heaps": heaps, "nowhere": nowhere} {
		r := radius(len(hosts))
		at := places(hosts, r)
		over := 0
		for i := range at {
			if at[i] != inside(at[i], r) {
				t.Errorf("%s: host %d is at %v, outside of the picture", name, i, at[i])
			}
			for j := range i {
				if math.Hypot(at[i].x-at[j].x, at[i].y-at[j].y) < r {
					over++
				}
			}
		}
		if over > len(at)/100 {
			t.Errorf("%s: %d pairs of hosts hide each other", name, over)
		}
	}
}

func TestDir(t *testing.T) {
	r, d := crafted(20, 10)
	base := t.TempDir()
	dir := filepath.Join(base, "new", "report")
	for range 2 { // an earlier report is overwritten
		if err := WriteDir(dir, r, d); err != nil {
			t.Fatal(err)
		}
	}
	var back scenario.Result
	data, err := os.ReadFile(filepath.Join(dir, ResultFile))
	if err != nil || json.Unmarshal(data, &back) != nil || back.Trace != r.Trace {
		t.Errorf("%s has %s, %v", ResultFile, data, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, PageFile))
	if err != nil || string(page) != render(t, r, d) {
		t.Errorf("%s has %d bytes, %v", PageFile, len(page), err)
	}
	full := filepath.Join(base, "full")
	if err := os.MkdirAll(full, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := CheckDir(full); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	file := filepath.Join(full, PageFile)
	if err := os.WriteFile(file, []byte("my home page"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{full, file} {
		if err := WriteDir(dir, r, d); err == nil || !strings.HasPrefix(err.Error(), dir+" ") || !strings.Contains(err.Error(), ": name a") {
			t.Errorf("a report in %s: %v", dir, err)
		}
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "my home page" {
		t.Errorf("the file of somebody else is now %s, %v", data, err)
	}
}

// Ticks are at round figures, ascending, within the axis.
func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		a    axis
		want string
	}{
		{upTo(87, 0, 100), "[0 20 40 60 80 100]"},
		{upTo(0, 0, 100), "[0 0.2 0.4 0.6 0.8 1]"},
		{axis{lo: 60, hi: 69.9, to: 100}, "[60 62 64 66 68]"},
		{axis{lo: -3, hi: 7, to: 100}, "[-2 0 2 4 6]"},
		{logarithmic(12, 900, 0, 100), "[20 50 100 200 500]"},
		{logarithmic(0.5, 8000, 0, 100), "[1 10 100 1000]"},
		{logarithmic(1, 1e8, 0, 100), "[1 10 100 1000 10k 100k 1M 10M 100M]"},
		{logarithmic(100, 110, 0, 100), "[100]"},
	} {
		var labels []string
		last := -1.0
		for _, k := range tt.a.ticks() {
			labels = append(labels, k.Label)
			if k.At <= last || k.At > 100 {
				t.Errorf("axis %+v: tick %s is at %v, after %v", tt.a, k.Label, k.At, last)
			}
			last = k.At
		}
		if got := fmt.Sprint(labels); got != tt.want {
			t.Errorf("axis %+v has ticks %v, want %v", tt.a, got, tt.want)
		}
	}
}
