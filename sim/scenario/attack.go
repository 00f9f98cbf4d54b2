package scenario

import (
	"fmt"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
	"github.com/quilt-p2p/quilt/sim/adversary"
)

// attack is what the adversaries of a run do.
type attack struct {
	adversary.Attack
	plot *adversary.Plot
}

// attackProblem says what is wrong with the name of an attack.
func attackProblem(name string) error {
	if _, err := adversary.Named(name); err != nil {
		return fmt.Errorf("--attack %s: %w", name, err)
	}
	return nil
}

// newAttack returns what adversaries do by the name of an attack, which must be known;
// nil for no name.
func newAttack(name string) *attack {
	if name == "" {
		return nil
	}
	a, err := adversary.Named(name)
	if err != nil {
		panic("scenario: " + err.Error()) // Validate has accepted it
	}
	return &attack{Attack: a}
}

// against tells the adversaries who publishes, before the first of them starts.
func (a *attack) against(publishers []protocol.PeerID) { a.plot = adversary.NewPlot(publishers...) }

// identities is how many hosts run at a place: more than one only where an adversary
// claims to be many.
func (r *run) identities(place int32) int {
	if r.attack != nil && r.world.is(place, hostile) {
		return r.attack.Identities
	}
	return 1
}

// wrap returns what plays a host at a place; nil for an honest one.
func (r *run) wrap(place int32) sim.Wrap {
	if r.attack != nil && r.world.is(place, hostile) {
		return r.tracer.around(place, r.attack.Wrap(r.attack.plot))
	}
	return r.tracer.around(place, nil)
}
