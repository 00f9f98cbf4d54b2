package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// What makes no sense is refused before anything is run, with the flag and the fix.
func TestSimulateRefuses(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	never := func(context.Context, scenario.Scenario, scenario.Options) (*scenario.Result, *scenario.Details, error) {
		t.Error("it was run")
		return nil, nil, errors.New("never")
	}
	for _, tt := range []struct{ args, want string }{
		{"", "--topology: on which network?"},
		{"king:10", `simulate takes no argument, got "king:10": everything is a flag`},
		{"--topology quin:10", "--topology quin:10: there is no topology and no directory of that name: choose grid5000, lognormal:N or king:N (N hosts, 2 to 100000), or a directory with a topology.json\n"},
		{"--topology " + file, "--topology " + file + " is a file: name the directory that has topology.json\n"},
		{"--topology king:10 --kill 1.5", "--kill 1.5: a share from 0 to 1 is possible"},
		{"--topology king:10 --kill half", "--kill half: a number is possible"},
		{"--topology king:10 --loss -0.1", "--loss -0.1: a share from 0 to 1"},
		{"--topology king:10 --late NaN", "--late NaN: a share from 0 to 1"},
		{"--topology king:10 --warmup soon", "--warmup soon: a duration is possible, as 90s or 0.2ms"},
		{"--topology king:10 --items 0", "--items 0: it must be above 0: leave it out for the default\n"},
		{"--topology king:10 --rate 0.0", "--rate 0.0: it must be above 0"},
		{"--topology king:10 --drain 0s", "--drain 0s: it must be above 0"},
		{"--topology king:10 --items -1", "--items -1: a number from 1 to"},
		{"--topology king:10 --protocol gosip", "gosip"},
		{"--topology king:10 --kill 0.5 --kill-mode loud", "--kill-mode loud: silent or reset is possible"},
		{"--topology king:10 --kill-mode reset", "--kill-mode means nothing without --kill: add --kill with a share from 0 to 1, or leave it out\n"},
		{"--topology king:10 --kill-publishers 1", "--kill-publishers 1: of 1 publishers; somebody must go on"},
		{"--topology king:10 --kill-publishers 0", "--kill-publishers 0: it must be above 0"},
		{"--topology king:10 --publishers 2 --split", "--split means nothing without --partition: add --partition"},
		{"--topology king:10 --partition 0.5 --split", "--split: there is 1 publisher, who cannot be in both parts"},
		{"--topology king:10 --partition-for 3s", "--partition-for means nothing without --partition"},
		{"--topology king:10 --attack silent", "--attack means nothing without --adversaries"},
		{"--topology king:10 --adversaries 0.1", "--adversaries 0.1: what do they do? Name it by --attack"},
		{"--topology king:10 --adversaries 0.1 --attack slient", "--attack slient: unknown attack"},
		{"--topology king:10 --trace everything", "--trace everything: it is neither a peer nor an item: write peer=NAME"},
		{"--topology king:10 --trace item=0", "--trace item=0: it is neither a peer nor an item"},
		{"--topology king:10 --trace item=1000", "items are 1 to 100"},
		{"--topology king:10 --seeds 0", "--seeds 0: 1 to 1000 are possible"},
		{"--topology king:10 --seeds 2 --report x", "--report shows one run, but --seeds runs several"},
		{"--topology king:10 --seeds 2 --trace item=1", "--trace follows one run, but --seeds runs several"},
		{"--topology king:10 --report " + dir, dir + " has other files in it, and no earlier report: name a new or an empty directory\n"},
		{"--topology king:10 --publisher a,a", "--publisher a: named twice"},
		{"--topology king:10 --colour", "there is no flag -colour"},
	} {
		if got := b.simulateAs(never, strings.Fields(tt.args)...); got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("simulate %s: %+v, want %q", tt.args, got, tt.want)
		}
	}
}

// Every flag of a scenario is one of the command, and what it reads gets there.
func TestSimulateFlags(t *testing.T) {
	b := newBench(t)
	values := map[string]string{"topology": "king:10", "protocol": "gossip", "publisher": "h1,h2", "kill-mode": "reset", "attack": "silent",
		"warmup": "10s", "deadline": "8s", "drain": "9s", "processing": "0s", "churn": "1m0s", "partition-for": "7s", "codec": "", "split": "", "kill-publishers": "1"}
	for _, name := range scenario.FlagNames() {
		value, ok := values[name]
		if !ok {
			value = map[bool]string{true: "0.25", false: "3"}[slices.Contains([]string{"kill", "loss", "jitter", "partition", "late", "adversaries"}, name)]
		}
		args := []string{"--topology", "king:10"}
		var want scenario.Scenario
		set := func(name, value string) {
			if name == "codec" || name == "split" {
				args = append(args, "--"+name)
				value = "true"
			} else if name != "topology" {
				args = append(args, "--"+name, value)
			}
			if err := want.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		set("topology", "king:10")
		if name != "topology" {
			set(name, value)
		}
		for _, n := range needs {
			if n[0] == name {
				set(n[1], "0.5")
			}
			if n[1] == name && name == "adversaries" {
				set(n[0], "silent")
			}
		}
		if name == "split" || name == "kill-publishers" {
			set("publishers", "3")
		}
		if name == "kill-mode" {
			set("kill", "0.5")
		}
		run := func(ctx context.Context, s scenario.Scenario, o scenario.Options) (*scenario.Result, *scenario.Details, error) {
			want.Seed = want.WithDefaults().Seed // runSeeds gives each its own
			if got := s.Command(); got != want.Command() || s.Processing != want.Processing {
				t.Errorf("%v ran %s, want %s", args, got, want.Command())
			}
			return fakeRun(ctx, s, o)
		}
		if got := b.simulateAs(run, args...); got.code != 0 {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
