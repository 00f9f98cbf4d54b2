package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePeer is a program that prints a result.
func fakePeer(t *testing.T, prints string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peer")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+prints+"'\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const recorded = `# a comment
run --topology lognormal:10
  lost                                      0    exact
  latency_ms.p50                           40      10%
  recovery_s                             null      10%
`

// TestDrift: within the margin passes, beyond it is counted, null is a value.
func TestDrift(t *testing.T) {
	for _, c := range []struct {
		prints string
		drifts int
	}{
		{`{"lost":0,"latency_ms":{"p50":40},"recovery_s":null}`, 0},
		{`{"lost":0,"latency_ms":{"p50":43.9},"recovery_s":null}`, 0},
		{`{"lost":0,"latency_ms":{"p50":35.9},"recovery_s":null}`, 1},
		{`{"lost":1,"latency_ms":null,"recovery_s":2}`, 3},
	} {
		file := filepath.Join(t.TempDir(), "figures.txt")
		if err := os.WriteFile(file, []byte(recorded), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		drifts, err := check(fakePeer(t, c.prints), file, false, &out)
		if err != nil || drifts != c.drifts || strings.Count(out.String(), "DRIFTED") != c.drifts {
			t.Errorf("%s: %d drifts, %v\n%s", c.prints, drifts, err, &out)
		}
		if now, _ := os.ReadFile(file); string(now) != recorded {
			t.Errorf("the file was changed: %s", now)
		}
		if _, err := check(fakePeer(t, c.prints), file, true, &out); err != nil {
			t.Fatal(err)
		}
		if drifts, err := check(fakePeer(t, c.prints), file, false, &out); err != nil || drifts != 0 {
			now, _ := os.ReadFile(file)
			t.Errorf("%s: recorded, and then %d drifts, %v\n%s", c.prints, drifts, err, now)
		}
	}
}

// TestBadFiles: what cannot be checked is an error with its place.
func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no experiment"},
		{"lost 0 exact", "line 1: a figure before the first run"},
		{"run --x\n lost 0", "line 2: "},
		{"run --x\n lost none exact", "neither a number nor null"},
		{"run --x\n lost 0 10", "neither \"exact\" nor a percentage"},
		{"run --x\n lost 0 -3%", "neither \"exact\" nor a percentage"},
		{"run --x\n missing 0 exact", "no field missing"},
		{"run --x\n latency_ms 0 exact", "not a number"},
	} {
		file := filepath.Join(t.TempDir(), "figures.txt")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := check(fakePeer(t, `{"lost":0,"latency_ms":{"p50":40}}`), file, false, &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := check("", "figures.txt", false, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "-peer") {
		t.Errorf("without a program: %v", err)
	}
	if _, err := check(fakePeer(t, "no JSON"), "figures.txt", false, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "printed no result") {
		t.Errorf("a program that prints no JSON: %v", err)
	}
}
