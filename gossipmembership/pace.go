package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Where most hosts are behind NATs the few that anybody can dial have no places to
// give, and a view that is one neighbour short would ask one of them after the other
// for ever. So after a few, whose records of others help a newcomer to find its place,
// every refusal doubles the pause before the next request, and the more neighbours the
// view has the longer it can wait. Who does not answer may be dead, and
// then others are wanted the sooner (our measurement: on 2,000 hosts of
// which a quarter can be dialled, each asked one member in three seconds for as long as
// we looked, and every refusal cost a dial, records and a link that lingered).
const (
	// freeRefusals is how many refusals are not followed by a pause: ten leave views on
	// 1,500 hosts without NATs short after half a minute (our measurement: stretch 2.6
	// in place of 2.0).
	freeRefusals = 25
	// paceFirst is the first pause, paceFew the longest with one or two neighbours
	// that speak, paceEnough with more (our guesses). With none there is no pause.
	paceFirst  = time.Second
	paceFew    = time.Second
	paceEnough = 32 * time.Second
	// fewNeighbors is how many neighbours count as few: two can die at once.
	fewNeighbors = 3
)

// pace spaces requests to fill a view. The zero value does not.
type pace struct {
	refusals int
	pause    time.Duration
	since    protocol.Time
}

// refused notes a refusal.
func (p *pace) refused(now protocol.Time, jitter func(time.Duration) time.Duration) {
	if p.refusals++; p.refusals > freeRefusals {
		p.pause = min(max(2*p.pause, jitter(paceFirst)), paceEnough)
		p.since = now
	}
}

// next is when the view may ask again, with so many neighbours that speak.
func (p *pace) next(speaking int) protocol.Time {
	longest := paceEnough
	switch {
	case speaking == 0:
		longest = 0
	case speaking <= fewNeighbors:
		longest = paceFew
	}
	return p.since.Add(min(p.pause, longest))
}

// reset forgets the pause: a neighbour is lost, or somebody new is known.
func (p *pace) reset() { *p = pace{} }
