package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// fakeRun stands for scenario.Run: it comes to figures by the seed alone. With 30
// items one is lost.
func fakeRun(_ context.Context, s scenario.Scenario, o scenario.Options) (*scenario.Result, *scenario.Details, error) {
	s = s.WithDefaults()
	if err := o.Progress(scenario.Progress{Phase: "joining", Hosts: 10}); err != nil {
		return nil, nil, err
	}
	if s.Items == 13 {
		return nil, nil, &scenario.InvariantError{Seed: s.Seed, At: 1500 * time.Millisecond, Host: "h7", Command: s.Command() + " --check", Err: errors.New("delivered twice")}
	}
	if o.Trace != nil {
		fmt.Fprintf(o.Trace, "trace of %q and %d\n", o.TracePeer, o.TraceItem)
	}
	f := float64(s.Seed)
	stretch, recovery := 1.5, 2*f
	r := &scenario.Result{
		Topology: s.Topology, Hosts: 1000, Protocol: s.Protocol, Seed: s.Seed, Publishers: []string{"h1"},
		VirtualSeconds: 71.5, Events: 2_000_000, Trace: strings.Repeat("ab", 31) + fmt.Sprintf("%02x", s.Seed), DeliveryRatio: 1,
		Latency: &scenario.Spread{Mean: 20 * f, P50: 18 * f, P90: 30 * f, P99: 40 * f, Max: 50 * f},
		Unicast: &scenario.Spread{Mean: 13, P50: 12, P90: 20, P99: 30, Max: 40}, Stretch: &stretch, Copies: 1.125, Sends: 1100,
		Control: 250, IdleControl: 120, Construction: 20_000, Membership: scenario.Membership{IndegreeMax: 12, Components: 1},
	}
	d := &scenario.Details{Scenario: s, Items: []scenario.ItemDetail{{At: 60, Expected: 999, Delivered: 999}, {At: 60.1, Expected: 999, Delivered: 998}}}
	if s.Kill > 0 {
		r.Recovery = &recovery
	}
	if s.Items == 30 {
		r.Lost, r.DeliveryRatio = 1, 29969.0/29970
	}
	return r, d, nil
}

// machine is what depends on the machine in what is printed.
var machine = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`(?m)^(peak memory|memory a peer|state of a host|wall time) +.*\n`), ""},
	{regexp.MustCompile(`in [0-9.]+ s: 2 million events, .*/s`), "in WALL: 2 million events, RATE/s"},
	{regexp.MustCompile(`"(wall_s|peak_rss_mb|bytes_per_peer|state_bytes_per_host)":[0-9.e+]+`), `"$1":N`},
}

func withoutMachine(s string) string {
	for _, m := range machine {
		s = m.re.ReplaceAllString(s, m.by)
	}
	return s
}

// simulateAs runs simulate on another simulator.
func (b *bench) simulateAs(run simulateFunc, args ...string) result {
	a, stdout, stderr := b.app("")
	a.simulate = run
	code := a.main(b.t.Context(), append([]string{"quilt-peer", "simulate"}, args...))
	return result{code, withoutMachine(stdout.String()), stderr.String()}
}

func TestSimulatePrints(t *testing.T) {
	b := newBench(t)
	table := `FIGURE                   VALUE                                                              WHICH IS
delivered                1                                                                  delivered over expected (item, survivor) pairs
lost                     0                                                                  (item, survivor) pairs never delivered
latency                  mean 40 ms, median 36 ms, 90% 60 ms, 99% 80 ms, greatest 100 ms    publish to delivery
direct send              mean 13 ms, median 12 ms, 90% 20 ms, 99% 30 ms, greatest 40 ms     one direct send from the publisher over the same pairs
stretch                  1.50                                                               mean latency over the mean of a direct send
copies received          1.12                                                               payload copies that reach honest hosts over deliveries to them
sends of an item         1,100                                                              payload transmissions over items
control traffic          250 B/s                                                            bytes sent that are no item's payload, per host and second
control traffic, idle    120 B/s                                                            the same before any item
construction             20 kB                                                              all that a host sent in the warm-up
recovery                 4 s                                                                from the kill until items come in time again
adversaries in a view    0                                                                  mean share of adversaries in the active views of honest hosts at the end
isolated hosts           0                                                                  honest hosts without an honest living neighbour
greatest in-degree       12                                                                 in how many views the most wanted host is
components               1                                                                  into how many parts the views of honest hosts fall
`
	want := "gossip on king:1000: 1,000 hosts, 100 items of 1,024 bytes, 10/s by 1 publisher, 50% killed, seed 2\n" +
		"Nothing was lost: every item reached every survivor.\n\n" + table +
		"\n71.5 s of virtual time in WALL: 2 million events, RATE/s; trace …ababab02\n"
	got := b.simulateAs(fakeRun, "--topology", "king:1000", "--seed", "2", "--kill", "0.5")
	squeeze := regexp.MustCompile(`  +`)
	got.stdout, want = squeeze.ReplaceAllString(got.stdout, "  "), squeeze.ReplaceAllString(want, "  ")
	if got != (result{0, want, ""}) {
		t.Errorf("simulate ended with %d, printed\n%s%s\nwant\n%s", got.code, got.stdout, got.stderr, want)
	}
	b.width = 100 // too narrow for what figures mean
	if got := b.simulateAs(fakeRun, "--topology", "king:1000"); !strings.Contains(got.stdout, "\nFIGURE                 VALUE\n") {
		t.Errorf("on 100 columns it printed\n%s", got.stdout)
	}
	if got := b.simulateAs(fakeRun, "--topology", "king:1000", "--trace", "item=3"); got.stderr != "trace of \"\" and 3\n" {
		t.Errorf("--trace item=3 printed %q", got.stderr)
	}
	if got := b.simulateAs(fakeRun, "--topology", "king:1000", "--trace", "peer=h7"); got.stderr != "trace of \"h7\" and 0\n" {
		t.Errorf("--trace peer=h7 printed %q", got.stderr)
	}
}

// A loss is said in words, and by the exit code; the figures are printed all the same.
func TestSimulateLost(t *testing.T) {
	b := newBench(t)
	got := b.simulateAs(fakeRun, "--topology", "king:1000", "--items", "30")
	wantErr := "quilt-peer: 1 delivery was lost with seed 1: to follow one of the items: quilt-peer simulate --topology king:1000 --items 30 --trace item=2\n"
	if got.code != 7 || got.stderr != wantErr || !strings.Contains(got.stdout, "\nLOST: 1 delivery never came") || !strings.Contains(got.stdout, "delivered  ") {
		t.Errorf("ended with %d, printed\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = b.simulateAs(fakeRun, "--json", "--topology", "king:1000", "--items", "30")
	if !strings.Contains(got.stdout, `"lost":1,`) || !strings.Contains(got.stderr, `"code":"lost"`) || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("with --json it printed\n%s%s", got.stdout, got.stderr)
	}
	got = b.simulateAs(fakeRun, "--topology", "king:1000", "--items", "13", "--kill", "0.25")
	wantErr = "quilt-peer: an invariant is broken: seed 1, 1.5s, host h7: delivered twice: it is a bug; to see it again: " +
		"quilt-peer simulate --topology king:1000 --items 13 --kill 0.25 --check\n"
	if got != (result{1, "", wantErr}) {
		t.Errorf("a broken invariant: %+v, want %s", got, wantErr)
	}
}

// Whoever ends a run that waits for the last deliveries has the figures of what there is.
func TestSimulateInterrupted(t *testing.T) {
	b := newBench(t)
	for _, seeds := range []string{"1", "3"} {
		ctx, cancel := context.WithCancel(t.Context())
		a, stdout, stderr := b.app("")
		a.simulate = func(ctx context.Context, s scenario.Scenario, o scenario.Options) (*scenario.Result, *scenario.Details, error) {
			r, d, _ := fakeRun(ctx, s, o)
			cancel()
			return r, d, ctx.Err()
		}
		code := a.main(ctx, []string{"quilt-peer", "simulate", "--topology", "king:1000", "--items", "30", "--json", "--seeds", seeds})
		if code != exitInterrupted || strings.Count(stdout.String(), `"lost":1,`) != 1 ||
			stderr.String() != "quilt-peer: interrupted with 1 delivery to come, which count as lost\n" {
			t.Errorf("%s seeds: ended with %d, printed\n%s%s", seeds, code, stdout, stderr)
		}
	}
}

// Several seeds: a line each, median and worst; with --json an object a line, which
// is what --compare reads.
func TestSimulateSeeds(t *testing.T) {
	b := newBench(t)
	got := b.simulateAs(fakeRun, "--topology", "king:1000", "--seed", "2", "--seeds", "3", "--kill", "0.5")
	for _, want := range []string{
		"(?m)^SEED +LOST +LATENCY, MEDIAN +LATENCY, GREATEST +STRETCH +COPIES RECEIVED +RECOVERY +WALL TIME$",
		`(?m)^2 +0 +36 ms +100 ms +1.50 +1.12 +4 s `, `(?m)^4 +0 +72 ms +200 ms +1.50 +1.12 +8 s `,
		`(?m)^FIGURE +MEDIAN +WORST$`, `(?m)^latency, median +54 ms +72 ms$`, `(?m)^delivered +1 +1$`, `(?m)^seeds +3$`,
	} {
		if !regexp.MustCompile(want).MatchString(got.stdout) {
			t.Errorf("no %s in\n%s", want, got.stdout)
		}
	}
	got = b.simulateAs(fakeRun, "--json", "--topology", "king:1000", "--seeds", "3")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	for i, line := range lines {
		var r scenario.Result
		if err := json.Unmarshal([]byte(strings.ReplaceAll(line, ":N", ":1")), &r); err != nil || r.Seed != uint64(i+1) {
			t.Errorf("line %d is seed %d, %v: %s", i+1, r.Seed, err, line)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines for 3 seeds", len(lines))
	}
}

// Progress: at most five times a second on a terminal, and gone at the end.
func TestSimulateProgress(t *testing.T) {
	var out strings.Builder
	start := time.Unix(1000, 0)
	g := &progress{w: &out, width: 60, start: start, last: start}
	p := scenario.Progress{Phase: "publishing", Now: 62 * time.Second, End: 130 * time.Second, EventsLeft: 3_000_000, Hosts: 10, Delivered: 50, Expected: 100}
	for ms := range 1000 {
		p.Events += 100
		g.update(start.Add(time.Duration(ms)*time.Millisecond), p)
	}
	if n := strings.Count(out.String(), "\r"); n != 4 {
		t.Errorf("shown %d times in a second", n)
	}
	out.Reset()
	p.Events = g.events + 420_000
	g.width = 200
	g.update(g.last.Add(4200*time.Millisecond), p)
	want := "\r\x1b[Kpublishing  1m2s of 2m10s  500,100 events, 100,000/s  50% delivered  about 30 s left"
	if out.String() != want {
		t.Errorf("progress is %q, want %q", out.String(), want)
	}
	for _, tt := range []struct {
		delivered, expected int
		want                string
	}{
		{0, 10, "0% delivered"},
		{10, 10, "100% delivered"},
		{99, 100, "99% delivered"},
		{9_988_765, 10_000_000, "all but 11,235 delivered"},
		{999, 1000, "all but 1 delivered"},
	} {
		if got := delivered(scenario.Progress{Delivered: tt.delivered, Expected: tt.expected}); got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.delivered, tt.expected, got, tt.want)
		}
	}
	out.Reset()
	g.width = 20
	g.update(start.Add(6*time.Second), p)
	if shown := strings.TrimPrefix(out.String(), "\r\x1b[K"); len(shown) != 19 {
		t.Errorf("on 20 columns it is %q", shown)
	}
	out.Reset()
	g.clear()
	if out.String() != "\r\x1b[K" {
		t.Errorf("it is cleared by %q", out.String())
	}
	for _, tt := range []struct {
		phase string
		left  time.Duration
		want  string
	}{
		{"joining", 3400 * time.Millisecond, "perhaps 3 s left"}, {"warming up", 47 * time.Second, "about 45 s left"},
		{"publishing", 100 * time.Second, "about 2 min left"}, {"draining", 90 * time.Minute, "at most 1.5 h left"},
	} {
		if got := estimate(tt.phase, tt.left); got != tt.want {
			t.Errorf("%v in %s is %q, want %q", tt.left, tt.phase, got, tt.want)
		}
	}
	a, _, _ := newBench(t).app("")
	if a.newProgress(false, &experiment{}) != nil {
		t.Error("there is progress where stderr is no terminal")
	}
	if a.newProgress(true, &experiment{}) == nil {
		t.Error("there is no progress although it was asked for")
	}
}

// The shell completes values.
func TestSimulateCompletes(t *testing.T) {
	b := newBench(t)
	for flag, want := range map[string]string{"--topology": "grid5000:", "--protocol": "gossip:", "--attack": "withhold:announces every item", "--trace": "item=:", "--kill-mode": "reset:", "--par": "--partition-for"} {
		if got := b.run("simulate", flag, "--generate-shell-completion"); got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("after %s the shell offers %q, want %q", flag, got.stdout, want)
		}
	}
}

// The real thing in a process of its own: same seed, same trace; another, another.
// Its report has the result that it printed, and Ctrl-C ends it.
func TestSimulateProcess(t *testing.T) {
	b := newBench(t)
	dir := filepath.Join(t.TempDir(), "out")
	base := []string{"simulate", "--topology", "lognormal:50", "--items", "5", "--warmup", "8s"}
	run := func(args ...string) scenario.Result {
		got := b.spawn(slices.Concat(base, args, []string{"--json"})...).end()
		var r scenario.Result
		if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || got.code != 0 || got.stderr != "" {
			t.Fatalf("%v: %+v, %v", args, got, err)
		}
		return r
	}
	first, again, other := run("--report", dir), run(), run("--seed", "2")
	if first.Hosts != 50 || first.Lost != 0 || first.DeliveryRatio != 1 || first.WallSeconds <= 0 || first.PeakRSS <= 0 || first.BytesPerPeer <= 0 || first.State <= 0 {
		t.Errorf("it came to %+v", first)
	}
	if len(first.Trace) != 64 || again.Trace != first.Trace || other.Trace == first.Trace {
		t.Errorf("traces of seeds 1, 1 and 2: %s, %s, %s", first.Trace, again.Trace, other.Trace)
	}
	if got := b.run("simulate", "--compare", dir, dir); got.code != 0 || !strings.Contains(got.stdout, "B is better in 0 and worse in 0") {
		t.Errorf("the report compared with itself: %+v", got)
	}
	p := b.spawn(slices.Concat(base, []string{"--seeds", "1000", "--json"})...)
	p.until("\n")
	p.signal(syscall.SIGINT)
	if got := p.end(); got.code != 130 || got.stderr != "" {
		t.Errorf("after SIGINT it ended with %+v", got)
	}
}

// A directory of a topology, right and wrong.
func TestSimulateDirectory(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	files := map[string]string{
		"topology.json": `{"name": "three", "hosts": "hosts.csv", "rtt_ms": "rtt.csv", "same_cluster_rtt_ms": 0.1, "same_location_rtt_ms": 0.2}`,
		"hosts.csv": "host,location,cluster,addr,dns,routers,nat,ipmc,up_mbps,down_mbps\n" +
			"a,0,x,192.0.2.1,,,none,,10,10\nb,1,y,192.0.2.2,,,none,,10,10\nc,1,y,192.0.2.3,,,none,,10,10\n",
		"rtt.csv": "0,20\n20,0\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "a", "report")
	got := b.run("simulate", "--topology", dir, "--items", "2", "--warmup", "5s", "--report", out)
	if got.code != 0 || !strings.HasPrefix(got.stdout, "gossip on three: 3 hosts, 2 items") || !strings.HasSuffix(got.stdout, "report: "+out+"/index.html\n") {
		t.Errorf("three hosts: %+v", got)
	}
	if got := b.run("simulate", "--topology", dir, "--publisher", "zoe"); got.code != 2 || !strings.Contains(got.stderr, "--publisher zoe") {
		t.Errorf("a publisher who does not exist: %+v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "rtt.csv"), []byte("0,20\n-3,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got = b.run("simulate", "--topology", dir, "--json")
	var e struct{ Error, Hint, Code string }
	if err := json.Unmarshal([]byte(got.stderr), &e); err != nil || got.code != 2 || e.Code != "usage" || e.Hint == "" ||
		!strings.HasPrefix(e.Error, filepath.Join(dir, "rtt.csv")+":2:1: ") {
		t.Errorf("a negative round trip: %+v, %v", got, err)
	}
	if got := b.run("simulate", "--topology", filepath.Dir(dir)); got.code != 2 || !strings.Contains(got.stderr, filepath.Join(filepath.Dir(dir), "topology.json")+": no such file") {
		t.Errorf("a directory without topology.json: %+v", got)
	}
	if got := b.run("simulate", "--topology", "lognormal:x"); got.code != 2 || !strings.Contains(got.stderr, "choose grid5000") {
		t.Errorf("lognormal:x: %+v", got)
	}
}
