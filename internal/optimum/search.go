package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/quilt-p2p/quilt/sim/optimum"
	"github.com/quilt-p2p/quilt/sim/scenario"
	"github.com/quilt-p2p/quilt/sim/topology"
)

// line is what is printed of one publisher.
type line struct {
	Topology  string `json:"topology"`
	Publisher string `json:"publisher"`
	Seed      uint64 `json:"seed"`
	Size      int    `json:"size"`
	InTurn    bool   `json:"in_turn"`
	// Start is the start of OMNI's paper; Five the five moves from a random start,
	// Sampled then sampled reparents and the five moves again; Bandwidth the best of
	// fastest-next; Annealed what is best after annealing, from the best of the others.
	Start     optimum.Figures  `json:"start"`
	Five      optimum.Figures  `json:"five_moves"`
	Sampled   optimum.Figures  `json:"sampled"`
	Bandwidth *optimum.Figures `json:"fastest_next,omitempty"`
	Annealed  optimum.Figures  `json:"annealed"`
	// Floor is a mean latency in ms that no tree can beat, most cannot reach.
	Floor float64 `json:"floor_ms"`
	// Multicast is the least with IP multicast, MulticastSends its transmissions.
	Multicast      *optimum.Figures `json:"multicast,omitempty"`
	MulticastSends int              `json:"multicast_sends,omitempty"`
	// Peers is the tree of a protocol's peers, with -peers; Reparents, Exchanges and
	// ParentSwaps what moves of that kind alone would make of it, whoever knew everything.
	Peers       *optimum.Figures `json:"peers,omitempty"`
	Reparents   *optimum.Figures `json:"peers_reparents,omitempty"`
	Exchanges   *optimum.Figures `json:"peers_exchanges,omitempty"`
	ParentSwaps *optimum.Figures `json:"peers_parent_swaps,omitempty"`
	// Result is the experiment's, with -peers.
	Result *scenario.Result `json:"result,omitempty"`
	// Measured is the mean latency in ms of the result, Ratio that over Annealed's.
	Measured *float64 `json:"measured_ms,omitempty"`
	Ratio    *float64 `json:"ratio,omitempty"`
	Wall     float64  `json:"wall_s"`
}

// run is the command.
func run(args []string, out, usage io.Writer) error {
	q, err := parse(args, usage)
	if err != nil {
		return err
	}
	results := []*scenario.Result{nil}
	if q.result != "" {
		if results, err = readResults(q.result); err != nil {
			return err
		}
	}
	if q.result == "" {
		results = make([]*scenario.Result, q.seeds)
	}
	enc := json.NewEncoder(out)
	for i, res := range results {
		s := q.scenario
		if res != nil {
			s.Seed, s.Publishers = res.Seed, res.Publishers
		} else if i > 0 {
			s.Seed = s.WithDefaults().Seed + uint64(i)
		}
		if err := q.instance(s, res, enc); err != nil {
			return err
		}
	}
	return nil
}

// instance searches for each publisher of a scenario, of which res is the result, nil for
// not known.
func (q *query) instance(s scenario.Scenario, res *scenario.Result, enc *json.Encoder) error {
	o := scenario.Options{Files: os.DirFS(s.Topology), Dir: "."}
	t, roots, err := scenario.Instance(s, o)
	if err != nil {
		return err
	}
	var made *peersTree
	if q.peers != "" {
		if made, res, err = experiment(s, q.peers, o); err != nil {
			return err
		}
	}
	for _, root := range roots {
		l, err := q.search(t, s.WithDefaults(), root, made)
		if err != nil {
			return fmt.Errorf("publisher %s: %w", t.Hosts[root].Name, err)
		}
		if res != nil && len(roots) == 1 && res.Latency != nil {
			ratio := res.Latency.Mean / l.Annealed.Latency
			l.Measured, l.Ratio = &res.Latency.Mean, &ratio
		}
		if made != nil {
			l.Result = res
		}
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// readResults reads results, one after the other.
func readResults(path string) ([]*scenario.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-result: %w", err)
	}
	defer f.Close()
	var list []*scenario.Result
	for dec := json.NewDecoder(f); ; {
		var r scenario.Result
		switch err := dec.Decode(&r); {
		case errors.Is(err, io.EOF) && len(list) > 0:
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("-result %s: no result of quilt-peer simulate --json: %w", path, err)
		case len(r.Publishers) == 0:
			return nil, fmt.Errorf("-result %s: object %d names no publishers", path, len(list)+1)
		}
		list = append(list, &r)
	}
}

// search searches for one publisher; made is nil, or what peers have made of it.
func (q *query) search(t *topology.Topology, s scenario.Scenario, root int, made *peersTree) (*line, error) {
	began := time.Now()
	cfg := optimum.Config{Root: root, Size: s.Size, Processing: max(s.Processing, 0), InTurn: !q.alone, Punched: !q.unpunched, Seed: s.Seed}
	if q.degree > 0 {
		cfg.Degree = func(*topology.Host) int { return q.degree }
	}
	if made != nil {
		cfg.Degree = func(h *topology.Host) int { return made.degree[h.Name] }
	}
	in, err := optimum.New(t, cfg)
	if err != nil {
		return nil, err
	}
	l := &line{Topology: t.Name, Publisher: t.Hosts[root].Name, Seed: s.Seed, Size: s.Size, InTurn: cfg.InTurn, Floor: in.Floor()}
	rng := rand.New(rand.NewPCG(s.Seed, uint64(root)))
	start, err := optimum.Greedy(in)
	if err != nil {
		return nil, err
	}
	l.Start = start.Figures()
	tree, err := optimum.Random(in, rng)
	if err != nil {
		return nil, err
	}
	tree.FiveMoves(rng)
	l.Five = tree.Figures()
	tree.SampledReparents(rng, q.samples)
	tree.FiveMoves(rng)
	l.Sampled = tree.Figures()
	best := optimum.Better(start, tree)
	if cfg.InTurn {
		if fast, err := optimum.FastestNext(in); err == nil {
			f := fast.Figures()
			l.Bandwidth, best = &f, optimum.Better(best, fast)
		}
	}
	if made != nil {
		tree, err := l.judge(in, t, made)
		if err != nil {
			return nil, err
		}
		best = optimum.Better(best, tree)
	}
	l.Annealed = best.Anneal(rng, q.steps).Figures()
	if q.multicast {
		f, sends, err := optimum.Multicast(t, cfg)
		if err != nil {
			return nil, err
		}
		l.Multicast, l.MulticastSends = &f, sends
	}
	l.Wall = time.Since(began).Seconds()
	return l, nil
}
