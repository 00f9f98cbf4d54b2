package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
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
		if err != nil {
			return err
		}
		if res.Lost > 0 && lost == nil {
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
		if err := errors.Join(a.printResult(e, side, details, page), reported); err != nil {
			return err
		}
	}
	return lost
}

// runOne runs one seed, and fills in what depends on the machine.
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
			return nil, nil, errInterrupted
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

// measurement is what a run takes of this machine.
type measurement struct {
	start time.Time
	heap  uint64 // before it
	phase string
	state float64 // bytes of heap a host after the warm-up
}

// Settings of the garbage collector for simulations, unless the environment has its
// own: four times the rest in garbage costs less time than once, and beyond
// simulateMemory time is cheaper than memory (our choice: a hundred thousand peers in
// 14 GB).
const (
	simulateGC     = 400
	simulateMemory = 12 << 30
)

// tuneMemory makes them hold.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(simulateGC)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(simulateMemory)
	}
}

// newMeasurement begins to measure. What earlier runs of this process took is given
// back first.
func newMeasurement() *measurement {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // resets VmHWM, on Linux
	return &measurement{start: time.Now(), heap: heap()}
}

// heap is the bytes of the heap that are reachable.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// progress measures the heap when the warm-up is over: Progress is called at every
// change of phase.
func (m *measurement) progress(p scenario.Progress) {
	if p.Phase == "publishing" && m.phase != p.Phase && p.Hosts > 0 {
		if now := heap(); now > m.heap {
			m.state = float64(now-m.heap) / float64(p.Hosts)
		}
	}
	m.phase = p.Phase
}

// fill fills in the figures of the machine.
func (m *measurement) fill(r *scenario.Result) {
	r.WallSeconds = float64(time.Since(m.start).Milliseconds()) / 1000
	peak := peakMemory()
	r.PeakRSS = float64(peak/1e5) / 10
	if r.Hosts > 0 {
		r.BytesPerPeer = float64(peak / uint64(r.Hosts))
	}
	r.State = float64(int64(m.state))
}

// peakMemory is the most memory that this process had, in bytes: resident on Linux,
// elsewhere what the runtime took from the system.
func peakMemory() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		for line := range strings.Lines(string(status)) {
			if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
				if err == nil {
					return n * 1024
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
