package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/quilt-p2p/quilt/sim/scenario"
)

// measurement is what a run takes of this machine.
type measurement struct {
	start time.Time
	heap  uint64 // before it
	phase string
	state float64 // bytes of heap a host after the warm-up
}

// Settings of the garbage collector for simulations, unless the environment has its
// own: four times the rest in garbage costs less time than once, and beyond
// some share of the memory that is free time is cheaper than memory (our choices: a hundred
// thousand peers of a tree take 9 GB before the first item).
const (
	simulateGC     = 400
	simulateShare  = 0.875
	simulateMemory = 12 << 30 // where nobody says how much is free
)

// tuneMemory makes them hold.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(simulateGC)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		limit := int64(simulateMemory)
		if free := freeMemory(); free > 0 {
			limit = int64(simulateShare * float64(free))
		}
		debug.SetMemoryLimit(limit)
	}
}

// freeMemory is how many bytes of memory new processes can have, 0 for unknown.
func freeMemory() int64 { return procBytes("/proc/meminfo", "MemAvailable:") }

// procBytes reads a line of a file of Linux that says so many kB; 0 where it does not.
func procBytes(file, line string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(l, line); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n * 1024
		}
	}
	return 0
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
	if peak := procBytes("/proc/self/status", "VmHWM:"); peak > 0 {
		return uint64(peak)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
