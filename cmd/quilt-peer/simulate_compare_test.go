package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/sim/report"
)

func TestSimulateCompare(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	a, c := filepath.Join(dir, "a.json"), filepath.Join(dir, "c.json")
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(a, strings.ReplaceAll(b.simulateAs(fakeRun, "--json", "--topology", "king:1000", "--seed", "2").stdout, ":N", ":1000"))
	write(c, strings.ReplaceAll(b.simulateAs(fakeRun, "--json", "--topology", "king:1000", "--seed", "1", "--kill", "0.5").stdout, ":N", ":1000"))
	got := b.run("simulate", "--compare", a, c)
	for _, want := range []string{
		`(?m)^A  .*a.json: gossip on king:1000, 1000 hosts, seed 2$`, `(?m)^B  .*c.json: gossip on king:1000, 1000 hosts, seed 1$`,
		`(?m)^FIGURE +A +B +B/A +B IS +MARGIN$`, `(?m)^latency, median +36 ms +18 ms +0.50 +better +5%$`, `(?m)^lost +0 +0 +- +any$`,
		`(?m)^recovery +- +2 s +only in B +5%$`, `(?m)^direct send, median +12 ms +12 ms +1.00 +-$`, `(?m)^wall time +1,000 s +1,000 s +1.00 +- +25%$`,
		`(?m)^B is better in 5 and worse in 0 of \d+ figures; one seed proves little`,
	} {
		if !regexp.MustCompile(want).MatchString(got.stdout) {
			t.Errorf("no %s in\n%s", want, got.stdout)
		}
	}
	got = b.run("simulate", "--compare", "--json", c, a)
	var cmp compared
	if err := json.Unmarshal([]byte(got.stdout), &cmp); err != nil || cmp.Better != 0 || cmp.Worse != 5 || cmp.A != c {
		t.Errorf("with --json: %v, %+v", err, cmp)
	}
	i := slices.IndexFunc(cmp.Fields, func(f comparedField) bool { return f.Field == "latency_ms.p50" })
	if i < 0 || *cmp.Fields[i].Ratio != 2 || cmp.Fields[i].Verdict != report.Worse || cmp.Fields[i].Margin != report.Margin {
		t.Errorf("latency_ms.p50 of %+v", cmp)
	}
	bad := filepath.Join(dir, "bad.json")
	write(bad, "{}")
	hint := ": give what --json printed, and nothing else\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{a}, "--compare needs two results, got 1: give two files of --json, or directories of --report\n"},
		{[]string{a, bad}, bad + " is no result of simulate (it has no protocol, topology or trace_sha256)" + hint},
		{[]string{a, filepath.Join(dir, "none.json")}, "open " + dir + "/none.json: no such file or directory: give a file of --json, or a directory of --report\n"},
		{[]string{a, dir}, "open " + dir + "/result.json: no such file or directory: give a file of --json, or a directory of --report\n"},
		{[]string{a, c, "--kill", "0.5"}, "--compare runs nothing, but there is --kill: leave one of them out\n"},
	} {
		if got := b.run(append([]string{"simulate", "--compare"}, tt.args...)...); got != (result{2, "", "quilt-peer: " + tt.want}) {
			t.Errorf("--compare %v: %+v, want %s", tt.args, got, tt.want)
		}
	}
	write(bad, "not JSON")
	if got := b.run("simulate", "--compare", a, bad); got.code != 2 || !strings.Contains(got.stderr, "is no result of simulate (invalid character") {
		t.Errorf("a file that is not JSON: %+v", got)
	}
	write(bad, "")
	if got := b.run("simulate", "--compare", a, bad); got.code != 2 || !strings.Contains(got.stderr, "is no result of simulate (it is empty)") {
		t.Errorf("an empty file: %+v", got)
	}
}
