package scenario

import (
	"io"
	"io/fs"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Options is how an experiment is run; none of it changes its result.
type Options struct {
	// Files is where Scenario.Topology is looked for when it is no built-in name: an
	// open directory tree and the path of the topology in it.
	Files fs.FS
	Dir   string
	// Plugins are the protocols that Scenario.Protocol may name beside the built-in
	// ones.
	Plugins []protocol.Plugin
	// Check has invariants checked after every event of an honest host; a broken one
	// ends the run with an *InvariantError. Whether an item is delivered twice is
	// always checked.
	Check bool
	// Lanes and Beside let several processors work on the run, as sim.Config says. The
	// result is the same. Beside runs its arguments side by side.
	Lanes  int
	Beside func(do []func())
	// Progress, if set, is called about every ProgressEvery events, at every change of
	// phase and at the end; returning an error ends the run with it.
	Progress func(Progress) error
	// Trace, if set, gets a readable line for each event and effect of TracePeer (a
	// host's name in the topology) or TraceItem (the number of an item, from 1).
	Trace     io.Writer
	TracePeer string
	TraceItem int
}

// Progress says how far a run is.
type Progress struct {
	// Phase is "joining", "warming up", "publishing" or "draining".
	Phase string
	// Now is the virtual time, End when it ends at the latest.
	Now, End time.Duration
	// Events have happened so far; EventsLeft is an estimate from the present rate
	// of events per virtual second, as if nothing had to be waited for after the last
	// item: 0 while draining, for nobody knows how long that takes.
	Events, EventsLeft uint64
	// Hosts are alive; Delivered of Expected (item, host) pairs so far.
	Hosts, Delivered, Expected int
}
