package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// settings are the numbers of a result that say what was run, not what came of it.
var settings = []string{"hosts", "seed", "k"}

// Every number of a result has a field, and each field gives that number.
func TestFieldsAreComplete(t *testing.T) {
	r, _ := crafted(10, 10)
	r.Patches, r.PatchConvergence, r.PatchPrecision, r.PatchRecall, r.PatchReachablePair = ptr(3), ptr(1.5), ptr(0.9), ptr(0.8), ptr(77.0)
	r.Vanished, r.Merge, r.Continuity = 3, ptr(4.5), ptr(0.875)
	r.Large = &scenario.Large{Pieces: 9, OneCopy: 1.25, Slowest: 2.5, All: ptr(5.5), Ratio: ptr(4.25), UpMean: 0.75, UpMax: 1.125}
	r.Lost, r.DeliveryRatio, r.Membership.ByzantineShare, r.Membership.Isolated = 5, 0.95, 0.01, 2
	r.Tree = &scenario.Tree{Roots: 1, Orphans: 2, DepthMean: 3.5, DepthMax: 8, MovesMean: 2.25, MovesMax: 17, DegreeMax: 6, DegreeUse: 0.25}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]float64{}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	for k, v := range object {
		switch v := v.(type) {
		case float64:
			numbers[k] = v
		case map[string]any:
			for part, v := range v {
				numbers[k+"."+part] = v.(float64)
			}
		case nil:
			t.Errorf("the result has no %s: fill it in here", k)
		}
	}
	for _, f := range Fields {
		want, known := numbers[f.Key]
		if got, ok := f.Value(r); !known || !ok || got != want {
			t.Errorf("field %s is %v, %v; the JSON has %v", f.Key, got, ok, want)
		}
		delete(numbers, f.Key)
	}
	for k := range numbers {
		if !slices.Contains(settings, k) {
			t.Errorf("%s of a result has no field", k)
		}
	}
}

// The page of documentation has every field, and says the same of it.
func TestFieldsAreDocumented(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "simulate.md")
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for i, f := range Fields {
		name, parts := "`"+f.Key+"`", []string{}
		if f.Group != f.Key && f.Group != "membership" && f.Group != "tree" && f.Group != "large" {
			if i > 0 && Fields[i-1].Group == f.Group {
				continue
			}
			for _, g := range Fields {
				if g.Group == f.Group {
					parts = append(parts, strings.TrimPrefix(g.Key, g.Group+"."))
				}
			}
			name = "`" + f.Group + "` {" + strings.Join(parts, " ") + "}"
		}
		table.WriteString("| " + name + " | " + f.Means + " |\n")
	}
	if !strings.Contains(string(doc), table.String()) {
		t.Errorf("%s should have this table:\n%s", file, &table)
	}
}

// A recovery that there was not is told from a kill that there was not.
func TestNotRecovered(t *testing.T) {
	r, _ := crafted(10, 10)
	f, _ := FieldOf("recovery_s")
	if got := f.Text(r); got != "6.35 s" {
		t.Errorf("recovered after %q", got)
	}
	r.Recovery = nil
	if got := f.Text(r); got != notRecovered {
		t.Errorf("not recovered is %q", got)
	}
	r.FirstAfterKill = nil
	if got := f.Text(r); got != "" {
		t.Errorf("without a kill recovery is %q", got)
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{
		{0, "ms", "0 ms"}, {0.2345, "ms", "0.23 ms"}, {1.234, "ms", "1.23 ms"}, {34.56, "ms", "34.6 ms"}, {345.6, "ms", "346 ms"},
		{6400, "ms", "6,400 ms"}, {12_345, "ms", "12.3 s"}, {6.35, "s", "6.35 s"}, {7, "s", "7 s"},
		{999, "B", "999 B"}, {1024, "B", "1.02 kB"}, {999_700, "B", "1 MB"}, {23_456, "B/s", "23.5 kB/s"}, {14_000, "MB", "14 GB"},
		{2_500_000, "MB", "2,500 GB"}, {1528, "", "1,528"}, {152_700, "", "152,700"}, {5_140_000, "", "5.14 million"}, {-1234, "", "-1,234"},
	} {
		if got := Format(tt.v, tt.unit); got != tt.want {
			t.Errorf("%v %s is written %q, want %q", tt.v, tt.unit, got, tt.want)
		}
	}
	f, _ := FieldOf("delivery_ratio")
	for v, want := range map[float64]string{1: "1", 0.5: "0.500", 0.9996: "0.9996", 0.99995: "0.99995", 0.999999999: "0.99999999", 0: "0.000"} {
		if got := f.Format(v); got != want {
			t.Errorf("a delivery ratio of %v is written %q, want %q", v, got, want)
		}
	}
}

// Two crafted results, and what is said of each figure.
func TestCompare(t *testing.T) {
	a, _ := crafted(10, 10)
	b, _ := crafted(10, 10)
	b.Latency = &scenario.Spread{Mean: 210, P50: 150, P90: 330, P99: 900, Max: 6400} // better, within 5%, worse
	b.Lost, b.DeliveryRatio = 1, 0.9999
	b.Recovery = nil
	b.Patches = ptr(4)
	b.TreeNodes = ptr(500)
	b.WallSeconds = 15 // within 25%
	b.PeakRSS = 300
	want := map[string]string{
		"delivery_ratio": Worse, "lost": Worse, "latency_ms.p50": Better, "latency_ms.p90": Same, "latency_ms.p99": Worse, "latency_ms.max": Same,
		"recovery_s": OnlyA, "patches": OnlyB, "tree_nodes": Different, "wall_s": Same, "peak_rss_mb": Better, "patch_recall": "",
	}
	got := map[string]string{}
	for _, d := range Compare(Side{a}, Side{b}) {
		got[d.Field.Key] = d.Verdict
		if _, ok := want[d.Field.Key]; !ok && d.Verdict != Same {
			t.Errorf("%s is %q, though it is the same", d.Field.Key, d.Verdict)
		}
		ratio, ok := d.Ratio()
		if d.Field.Key == "latency_ms.p50" && (!ok || ratio != 150.0/190) || d.Field.Key == "lost" && ok {
			t.Errorf("the ratio of %s is %v, %v", d.Field.Key, ratio, ok)
		}
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
}

// Over several seeds medians count, and only beyond all that A had.
func TestCompareSeeds(t *testing.T) {
	side := func(medians ...float64) (s Side) {
		for _, m := range medians {
			s = append(s, &scenario.Result{Latency: &scenario.Spread{P50: m}})
		}
		return s
	}
	for _, tt := range []struct {
		a, b Side
		want string
	}{
		{side(100, 90, 110), side(70, 80, 75), Better},
		{side(100, 70, 130), side(70, 80, 75), Same}, // A had 70 too
		{side(100, 100, 100), side(500, 104, 50), Same},
		{side(100, 90, 110), side(120, 112, 130), Worse},
		{append(side(100, 90), &scenario.Result{}), side(150), Worse}, // one seed of A has none
	} {
		for _, d := range Compare(tt.a, tt.b) {
			if d.Field.Key == "latency_ms.p50" && d.Verdict != tt.want {
				t.Errorf("medians %v and %v: %s, want %s", d.A, d.B, d.Verdict, tt.want)
			}
		}
	}
	f, _ := FieldOf("latency_ms.p50")
	if m, _ := side(3, 1, 2, 10).Median(f); m != 2.5 {
		t.Errorf("the median of 3, 1, 2, 10 is %v", m)
	}
	if w, _ := side(3, 1, 2, 10).Worst(f); w != 10 {
		t.Errorf("the worst latency of 3, 1, 2, 10 is %v", w)
	}
	ratio, _ := FieldOf("delivery_ratio")
	if w, _ := (Side{{DeliveryRatio: 1}, {DeliveryRatio: 0.5}}).Worst(ratio); w != 0.5 {
		t.Errorf("the worst delivery ratio is %v", w)
	}
	if _, ok := (Side{{}}).Worst(f); ok {
		t.Error("there is a worst latency without any")
	}
}
