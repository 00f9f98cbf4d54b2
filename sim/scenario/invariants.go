package scenario

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// InvariantError says that something happened in a run that must never happen: a
// bug in a protocol or in the simulator.
type InvariantError struct {
	// Seed is the scenario's, At the virtual time, Host the name of the host.
	Seed uint64
	At   time.Duration
	Host string
	// Command replays it.
	Command string
	// Err says what was broken.
	Err error
}

func (e *InvariantError) Error() string {
	return fmt.Sprintf("at %v, host %s: %v (seed %d)\nreplay: %s", e.At, e.Host, e.Err, e.Seed, e.Command)
}

func (e *InvariantError) Unwrap() error { return e.Err }

// breaks notes that an invariant does not hold at a host. The first is told.
func (r *run) breaks(h *sim.Host, err error) {
	if r.broken == nil {
		r.broken = &InvariantError{Seed: r.s.Seed, At: time.Duration(r.net.Now()), Host: r.name(h),
			Command: r.s.Command() + " --check", Err: err}
	}
}

// bounds are what check looks at.
type bounds struct {
	hostView, topicView int // neighbours
}

// shipped are the bounds of the configuration that is run.
func shipped() bounds {
	return bounds{gossipmembership.HostViewConfig().Bound(), gossipmembership.ViewConfig{}.Bound()}
}

// check looks at an honest host after an event. That nothing is delivered twice is
// looked at with every delivery, whether or not Options.Check is set.
func (r *run) check(h *sim.Host) {
	if r.broken != nil || r.meter.adversary[h.Index()] {
		return
	}
	if err := r.checkView(h, protocol.TopicID{}, r.bounds.hostView); err != nil {
		r.breaks(h, fmt.Errorf("view of all hosts: %w", err))
	}
	if err := r.checkView(h, r.topic, r.bounds.topicView); err != nil {
		r.breaks(h, fmt.Errorf("view of the topic: %w", err))
	}
	if c := h.Core().Counts(); c.Broken(1) != "" {
		r.breaks(h, fmt.Errorf("%s: %+v", c.Broken(1), c))
	}
	if err := r.checkTree(h); err != nil {
		r.breaks(h, err)
	}
}

// checkView looks at a host's neighbours in a group: they are as many as there may be
// at most, and linked.
func (r *run) checkView(h *sim.Host, group protocol.TopicID, most int) error {
	view := h.Core().Neighbours(group)
	if len(view) > most {
		return fmt.Errorf("%d neighbours, more than %d", len(view), most)
	}
	for i, id := range view {
		other := r.net.Hosts()[r.host(id)]
		if !h.Linked(other) {
			return fmt.Errorf("neighbour %s without a link", r.name(other))
		}
		if i > 0 && view[i-1] >= id {
			return fmt.Errorf("neighbour %s is out of order or twice", r.name(other))
		}
	}
	return nil
}

func errTwice(it *protocol.Item) error {
	return fmt.Errorf("item %v (number %d of its author) is delivered twice", it.ID, it.Seq)
}
