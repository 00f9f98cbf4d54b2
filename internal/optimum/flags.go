package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/quilt-p2p/quilt/sim/optimum"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

// query is what the command line asks for.
type query struct {
	scenario  scenario.Scenario
	result    string
	peers     string
	seeds     int
	steps     int
	samples   int
	degree    int
	alone     bool
	unpunched bool
	multicast bool
}

// Bounds of the flags (our guesses of what nobody exceeds by purpose).
const (
	maxSteps   = 1_000_000_000
	maxSamples = 100_000
	maxSeeds   = 1000
)

// shared are the flags that quilt-peer simulate has too; scenario.Set reads them.
var shared = []struct{ name, usage string }{
	{"topology", "network: a built-in name, or a directory"},
	{"publisher", "hosts by name, commas between them"},
	{"publishers", "draw so many"},
	{"seed", "of the search, and of all that the simulation draws: hole punches, publishers, drawn networks"},
	{"size", "bytes of an item's payload"},
	{"processing", "time a host takes to verify an item"},
}

// parse reads the flags.
func parse(args []string, usage io.Writer) (*query, error) {
	var q query
	f := flag.NewFlagSet("optimum", flag.ContinueOnError)
	f.SetOutput(usage)
	for _, s := range shared {
		f.Func(s.name, s.usage, func(v string) error { return q.scenario.Set(s.name, v) })
	}
	f.StringVar(&q.result, "result", "", "file of quilt-peer simulate --json: its publishers and seeds")
	f.StringVar(&q.peers, "peers", "", "protocol with a tree: run the experiment first, and search with the bounds of degree that its peers have, from the tree that they made too")
	f.IntVar(&q.seeds, "seeds", 1, "so many seeds from -seed on, one after the other")
	f.IntVar(&q.steps, "steps", optimum.Steps, "steps of annealing")
	f.IntVar(&q.samples, "samples", optimum.Samples, "sampled reparents a host, after the five moves from a random start")
	f.IntVar(&q.degree, "degree", 0, "most children of any host, instead of what its uplink allows")
	f.BoolVar(&q.alone, "alone", false, "count every copy as if it were alone at its uplink, and no downlink")
	f.BoolVar(&q.unpunched, "unpunched", false, "no links through hole punches")
	f.BoolVar(&q.multicast, "multicast", false, "also the least with IP multicast in its domains")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	return &q, q.check(f)
}

// check says what is wrong with the flags, but those that the scenario checks itself.
func (q *query) check(f *flag.FlagSet) error {
	given := make(map[string]bool)
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q: everything is a flag", f.Arg(0))
	case given["publisher"] && given["publishers"]:
		return errors.New("-publisher and -publishers: choose one")
	case q.steps < 0 || q.steps > maxSteps:
		return fmt.Errorf("-steps %d: 0 to %d are possible", q.steps, maxSteps)
	case q.samples < 0 || q.samples > maxSamples:
		return fmt.Errorf("-samples %d: 0 to %d are possible", q.samples, maxSamples)
	case q.seeds < 1 || q.seeds > maxSeeds:
		return fmt.Errorf("-seeds %d: 1 to %d are possible", q.seeds, maxSeeds)
	case q.peers != "" && (q.result != "" || q.degree != 0 || q.alone || q.unpunched):
		return errors.New("-peers: -result, -degree, -alone and -unpunched would make another instance than its peers have")
	case q.degree < 0 || given["degree"] && q.degree == 0:
		return fmt.Errorf("-degree %d: it must be above 0", q.degree)
	}
	for _, name := range []string{"seed", "seeds", "publisher", "publishers"} {
		if given["result"] && given[name] {
			return fmt.Errorf("-%s: -result has them; leave one of the two out", name)
		}
	}
	return nil
}
