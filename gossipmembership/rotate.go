package gossipmembership

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// maxRotateTries bounds the members tried in one rotation.
	maxRotateTries = 3
	// toldWithin is when a view first tries a member that it is told of (our guess).
	toldWithin = 5 * time.Second
	// maxToldTries is how often rotations prefer such a member.
	maxToldTries = 3
	// maxAloneRecontacts is how many lost members are tried at once by a view
	// without neighbours.
	maxAloneRecontacts = 3
)

// advanceRotate exchanges one link of this peer's choice for a random one, now
// and then. Our measurement: before any failure 0.1 to 1.6 % of 10,000 peers sit
// in detached islands, which without this never merge.
func (v *View) advanceRotate(now protocol.Time, out *protocol.Outbox) {
	if v.rotateAt > now {
		return
	}
	v.rotateAt, v.rotatedAt = now.Add(v.jitter(v.cfg.RotateEvery)), now
	if !v.worthRotating() {
		return
	}
	v.rotateTries = maxRotateTries
	v.trim(now, out)
	v.rotate(now, out)
}

// worthRotating reports whether there is something to exchange: always with
// members the view was told of; else the likelier, the more members are no
// neighbours. Groups of six to nine peers would only turn in circles.
func (v *View) worthRotating() bool {
	for i := range v.passive {
		if v.passive[i].prefer() {
			return true
		}
	}
	return v.rng.IntN(max(len(v.active), 1)) < v.hopeful()
}

// prefer reports whether rotations prefer the member to others.
func (m *member) prefer() bool { return m.told && m.tries < maxToldTries }

// rotateSoon brings the next rotation forward, for the sake of members that the
// view was told of. Two are half an interval apart at least: whoever tells may lie.
func (v *View) rotateSoon(now protocol.Time) {
	soon := max(now.Add(v.jitter(toldWithin)), v.rotatedAt.Add(v.cfg.RotateEvery/2))
	v.rotateAt = min(v.rotateAt, soon)
}

// urgentWithin is when a view rotates that may be cut off, and the least time between two
// such rotations (our guess).
const urgentWithin = 4 * time.Second

// rotateUrgently brings the next rotation forward once a neighbour of this peer's
// choice is lost, or suspected to be (others could come and go to make it rotate), and where
// members are told of that were sought beyond an island: when many die at once, those
// that remain may have been left in islands that have enough neighbours each, and
// only a random link leads out of one. Our measurement: of 150 survivors of 300,
// 8 to 26 sat in islands.
func (v *View) rotateUrgently(now protocol.Time) {
	soon := max(now.Add(v.jitter(urgentWithin)), v.rotatedAt.Add(urgentWithin))
	v.rotateAt = min(v.rotateAt, soon)
}

// trim gives back a link of this peer's choice that it needs no more, because
// others have chosen it since, and that the neighbour can spare. Without it views
// fill up, for every rotation makes somebody short, and then refuse what is asked
// (our measurement: 100 peers end at 7.2 neighbours and refuse two requests of three).
func (v *View) trim(now protocol.Time, out *protocol.Outbox) {
	if v.outbound() <= v.cfg.TargetOutbound || len(v.active) <= v.cfg.MinActive {
		return
	}
	i := v.choose(len(v.active), func(i int) int {
		if n := &v.active[i]; !n.outbound || n.degree <= v.cfg.MinActive {
			return never
		}
		return 0
	})
	if i >= 0 {
		v.dismiss(now, i, ReasonRotated, out)
	}
}

// rotate asks a random member, unless the view is short anyway.
func (v *View) rotate(now protocol.Time, out *protocol.Outbox) {
	if !v.running || v.rotateTries == 0 || v.missing() > 0 || !v.mayReserve() {
		return
	}
	i := v.choose(len(v.passive), func(i int) int {
		switch m := &v.passive[i]; {
		case !v.ready(m) || m.retryAt > now:
			return never
		case m.prefer():
			return 1
		}
		return 0
	})
	if i >= 0 {
		v.rotateTries--
		v.ask(now, v.passive[i].peer, toRotate, out)
	}
}

// rotateOn tries another member where a rotation's request was not granted.
func (v *View) rotateOn(now protocol.Time, why purpose, out *protocol.Outbox) {
	if why == toRotate {
		v.rotate(now, out)
	}
}

// makeRoom takes a random neighbour of this peer's choice out, before one more
// comes in that was not asked to fill the view, if that leaves enough.
func (v *View) makeRoom(now protocol.Time, why purpose, out *protocol.Outbox) {
	if why == toFill {
		return
	}
	v.rotateTries = 0
	if v.outbound() < max(v.cfg.TargetOutbound, 1) || len(v.active) < v.cfg.MinActive {
		return
	}
	i := v.choose(len(v.active), func(i int) int {
		if !v.active[i].outbound {
			return never
		}
		return 0
	})
	v.dismiss(now, i, ReasonRotated, out)
}

// mayReserve reports whether a place is left for a request that does not fill
// the view.
func (v *View) mayReserve() bool {
	return len(v.active)+len(v.asks) < v.cfg.MaxActive+v.cfg.Overflow
}

// advanceRecontact tries lost members: "re-contact a lost host with probability
// 3/N every 30 s" (ringpop's answer to splits), so that all together try about
// three of them per interval. A view without neighbours tries more and sooner.
func (v *View) advanceRecontact(now protocol.Time, out *protocol.Outbox) {
	if v.recontactAt > now {
		return
	}
	every, tries := v.cfg.RecontactEvery, 0
	if len(v.active) == 0 {
		every, tries = v.aloneRecontactEvery(), maxAloneRecontacts
	} else if v.rng.IntN(len(v.active)+len(v.passive)+len(v.lost)+1) < 3 {
		tries = 1
	}
	v.recontactAt = now.Add(v.jitter(every))
	v.expireLost(now)
	for ; tries > 0 && v.mayReserve(); tries-- {
		i := v.choose(len(v.lost), func(i int) int {
			if v.askIndex(v.lost[i].peer) >= 0 {
				return never
			}
			return 0
		})
		if i < 0 {
			return
		}
		v.ask(now, v.lost[i].peer, toRecontact, out)
	}
}

// expireLost forgets members that have been lost for very long.
func (v *View) expireLost(now protocol.Time) {
	kept := v.lost[:0]
	for _, l := range v.lost {
		if now.Sub(l.since) < lostFor {
			kept = append(kept, l)
		}
	}
	v.lost = kept
}

func (v *View) aloneRecontactEvery() time.Duration { return v.cfg.RecontactEvery / 3 }
