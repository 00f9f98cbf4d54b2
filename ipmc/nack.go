package ipmc

import (
	"math"
	mathbits "math/bits"
	"math/rand/v2"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Times of asking (our guesses; the shape of a slot is NORM's).
const (
	// firstWindow is within what time those who lack something draw the moments at
	// which they ask. It widens where several ask at once nevertheless, and narrows
	// again: minWindow to maxWindow.
	firstWindow = 40 * time.Millisecond
	minWindow   = 20 * time.Millisecond
	maxWindow   = 400 * time.Millisecond
	// minHold is for how long at least an answer is waited for; twice as long with each
	// try, up to maxHold.
	minHold = 80 * time.Millisecond
	maxHold = 2 * time.Second
	// maxTries is how often a position is asked for before it is left to the slow
	// path, maxWait for how long it is waited for even where others ask.
	maxTries = 12
	maxWait  = 30 * time.Second
	// lonelyAbove is the share of losses that nobody else asked for above which a
	// peer asks one neighbour by itself instead of the group; lonelyTries is how often,
	// before it asks the group after all.
	lonelyAbove = 0.9
	lonelyTries = 2
)

// asker knows when to ask, and whom.
type asker struct {
	window time.Duration
	lonely float64 // share of losses that nobody else asked for
	// How long answers take, and how much that varies: nothing on the wire of a LAN,
	// but much where hosts are busy.
	answer, spread time.Duration
}

func newAsker() asker { return asker{window: firstWindow} }

// backoff draws a moment in the window: late ones are likelier the more peers there may
// be, so that few are early (RFC 5740, section 5.2, RandomBackoff).
func backoff(rng *rand.Rand, window time.Duration, peers int) time.Duration {
	t := window.Seconds()
	lambda := math.Log(float64(max(peers, 10))) + 1
	x := rng.Float64()*lambda/t + lambda/(t*(math.Exp(lambda)-1))
	return time.Duration(t / lambda * math.Log(x*(math.Exp(lambda)-1)*(t/lambda)) * float64(time.Second))
}

// slot draws a moment of this machine's.
func (m *Machine) slot() time.Duration {
	return backoff(m.rng, m.asking.window, len(m.beacons.peers)+1)
}

// mayAsk has a stream's holes looked at a slot after a time, unless they are anyway.
func (m *Machine) mayAsk(now protocol.Time, s *stream, due protocol.Time) {
	if s.nackAt == protocol.Never {
		s.nackAt = max(now, due).Add(m.slot())
	}
}

// hold is for how long the answer to a question is waited for.
func (m *Machine) hold(h *hole) time.Duration {
	d := max(minHold, 2*m.asking.window, m.asking.answer+4*m.asking.spread)
	for range h.tries - 1 {
		d = min(2*d, maxHold)
	}
	return min(d, maxHold)
}

// ask asks for what is late of a stream, all of it in one message as far as it fits,
// and sees when to look again.
func (m *Machine) ask(now protocol.Time, s *stream, out *protocol.Outbox) {
	var late []*hole
	next := protocol.Never
	for i := 0; i < len(s.holes); i++ {
		h := s.hole(s.holes[i])
		at := m.lateAt(h)
		switch {
		case h.item != nil && !h.handed && at <= now && now <= h.since.Add(maxWait):
			m.hand(now, s, h, out)
			if !h.handed {
				next = min(next, h.again)
			}
		case at > now:
			next = min(next, at)
		case h.seq > s.sure && (now < s.strict || m.standsBack() && now < h.since.Add(maxWait)):
			// Somebody makes up positions: it may never have been sent. Or else it is not
			// asked for, but counts once it is sure that it was sent.
			next = min(next, now.Add(minHold))
		case h.tries >= maxTries || now > h.since.Add(maxWait), m.standsBack():
			m.giveUp(now, s, h, out)
			i-- // it is gone from the list
		default:
			late = append(late, h)
		}
	}
	if len(late) > 0 {
		next = min(next, m.send(now, s, late, out))
	}
	s.nackAt = protocol.Never
	if next != protocol.Never {
		s.nackAt = max(now, next).Add(m.slot())
	}
}

// standsBack reports whether this peer loses too much to ask anybody: it gets all by
// gossip, or has nobody to ask alone.
func (m *Machine) standsBack() bool {
	return m.health.unfit && (m.cfg.Standby || len(m.neighbours) == 0)
}

// lateAt is from when on a hole is asked for, or its item handed up again.
func (m *Machine) lateAt(h *hole) protocol.Time {
	switch {
	case h.item != nil && h.again > 0:
		return h.again
	case h.item != nil:
		return protocol.Never // it is being judged
	case h.asked > 0:
		return max(h.due, h.asked.Add(m.hold(h)))
	}
	return h.due
}

// send asks for holes, and returns when to look again.
func (m *Machine) send(now protocol.Time, s *stream, late []*hole, out *protocol.Outbox) protocol.Time {
	n := &Nack{Stream: s.id}
	next, bytes := protocol.Never, 32
	tries := 0
	for _, h := range late {
		bits := m.missing(s, h)
		if !addTo(n, h.seq, bits, &bytes, m.room) {
			next = min(next, now.Add(reorderGrace)) // another message, soon
			continue
		}
		if h.tries == 0 {
			m.asking.alone(!h.byOthers)
			h.missed(bits)
		}
		h.asked = now
		h.tries++
		tries = max(tries, h.tries)
		next = min(next, m.lateAt(h))
	}
	m.asking.narrow()
	if to := m.helper(s); to != "" && (m.health.unfit || m.asking.lonely > lonelyAbove && tries <= lonelyTries) {
		m.stats.AskedOne++
		out.Send(to, n, protocol.Control, now.Add(minHold))
		return next
	}
	m.stats.Nacks++
	m.multicast(n, out)
	return next
}

// missing is what a hole lacks, as in a Part; nil for all.
func (m *Machine) missing(s *stream, h *hole) []byte {
	switch {
	case h.a != nil:
		return h.a.missing()
	case m.sources.keeps(s.id, h.seq):
		return []byte{1} // the first fragment says what else
	}
	return nil
}

// missed notes how much is missing of a position when it is first asked for.
func (h *hole) missed(bits []byte) {
	switch {
	case h.share > 0:
	case h.a == nil:
		h.share = 1 // or about that
	default:
		n := 0
		for _, b := range bits {
			n += mathbits.OnesCount8(b)
		}
		h.share = float64(n) / float64(1+h.a.first.Lists+h.a.first.Data)
	}
}

// addTo adds a position to a question, if there is room for it.
func addTo(n *Nack, seq uint64, bits []byte, bytes *int, room int) bool {
	if bits == nil {
		if k := len(n.Runs) - 1; k >= 0 && n.Runs[k].Seq+n.Runs[k].Len == seq && n.Runs[k].Len < MaxWindow {
			n.Runs[k].Len++
			return true
		}
		if len(n.Runs) == MaxRuns || *bytes+11 > room {
			return false
		}
		*bytes += 11
		n.Runs = append(n.Runs, Run{seq, 1})
		return true
	}
	if len(n.Parts) == MaxParts || *bytes+len(bits)+11 > room {
		return false
	}
	*bytes += len(bits) + 11
	n.Parts = append(n.Parts, Part{seq, bits})
	return true
}

// helper is a neighbour to ask alone: the sender itself, else any; empty for none.
func (m *Machine) helper(s *stream) protocol.PeerID {
	switch {
	case m.linked(s.origin):
		return s.origin
	case len(m.neighbours) > 0:
		return m.neighbours[m.rng.IntN(len(m.neighbours))]
	}
	return ""
}

// answered measures how long an answer took, where it cannot be that to an earlier
// question (RFC 6298, section 3, Karn's algorithm).
func (m *Machine) answered(now protocol.Time, h *hole) {
	if h.tries != 1 || h.asked == 0 {
		return
	}
	a := &m.asking
	took := now.Sub(h.asked)
	if a.answer == 0 {
		a.answer, a.spread = took, took/2
		return
	}
	a.spread += (max(took-a.answer, a.answer-took) - a.spread) / 4
	a.answer += (took - a.answer) / 8
}

// alone notes whether this peer was the first to ask for something.
func (a *asker) alone(first bool) {
	v := 0.0
	if first {
		v = 1
	}
	a.lonely += (v - a.lonely) / 16
}

// widen spreads questions further apart: two asked for the same at once.
func (a *asker) widen() { a.window = min(a.window+a.window/4, maxWindow) }

func (a *asker) narrow() { a.window = max(a.window-a.window/64, minWindow) }

// askedByOther notes that somebody else has asked for what this peer lacks too: it
// waits for the answer.
func (m *Machine) askedByOther(now protocol.Time, h *hole, bits []byte) {
	if h.asked > 0 && now < h.asked.Add(m.asking.window) {
		m.asking.widen()
	}
	if h.tries == 0 && !h.byOthers {
		h.byOthers = true
		m.asking.alone(false)
		h.missed(bits)
	}
	h.asked = now
}
