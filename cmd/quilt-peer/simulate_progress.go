package main

import (
	"fmt"
	"io"
	"time"

	"github.com/quilt-p2p/quilt/sim/report"
	"github.com/quilt-p2p/quilt/sim/scenario"
)

const (
	// progressEvery is how often progress is shown on a terminal, progressLines how
	// often as a line in a file.
	progressEvery = 200 * time.Millisecond
	progressLines = 5 * time.Second
	// estimateAfter is how long a run must have taken before what is left of it is
	// estimated: earlier estimates jump about (our guess).
	estimateAfter = 3 * time.Second
)

// progress shows how far a run is. A nil one shows nothing.
type progress struct {
	w     io.Writer
	width int // of the terminal, 0 for none: then lines are printed
	start time.Time
	last  time.Time
	// events at the last look, and how many a second there were of late.
	events uint64
	rate   float64
	shown  bool
}

// newProgress returns where progress is shown: on a terminal, or wherever asked to.
// A trace has standard error for itself.
func (a *app) newProgress(asked bool, e *experiment) *progress {
	if !asked && a.stderrWidth == 0 || e.options.Trace != nil {
		return nil
	}
	now := time.Now()
	return &progress{w: a.stderr, width: a.stderrWidth, start: now, last: now}
}

// update shows p if it is time.
func (g *progress) update(now time.Time, p scenario.Progress) {
	if g == nil {
		return
	}
	every := progressEvery
	if g.width == 0 {
		every = progressLines
	}
	passed := now.Sub(g.last)
	if passed < every {
		return
	}
	rate := float64(p.Events-g.events) / passed.Seconds()
	if g.rate == 0 {
		g.rate = rate
	}
	// A mean over some seconds, however often it is shown.
	weight := min(1, passed.Seconds()/3)
	g.rate += weight * (rate - g.rate)
	g.last, g.events = now, p.Events
	line := g.line(now, p)
	if g.width == 0 {
		fmt.Fprintln(g.w, line)
		return
	}
	if len(line) >= g.width {
		line = line[:g.width-1]
	}
	fmt.Fprint(g.w, "\r\x1b[K"+line)
	g.shown = true
}

// line says how far the run is.
func (g *progress) line(now time.Time, p scenario.Progress) string {
	line := fmt.Sprintf("%-10s  %s of %s  %s events, %s/s", p.Phase, p.Now.Round(time.Second), p.End.Round(time.Second),
		report.Format(float64(p.Events), ""), report.Format(g.rate, ""))
	if p.Expected > 0 && p.Phase != "joining" && p.Phase != "warming up" {
		line += "  " + delivered(p)
	}
	if now.Sub(g.start) < estimateAfter || g.rate <= 0 || p.EventsLeft == 0 {
		return line
	}
	return line + "  " + estimate(p.Phase, time.Duration(float64(p.EventsLeft)/g.rate*float64(time.Second)))
}

// delivered says how much of what was published has come. Of the last hundredth it says
// how many deliveries are to come, for it is them that one waits for.
func delivered(p scenario.Progress) string {
	left := p.Expected - p.Delivered
	if left == 0 || 100*left >= p.Expected {
		return fmt.Sprintf("%d%% delivered", 100*p.Delivered/p.Expected)
	}
	return fmt.Sprintf("all but %s delivered", report.Format(float64(left), ""))
}

// estimate says how long it may still take. While hosts join, events a virtual second
// say little of later ones; in the end all may be done long before the last moment.
func estimate(phase string, left time.Duration) string {
	how := "about"
	switch phase {
	case "joining":
		how = "perhaps"
	case "draining":
		how = "at most"
	}
	switch {
	case left < 10*time.Second:
		left = left.Round(time.Second)
	case left < time.Minute:
		left = left.Round(5 * time.Second)
	case left < time.Hour:
		return fmt.Sprintf("%s %d min left", how, (left+30*time.Second)/time.Minute)
	default:
		return fmt.Sprintf("%s %.1f h left", how, left.Hours())
	}
	return fmt.Sprintf("%s %d s left", how, left/time.Second)
}

// clear takes progress off the terminal.
func (g *progress) clear() {
	if g != nil && g.shown {
		fmt.Fprint(g.w, "\r\x1b[K")
	}
}
