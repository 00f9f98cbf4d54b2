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
	// maxWellFor bounds wellFor where it has doubled: it does with each time that
	// something is wrong within calmFor of the last.
	maxWellFor = 160 * time.Second
	calmFor    = 10 * time.Minute
	// loseMost is the share of positions lost above which a peer is told to use
	// another way, loseLess that below which it is well again.
	loseMost = 0.30
	loseLess = 0.10
	// quietFor is how many beacons that should have come, or have answered this peer's,
	// may be missing in a row: among many peers that shows long before each of them
	// counts as gone. Whatever was announced, it is not less than leastQuiet.
	quietFor   = 20
	leastQuiet = longestPause + slack
	// recovering is the part of that which may be missing where something was wrong.
	recovering = 4
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
	lastHeard protocol.Time // a beacon
	lastEcho  protocol.Time // when this peer sent the latest that was answered
	loss      float64       // see meter.go
	unfit     bool          // too much is lost: what is asked of the group is little
	told      bool          // what was said last
	ever      bool          // something was
	well      protocol.Time // since when nothing is wrong; Never while something is
	fell      protocol.Time // when something was said to be wrong last
	wellFor   time.Duration // before it is well again
}

func newHealth() health {
	return health{next: protocol.Never, well: protocol.Never, wellFor: wellFor}
}

func (h *health) start(now protocol.Time) {
	h.begun, h.next = now, now.Add(judgeEvery)
}

func (h *health) heard(now protocol.Time) { h.lastHeard = now }

// measured takes in what share is lost.
func (h *health) measured(loss float64) {
	h.loss = loss
	if loss > loseMost {
		h.unfit = true
	} else if loss < loseLess {
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
	h.measured(m.lossNow(now))
	reason := m.ailment(now)
	if reason != "" {
		h.well = protocol.Never
		// At the start others may not be there yet: what never worked is not worth a
		// word before they have had time.
		if h.told || !h.ever && now > h.begun.Add(m.bound()) {
			h.fall(now)
			out.Health(false, reason)
			out.Note("ipmc.unfit", "", protocol.ItemID{}, int64(100*h.loss))
		}
		return
	}
	h.well = min(h.well, now)
	if !h.told && (!h.ever || now >= h.well.Add(h.wellFor)) {
		h.told, h.ever = true, true
		out.Health(true, "")
		out.Note("ipmc.fit", "", protocol.ItemID{}, int64(len(m.beacons.peers)))
	}
}

// fall notes that something is said to be wrong. Who falls again and again is believed
// ever later.
func (h *health) fall(now protocol.Time) {
	switch {
	case !h.told:
		// It was never well, or has fallen already.
	case h.fell > 0 && now < h.fell.Add(calmFor):
		h.wellFor = min(2*h.wellFor, maxWellFor)
	default:
		h.wellFor = wellFor
	}
	if h.told {
		h.fell = now
	}
	h.told, h.ever = false, true
}

// cutOff reports whether this peer was cut off, and is not yet said to be well: what it
// missed it has from gossip, if that stands by, and it begins anew with what is sent now.
func (h *health) cutOff(standby bool) bool { return standby && h.ever && !h.told && !h.unfit }

// bound is for how long at most multicast may not work before that shows.
func (m *Machine) bound() time.Duration { return patience*m.beacons.longest() + slack }

// quiet is for how long no beacon at all need be missed, and none that answers this
// peer's: some of all peers' beacons, of which each answers MaxEchoes others.
func (m *Machine) quiet() (deaf, mute time.Duration) {
	n := time.Duration(max(len(m.beacons.peers), 1))
	longest := m.beacons.longest()
	pause := longest * 3 / 4
	deaf = max(quietFor*pause/n, leastQuiet)
	mute = max(deaf, longest+quietFor*pause/min(n, MaxEchoes)+slack)
	if m.health.ever && !m.health.told {
		// Multicast that comes and goes is not well in between.
		deaf /= recovering
	}
	return deaf, mute
}

// ailment says what is wrong, "" for nothing.
func (m *Machine) ailment(now protocol.Time) string {
	heardBy := 0
	for i := range m.beacons.peers {
		if m.beacons.peers[i].hears > now {
			heardBy++
		}
	}
	deaf, mute := m.quiet()
	switch {
	case len(m.beacons.peers) == 0 || now > m.health.lastHeard.Add(deaf):
		return reasonDeaf
	case heardBy == 0 || now > m.health.lastEcho.Add(mute):
		return reasonOneWay
	case m.health.unfit:
		return fmt.Sprintf("%.0f%% of what is sent is lost on its way here", 100*m.health.loss)
	}
	return ""
}
