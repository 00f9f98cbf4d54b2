package swarm

import (
	"slices"
	"time"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

const (
	// seedAhead is how many pieces a neighbour is shown beyond those it was sent (our
	// guess: with 8 neighbours 4 MiB, the work of 2 s at 20 Mbit/s).
	seedAhead = 8
	// seedStuck is after which time what a neighbour was shown and did not ask for is
	// shown to another; seedEnd how long the last pieces are waited for.
	seedStuck = 5 * time.Second
	seedEnd   = 2 * time.Second
)

// seeding is how a content that is here in full, and nearly nowhere else, is given
// away: each piece to one neighbour only, until all have left.
type seeding struct {
	unsent  []uint32 // not shown to anybody, in random order
	open    int      // shown, not yet sent
	emptyAt protocol.Time
}

// shown is what one neighbour is shown.
type shown struct {
	set  large.Bits
	open []uint32 // to it alone, not yet sent
	at   protocol.Time
}

// seedFor begins to give away, or shows a neighbour its share.
func (m *Machine) seedFor(now protocol.Time, t *transfer, s *side) {
	if t.spread {
		return
	}
	if t.seed == nil {
		t.seed = &seeding{emptyAt: protocol.Never}
		for i := t.layout.Index(); i < t.pieces; i++ {
			if !slices.ContainsFunc(t.sides, func(s *side) bool { return s.hasPiece(i) }) {
				t.seed.unsent = append(t.seed.unsent, uint32(i))
			}
		}
		u := t.seed.unsent
		m.rng.Shuffle(len(u), func(i, j int) { u[i], u[j] = u[j], u[i] })
	}
	if s.shown == nil {
		s.shown = &shown{set: large.NewBits(t.pieces), at: now}
		for i := range t.layout.Index() {
			s.shown.set.Set(i) // all need these before anything else
		}
	}
	t.seed.topUp(now, t, s)
}

// topUp shows a neighbour more, so that it has always something to ask for.
func (sd *seeding) topUp(now protocol.Time, t *transfer, s *side) {
	for len(s.shown.open) < seedAhead && len(sd.unsent) > 0 {
		p := sd.unsent[len(sd.unsent)-1]
		sd.unsent = sd.unsent[:len(sd.unsent)-1]
		if slices.ContainsFunc(t.sides, func(o *side) bool { return o.hasPiece(int(p)) }) {
			continue // it has come about otherwise
		}
		s.shown.set.Set(int(p))
		s.shown.open = append(s.shown.open, p)
		s.fresh = append(s.fresh, p)
		sd.open++
		s.shown.at = now
	}
	if len(sd.unsent) == 0 && sd.emptyAt == protocol.Never {
		sd.emptyAt = now
	}
}

// sent notes that a neighbour gets a piece.
func (sd *seeding) sent(now protocol.Time, s *side, p uint32) {
	s.shown.at = now
	if k := slices.Index(s.shown.open, p); k >= 0 {
		s.shown.open = slices.Delete(s.shown.open, k, k+1)
		sd.open--
	}
}

// giveBack has what a neighbour was shown in vain shown to others.
func (sd *seeding) giveBack(s *side) {
	if s.shown == nil || len(s.shown.open) == 0 {
		return
	}
	sd.unsent = append(sd.unsent, s.shown.open...)
	sd.open -= len(s.shown.open)
	sd.emptyAt = protocol.Never
	s.shown.open = nil
}

// showAll ends it: from now on everybody is shown everything.
func (t *transfer) showAll() {
	t.seed, t.spread = nil, true
	for _, s := range t.sides {
		s.shown, s.whole = nil, true
	}
}

// seedOn goes on giving away, and ends it when everything has left.
func (m *Machine) seedOn(now protocol.Time, t *transfer, out *protocol.Outbox) {
	sd := t.seed
	if sd == nil {
		return
	}
	if len(sd.unsent) == 0 && (sd.open == 0 || now.Sub(sd.emptyAt) >= seedEnd) {
		t.showAll()
		return
	}
	for _, s := range t.sides {
		if s.shown == nil {
			continue
		}
		if now.Sub(s.shown.at) >= seedStuck {
			sd.giveBack(s)
			continue // until it asks for something
		}
		sd.topUp(now, t, s)
	}
}
