package ways

import (
	"cmp"
	"slices"
	"time"
)

const (
	// Step is how much later the next way starts: RFC 8305's recommended connection
	// attempt delay.
	Step = 250 * time.Millisecond
	// LastResort is how much later than what is not doubted a doubtful way starts, at
	// least (our guess: a handshake over half the world, with a packet lost).
	LastResort = time.Second
	// MaxDelay is when all that is left starts (our guess).
	MaxDelay = 3 * time.Second
)

// Plan says when a dial starts each way that a peer offers.
type Plan struct {
	starts []start // in the order of their delays
}

type start struct {
	way   Way
	after time.Duration
}

// Plan orders the ways that a peer offers, each once.
//
// The best way that works starts at once; with it start those that would be better
// but are untried, so that a better way is found where there is one, at no cost in
// time. The others follow, one Step after the other. Those in doubt come last.
func (m *Memory) Plan(now time.Time, id ID, offered []Way) Plan {
	type candidate struct {
		way      Way
		standing Standing
	}
	var list []candidate
	for _, w := range offered {
		same := func(c candidate) bool { return c.way == w }
		if w.valid() && !slices.ContainsFunc(list, same) {
			list = append(list, candidate{w, m.Standing(now, id, w)})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a, b := a.standing == Doubtful, b.standing == Doubtful; a != b {
			if a {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.way.rank(), b.way.rank())
	})
	works := slices.IndexFunc(list, func(c candidate) bool { return c.standing == Works })
	var p Plan
	after := time.Duration(0)
	for i, c := range list {
		switch {
		case i == 0 || i <= works:
		case c.standing == Doubtful && list[i-1].standing != Doubtful:
			after = max(after+Step, LastResort)
		default:
			after += Step
		}
		p.starts = append(p.starts, start{c.way, min(after, MaxDelay)})
	}
	return p
}

// Delay is when a way starts; false for one that is not in the plan.
func (p Plan) Delay(w Way) (time.Duration, bool) {
	for _, s := range p.starts {
		if s.way == w {
			return s.after, true
		}
	}
	return 0, false
}

// beatenBy are the ways that came up later than another although they should have
// been the first: they started earlier, or at the same time with fewer round trips
// to make.
func (p Plan) beatenBy(winner Way) (beaten []Way) {
	at, planned := p.Delay(winner)
	if !planned {
		return nil // it was found at an address that nobody had told
	}
	for _, s := range p.starts {
		if s.after < at || s.after == at && s.way.rank() < winner.rank() && at < MaxDelay {
			beaten = append(beaten, s.way)
		}
	}
	return beaten
}
