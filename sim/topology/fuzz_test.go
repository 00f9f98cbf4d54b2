package topology

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

// FuzzLoad: whatever is in the three files, they are refused with a place that
// exists and an advice, or make a topology that keeps its promises and whose table
// of hosts, written again, reads the same.
func FuzzLoad(f *testing.F) {
	f.Add(goodSettings, goodHosts, goodMatrix)
	f.Add(goodSettings, goodHosts, "0,5\n5.04,0")
	f.Add(`{"name":"é","locations":["a"],"rtt_ms":"rtt_ms.csv","hosts":"hosts.csv","same_location_rtt_ms":1e-3,"same_cluster_rtt_ms":0}`,
		goodHeader+"\"a\"\"\",0,c,::1:1,,,firewall,m,1e3,.5\n", "0")
	f.Add("{", "host", "a,b")
	f.Fuzz(func(t *testing.T, settings, hosts, matrix string) {
		files := map[string]string{"topology.json": settings, "hosts.csv": hosts, "rtt_ms.csv": matrix}
		fsys := fstest.MapFS{}
		for name, data := range files {
			fsys[name] = &fstest.MapFile{Data: []byte(data)}
		}
		top, err := Load(fsys, ".")
		if err != nil {
			checkFormatError(t, err, files)
			return
		}
		if err := top.Validate(); err != nil {
			t.Fatal(err)
		}
		for a := range min(len(top.Hosts), 30) {
			for b := range min(len(top.Hosts), 30) {
				if d := top.RTT(a, b); d < 0 || d > MaxRTT || d != top.RTT(b, a) || a == b && d != 0 {
					t.Fatalf("RTT(%d, %d) = %v, back %v", a, b, d, top.RTT(b, a))
				}
			}
		}
		again := renderHosts(t, top.Hosts)
		fsys["hosts.csv"] = &fstest.MapFile{Data: []byte(again)}
		second, err := Load(fsys, ".")
		if err != nil {
			t.Fatalf("written again, it is refused: %v\n%s", err, again)
		}
		if got := renderHosts(t, second.Hosts); got != again {
			t.Fatalf("written again:\n%s\nand again:\n%s", again, got)
		}
	})
}

func checkFormatError(t *testing.T, err error, files map[string]string) {
	t.Helper()
	var e *FormatError
	if !errors.As(err, &e) {
		t.Fatalf("not a FormatError: %v", err)
	}
	if e.Problem == "" || e.Advice == "" {
		t.Fatalf("says too little: %+v", e)
	}
	// csv counts one line more at the end of a file.
	if lines := strings.Count(files[e.File], "\n") + 2; e.Line > lines {
		t.Fatalf("%v: there are %d lines", err, lines-1)
	}
}
