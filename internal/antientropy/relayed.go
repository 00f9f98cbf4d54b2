package antientropy

import "time"

// relayedGrace is how long what a neighbour has that only a relay connects may come from
// others before it is pulled from there: a relay is a stranger's, and cuts after few
// bytes. Digests go there as to anybody: they are how it shows that nobody else brings
// it (our guess: a repair through several direct neighbours takes less).
const relayedGrace = 5 * time.Second

// hasDirect reports whether some neighbour that speaks is not behind a relay.
func (e *engine) hasDirect() bool {
	for _, n := range e.nbrs {
		if !n.relayed && n.usable() {
			return true
		}
	}
	return false
}
