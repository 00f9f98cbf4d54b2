package main

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestBeside: all is done when beside returns, round after round, also when helpers have
// gone to sleep in between.
func TestBeside(t *testing.T) {
	for lanes := 1; lanes <= maxLanes; lanes++ {
		beside, end := newBeside(lanes)
		var done atomic.Int64
		do := make([]func(), lanes)
		for i := range do {
			do[i] = func() { done.Add(1) }
		}
		for round := range 2000 {
			if round%500 == 499 {
				time.Sleep(20 * time.Millisecond) // asleep by now, or about to be
			}
			beside(do)
			if got := done.Swap(0); got != int64(lanes) {
				t.Fatalf("%d lanes, round %d: %d were done", lanes, round, got)
			}
		}
		end()
	}
}
