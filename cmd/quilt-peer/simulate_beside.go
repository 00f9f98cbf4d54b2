package main

import (
	"runtime"
	"sync/atomic"
)

// maxLanes is how many processors work on a simulation at most: what they share is done
// by one (our guess of where more are of no use).
const maxLanes = 4

// besideSpins is how often a processor looks for work before it sleeps: about as long
// as the work in common takes between two windows, for to be woken takes as long, and on
// a busy machine a hundred times that (our measurement).
const besideSpins = 200_000

// besideYield is after how many looks it lets other goroutines have a turn, such as
// those that collect garbage.
const besideYield = 1000

// helper does on another processor what it is given.
type helper struct {
	job    atomic.Pointer[func()]
	asleep atomic.Bool
	wake   chan struct{}
}

// newBeside returns a function that does several things, not more than lanes, at the
// same time, and one that ends it.
func newBeside(lanes int) (beside func(do []func()), end func()) {
	helpers := make([]*helper, lanes-1)
	for i := range helpers {
		helpers[i] = &helper{wake: make(chan struct{}, 1)}
		go helpers[i].serve()
	}
	beside = func(do []func()) {
		for i := range do[1:] {
			helpers[i].give(&do[1+i])
		}
		do[0]()
		for i := range do[1:] {
			helpers[i].await()
		}
	}
	return beside, func() {
		for _, h := range helpers {
			h.give(nil)
			close(h.wake)
		}
	}
}

// give hands over what is to be done.
func (h *helper) give(f *func()) {
	h.job.Store(f)
	if f != nil && h.asleep.Swap(false) {
		h.wake <- struct{}{}
	}
}

// await returns when it is done.
func (h *helper) await() {
	for spins := 1; h.job.Load() != nil; spins++ {
		if spins%besideYield == 0 {
			runtime.Gosched()
		}
	}
}

// serve does what is given until wake is closed.
func (h *helper) serve() {
	for spins := 1; ; spins++ {
		if f := h.job.Load(); f != nil {
			(*f)()
			h.job.Store(nil)
			spins = 0
			continue
		}
		if spins%besideYield == 0 {
			runtime.Gosched()
		}
		if spins < besideSpins {
			continue
		}
		h.asleep.Store(true)
		if h.job.Load() != nil && h.asleep.Swap(false) {
			continue
		}
		if _, open := <-h.wake; !open {
			return
		}
		spins = 0
	}
}
