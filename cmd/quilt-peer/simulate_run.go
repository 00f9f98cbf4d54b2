package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/sim/report"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

// codeLost says that a simulation went well, but did not deliver everything.
const codeLost control.Code = "lost"

// runSeeds runs the experiment with each of its seeds and prints what it came to.
func (a *app) runSeeds(ctx context.Context, cmd *cli.Command, e *experiment) error {
	tuneMemory()
	done := make(chan struct{})
	defer close(done)
	go useHugePages(done)
	var side report.Side
	var lost error
	first := e.scenario.WithDefaults().Seed
	for i := range e.seeds {
		s := e.scenario
		s.Seed = first + uint64(i)
		res, details, err := a.runOne(ctx, cmd, e, s)
		switch {
		case res == nil:
			return err
		case err != nil:
			// The figures are of as far as it came.
			fmt.Fprintf(a.stderr, "quilt-peer: interrupted with %s to come, which count as lost\n", count(res.Lost, "delivery", "deliveries"))
		case res.Lost > 0 && lost == nil:
			lost = lostError(res, details)
		}
		side = append(side, res)
		// A report that cannot be written does not cost the figures, nor the other
		// way round: it comes first, for whoever reads these may have gone.
		var reported error
		page := ""
		if e.report != "" {
			if reported = report.WriteDir(e.report, res, details); reported == nil {
				page = filepath.Join(e.report, report.PageFile)
			}
		}
		if err := errors.Join(a.printResult(e, side, details, page), reported, err); err != nil {
			return err
		}
	}
	return lost
}

// runOne runs one seed, and fills in what depends on the machine. Interrupted at the end it
// returns both an error and what there is.
func (a *app) runOne(ctx context.Context, cmd *cli.Command, e *experiment, s scenario.Scenario) (*scenario.Result, *scenario.Details, error) {
	m := newMeasurement()
	shown := a.newProgress(cmd.Bool("progress"), e)
	begun := false
	o := e.options
	if o.Lanes = min(runtime.GOMAXPROCS(0), maxLanes); o.Lanes > 1 {
		var end func()
		o.Beside, end = newBeside(o.Lanes)
		defer end()
	}
	o.Progress = func(p scenario.Progress) error {
		begun = true
		m.progress(p)
		shown.update(time.Now(), p)
		return nil
	}
	res, details, err := a.simulate(ctx, s, o)
	shown.clear()
	if err != nil {
		broken, isBroken := errors.AsType[*scenario.InvariantError](err)
		switch {
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			if res != nil {
				m.fill(res)
			}
			return res, details, errInterrupted
		case isBroken:
			return nil, nil, control.NewError(control.CodeFailure, fmt.Sprintf("an invariant is broken: seed %d, %v, host %s: %v",
				broken.Seed, broken.At, broken.Host, broken.Err), "it is a bug; to see it again: "+broken.Command)
		case !begun:
			return nil, nil, startError(&s, err)
		}
		return nil, nil, err
	}
	m.fill(res)
	return res, details, nil
}

// lostError says that something was lost, and how to look at it.
func lostError(r *scenario.Result, d *scenario.Details) error {
	hint := "the figures are good all the same"
	for i, it := range d.Items {
		if it.Delivered < it.Expected {
			hint = fmt.Sprintf("to follow one of the items: %s --trace item=%d", d.Scenario.Command(), i+1)
			break
		}
	}
	return control.NewError(codeLost, fmt.Sprintf("%s lost with seed %d", count(r.Lost, "delivery was", "deliveries were"), r.Seed), hint)
}
