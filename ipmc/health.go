package ipmc

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Health: multicast may stop working at any time, by a switch that is replaced or a
// wireless network that saves air, and often in one direction only. A peer judges
// that for itself, each judgeEvery: nobody's beacons are heard; or nobody says that
// he hears this peer; or too much is lost. What is wrong shows at once, what is well
// again only after wellFor. All are our guesses.
const (
	judgeEvery = time.Second
	wellFor    = 10 * time.Second
	// loseMost is the share of positions lost above which a peer is told to use
	// another way, loseLess that below which it is well again.
	loseMost = 0.30
	loseLess = 0.10
	// lossSamples is over how many positions the share is taken, about.
	lossSamples = 64
)

// What is wrong, as Health says it.
const (
	reasonDeaf   = "nobody is heard"
	reasonOneWay = "nobody says that they hear this peer"
)

// health judges whether multicast works here.
type health struct {
	next      protocol.Time
	begun     protocol.Time
	lastHeard protocol.Time
	loss      float64
	unfit     bool          // too much is lost: what is asked of the group is little
	told      bool          // what was said last
	ever      bool          // something was
	well      protocol.Time // since when nothing is wrong; Never while something is
}

func newHealth() health { return health{next: protocol.Never, well: protocol.Never} }

func (h *health) start(now protocol.Time) {
	h.begun, h.next = now, now.Add(judgeEvery)
}

func (h *health) heard(now protocol.Time) { h.lastHeard = now }

// position notes what share of a position was lost on its way here.
func (h *health) position(lost float64) {
	h.loss += (lost - h.loss) / lossSamples
	if h.loss > loseMost {
		h.unfit = true
	} else if h.loss < loseLess {
		h.unfit = false
	}
}

// judgeHealth looks what is wrong, and says what has changed.
func (m *Machine) judgeHealth(now protocol.Time, out *protocol.Outbox) {
	h := &m.health
	if h.next > now {
		return
	}
	h.next = now.Add(judgeEvery)
	m.beacons.expire(now)
	reason := m.ailment(now)
	if reason != "" {
		h.well = protocol.Never
		// At the start others may not be there yet: what never worked is not worth a
		// word before they have had time.
		if h.told || !h.ever && now > h.begun.Add(m.bound()) {
			h.told, h.ever = false, true
			out.Health(false, reason)
			out.Note("ipmc.unfit", "", protocol.ItemID{}, int64(100*h.loss))
		}
		return
	}
	h.well = min(h.well, now)
	if !h.told && (!h.ever || now >= h.well.Add(wellFor)) {
		h.told, h.ever = true, true
		out.Health(true, "")
		out.Note("ipmc.fit", "", protocol.ItemID{}, int64(len(m.beacons.peers)))
	}
}

// bound is for how long at most multicast may not work before that shows.
func (m *Machine) bound() time.Duration { return patience*m.beacons.longest() + slack }

// ailment says what is wrong, "" for nothing.
func (m *Machine) ailment(now protocol.Time) string {
	heardBy := 0
	for i := range m.beacons.peers {
		if m.beacons.peers[i].hears > now {
			heardBy++
		}
	}
	switch {
	case len(m.beacons.peers) == 0:
		return reasonDeaf
	case heardBy == 0:
		return reasonOneWay
	case m.health.unfit:
		return fmt.Sprintf("%.0f%% of what is sent is lost on its way here", 100*m.health.loss)
	}
	return ""
}
