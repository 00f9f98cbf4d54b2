package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/sim/optimum"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

func lines(t *testing.T, args ...string) (list []line) {
	t.Helper()
	var out strings.Builder
	if err := run(args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(out.String())); ; {
		var l line
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
}

func TestSearch(t *testing.T) {
	args := []string{"-topology", "lognormal:60", "-publishers", "2", "-seed", "3", "-steps", "20000", "-samples", "20", "-multicast"}
	list := lines(t, args...)
	if len(list) != 2 || list[0].Publisher == list[1].Publisher {
		t.Fatalf("%+v", list)
	}
	for _, l := range list {
		a := l.Annealed
		if l.Seed != 3 || l.Size != 1024 || !l.InTurn || a.Latency > l.Sampled.Latency || a.Latency > l.Bandwidth.Latency ||
			a.Latency > l.Start.Latency || l.Sampled.Latency > l.Five.Latency || a.Latency < l.Floor || l.MulticastSends < 1 || l.Measured != nil {
			t.Errorf("%+v", l)
		}
	}
	again := lines(t, args...)
	if again[1].Annealed != list[1].Annealed {
		t.Errorf("%+v, and again %+v", list[1].Annealed, again[1].Annealed)
	}
	plain := lines(t, append(args, "-alone", "-unpunched", "-degree", "60")...)[0]
	if plain.InTurn || plain.Bandwidth != nil || plain.Annealed.Latency > 1.01*plain.Floor {
		t.Errorf("without bounds of degree the quickest paths are a tree: %+v", plain)
	}
}

// With a result the search is on the very instance of the experiment, and says how far
// that was from the best.
func TestResult(t *testing.T) {
	s := scenario.Scenario{Topology: "lognormal:40", Seed: 5, Items: 5, Warmup: 10 * time.Second}
	res, _, err := scenario.Run(context.Background(), s, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.json")
	data, err := json.Marshal(res)
	if err == nil {
		err = os.WriteFile(path, append(data, append([]byte("\n"), data...)...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	list := lines(t, "-topology", "lognormal:40", "-result", path, "-steps", "20000")
	if len(list) != 2 || list[0].Publisher != res.Publishers[0] || list[0].Seed != 5 || *list[0].Measured != res.Latency.Mean {
		t.Fatalf("%+v", list)
	}
	l := list[0]
	if d := l.Annealed.Unicast / res.Unicast.Mean; d < 0.999 || d > 1.001 {
		t.Errorf("a direct send takes %v ms, in the experiment %v", l.Annealed.Unicast, res.Unicast.Mean)
	}
	if *l.Ratio != *l.Measured/l.Annealed.Latency || *l.Ratio < 1 {
		t.Errorf("ratio %v of %v over %v", *l.Ratio, *l.Measured, l.Annealed.Latency)
	}
}

// With a protocol's peers the search has their bounds, goes on from their tree, and says
// how far from the best that is.
func TestPeers(t *testing.T) {
	list := lines(t, "-topology", "lognormal:40", "-peers", "omni", "-seed", "3", "-seeds", "2", "-steps", "20000", "-samples", "20")
	if len(list) != 2 || list[0].Seed != 3 || list[1].Seed != 4 {
		t.Fatalf("%+v", list)
	}
	for _, l := range list {
		if d := l.Peers.Latency / *l.Measured; d < 0.9 || d > 1.02 {
			t.Errorf("items took %v ms, by the peers' tree they take %v", *l.Measured, l.Peers.Latency)
		}
		for _, f := range []*optimum.Figures{l.Reparents, l.Exchanges, l.ParentSwaps} {
			if f.Latency > l.Peers.Latency || f.Latency < l.Floor {
				t.Errorf("improved, the peers' tree takes %v ms, before %v, floor %v", f.Latency, l.Peers.Latency, l.Floor)
			}
		}
		if l.Annealed.Latency > l.Peers.Latency || *l.Ratio != *l.Measured/l.Annealed.Latency {
			t.Errorf("annealed %v ms, the peers %v, ratio %v", l.Annealed.Latency, l.Peers.Latency, *l.Ratio)
		}
	}
}

func TestBadFlags(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.json")
	other := filepath.Join(t.TempDir(), "other.json")
	for path, text := range map[string]string{empty: "", other: `{"topology":"x"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"", "--topology: on which network?"},
		{"-topology king:9 more", `"more": everything is a flag`},
		{"-topology king:9 -publisher h1 -publishers 2", "-publisher and -publishers: choose one"},
		{"-topology king:9 -publisher nobody", "--publisher nobody: topology king:9 has no host of that name"},
		{"-topology king:9 -steps -1", "-steps -1: 0 to"},
		{"-topology king:9 -seeds 0", "-seeds 0: 1 to"},
		{"-topology king:9 -peers omni -alone", "-peers: -result, -degree, -alone"},
		{"-topology king:9 -peers gossip -steps 0", "it makes no tree"},
		{"-topology king:9 -samples 1000000", "-samples 1000000: 0 to"},
		{"-topology king:9 -degree 0", "-degree 0: it must be above 0"},
		{"-topology king:9 -size many", "a number of bytes is possible"},
		{"-topology king:9 -result " + empty, "no result of quilt-peer simulate --json"},
		{"-topology king:9 -result " + other, "object 1 names no publishers"},
		{"-topology king:9 -result nowhere", "-result: open nowhere"},
		{"-topology king:9 -result x -seed 1", "-seed: -result has them"},
		{"-topology nowhere", "--topology nowhere"},
		{"-topology king:5000", "a search over all is possible up to 4096"},
	} {
		if err := run(strings.Fields(c.args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.args, err, c.want)
		}
	}
	err := run(strings.Fields("-topology lognormal:40 -degree 1 -unpunched -seed 1"), io.Discard, io.Discard)
	if !errors.Is(err, optimum.ErrInfeasible) {
		t.Errorf("a chain through NATs: %v", err)
	}
}
