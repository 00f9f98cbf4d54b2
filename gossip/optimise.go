package gossip

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// swapStreak is how many deliveries in a row a lazy neighbour has to be ahead of
	// and for how long (our guesses). A peer that relays two publishers by turns is
	// thus left alone.
	swapStreak = 5
	swapAfter  = 2 * time.Second
	// swapLead is the least by which it has to be ahead (our guess): what a driver's
	// scheduling can make up on its own is no gain.
	swapLead = 10 * time.Millisecond
	// swapPause is between two changes, so that the tree below can settle before
	// the next is judged (our guess).
	swapPause = 2 * time.Second
)

// lead is by how much a neighbour's announcements have to be ahead of the pushed
// copies. Each is as late as a push would be, or later by Config.Flush, so that
// all of the lead would be gained; a quarter of a round trip more than nothing
// keeps peers that are equally near from being swapped to and fro.
func (n *neighbour) lead() time.Duration { return max(swapLead, n.rtt/4) }

// optimise looks at a first copy that by pushed, and grafts the lazy neighbour
// whose announcements are ahead of the pushed copies again and again.
//
// The paper compares hop counts, and where they differ by more than a threshold
// grafts the announcer and prunes the pusher (SRDS 2007, optimization). Here time
// decides, and nobody is pruned. The slower parent is, by its first duplicate, so that
// there is no moment without one.
func (m *Machine) optimise(now protocol.Time, by *neighbour, w *want, out *protocol.Outbox) {
	var best *neighbour
	var bestLead time.Duration
	for _, n := range m.neighbours {
		lead := w.leadOf(n)
		if n.eager || n.suspected || lead < n.lead() {
			n.early, n.earlySince = 0, now
			continue
		}
		n.early = min(n.early+1, swapStreak)
		if n.early == swapStreak && now.Sub(n.earlySince) >= swapAfter && lead > bestLead {
			best, bestLead = n, lead
		}
	}
	if best == nil || now < m.nextSwap {
		return
	}
	m.nextSwap = now.Add(swapPause)
	out.Note("gossip.swap", by.peer, w.id, int64(bestLead))
	m.graft(now, best, nil, out)
}

// leadOf is by how much n's announcement came before the copy, the time on the
// wire of which is not counted; 0 for none.
func (w *want) leadOf(n *neighbour) time.Duration {
	for _, a := range w.announcers {
		if a.n == n {
			return w.came.Sub(a.at) - onWire(w.size)
		}
	}
	return 0
}
