package detect

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Constants of beacons (our guesses, but for the first: some routers break at one a
// second, so that pace is not kept).
const (
	// firstPause is the first pause between two beacons, and the least ever. It doubles
	// up to longestPause.
	firstPause   = time.Second
	longestPause = time.Minute
	// crowd is how many members a segment may have before each sends more seldom, so
	// that all together send no more than that many.
	crowd = 8
	// maxMembers bounds the others that are remembered.
	maxMembers = 64
	// patience is how many announced pauses somebody may be silent.
	patience = 3
	// slack is what is added to that.
	slack = 2 * time.Second
	// maxNonces is how many of the own beacons may still be answered.
	maxNonces = 8
	// answerWithin is how soon a newcomer is answered, unless somebody else does;
	// maxAnswers are given at most at once, and one more each answerEvery.
	answerWithin = 500 * time.Millisecond
	maxAnswers   = 3
	answerEvery  = 10 * time.Second
)

// member is somebody whose beacons are heard.
type member struct {
	id, nonce uint64
	every     time.Duration // the pause that it announced last
	fresh     time.Time     // until when it counts
	hears     time.Time     // until when it is known to hear this host
	echoed    time.Time     // when its nonce was sent last
	segment   segmentName
}

// segment decides what to send on an interface, and knows who is heard there. It has
// no socket and no clock.
type segment struct {
	me      uint64
	rng     *rand.Rand
	name    segmentName
	members []member
	nonces  []uint64 // of the latest beacons, oldest first
	pause   time.Duration
	last    time.Time // when the latest was sent
	next    time.Time // when the next is due
	regular time.Time // when it would be if nobody had to be answered
	answers int       // how many may be given
	earned  time.Time // when the latest was earned
	bad     int       // datagrams that began as beacons and were none
}

// newSegment begins; me is this process's, so that its interfaces on one segment do
// not hear each other.
func newSegment(now time.Time, me uint64, rng *rand.Rand) *segment {
	return &segment{me: me, rng: rng, name: segmentName{id: rng.Uint64()}, pause: firstPause,
		next: now, regular: now, answers: maxAnswers, earned: now}
}

// hear takes in a datagram.
func (s *segment) hear(now time.Time, datagram []byte) {
	b, err := parseBeacon(datagram)
	if err != nil {
		s.bad++
		return
	}
	if b.me == s.me {
		return
	}
	s.expire(now)
	m := s.member(b.me)
	if m == nil {
		return
	}
	// Pauses grow: whose pause is shorter than before has begun anew, as when its
	// interface was down, and waits to be answered as a newcomer does.
	newcomer := m.fresh.IsZero() || b.every < m.every/2
	if newcomer {
		m.echoed = time.Time{}
	}
	life := patience*b.every + slack
	m.nonce, m.every, m.fresh, m.segment = b.nonce, b.every, now.Add(life), b.segment
	for _, e := range b.echoes {
		if e.who == s.me && slices.Contains(s.nonces, e.nonce) {
			m.hears = now.Add(life)
		}
		s.satisfied(now, e.who)
	}
	if m.hears.After(now) {
		s.agree(b.segment)
	}
	if newcomer {
		s.answerSoon(now)
	}
}

// agree takes over the name of somebody with whom there is a segment.
func (s *segment) agree(other segmentName) {
	if other.better(s.name) {
		s.name = other
	}
	s.name.shared = true
}

// member returns who sends under an ID, made if there is room: for a newcomer those
// give way who do not hear this host, the one that was silent longest first.
func (s *segment) member(id uint64) *member {
	if k := slices.IndexFunc(s.members, func(m member) bool { return m.id == id }); k >= 0 {
		return &s.members[k]
	}
	if len(s.members) == maxMembers {
		worst := -1
		for k := range s.members {
			if s.members[k].hears.IsZero() && (worst < 0 || s.members[k].fresh.Before(s.members[worst].fresh)) {
				worst = k
			}
		}
		if worst < 0 {
			return nil
		}
		s.members = slices.Delete(s.members, worst, worst+1)
	}
	s.members = append(s.members, member{id: id})
	return &s.members[len(s.members)-1]
}

// answerSoon has the next beacon sent soon: a newcomer waits to know whether it is
// heard.
func (s *segment) answerSoon(now time.Time) {
	for s.answers < maxAnswers && now.Sub(s.earned) >= answerEvery {
		s.answers, s.earned = s.answers+1, s.earned.Add(answerEvery)
	}
	if s.answers == maxAnswers {
		s.earned = now
	}
	if s.answers == 0 {
		return
	}
	at := now.Add(time.Duration(s.rng.Int64N(int64(answerWithin))))
	if least := s.last.Add(firstPause); at.Before(least) {
		at = least
	}
	if at.Before(s.next) {
		s.next = at
		s.answers--
	}
}

// satisfied is called when somebody has been answered by another: if that leaves no
// newcomer unanswered, the own answer is not needed.
func (s *segment) satisfied(now time.Time, who uint64) {
	unanswered := func(m member) bool { return m.echoed.IsZero() }
	k := slices.IndexFunc(s.members, func(m member) bool { return m.id == who && unanswered(m) })
	if k < 0 {
		return
	}
	s.members[k].echoed = now
	if !slices.ContainsFunc(s.members, unanswered) {
		s.next = s.regular
	}
}

// send returns the next beacon if it is due.
func (s *segment) send(now time.Time) (datagram []byte, due bool) {
	if now.Before(s.next) {
		return nil, false
	}
	s.expire(now)
	if !now.Before(s.regular) {
		s.pause = min(2*s.pause, s.longest())
		if s.last.IsZero() {
			s.pause = firstPause
		}
		// An eighth more or less, so that members do not fall into step.
		s.regular = now.Add(s.pause + time.Duration((s.rng.Float64()-0.5)/4*float64(s.pause)))
	}
	s.last, s.next = now, s.regular
	b := beacon{me: s.me, nonce: s.rng.Uint64(), every: max(s.pause, 2*time.Second), segment: s.name, echoes: s.echo(now)}
	if len(s.nonces) == maxNonces {
		s.nonces = slices.Delete(s.nonces, 0, 1)
	}
	s.nonces = append(s.nonces, b.nonce)
	return b.appendTo(nil), true
}

// longest is how long the pauses become among so many members.
func (s *segment) longest() time.Duration {
	return longestPause * time.Duration(max(crowd, len(s.members)+1)) / crowd
}

// echo picks whom the next beacon answers: those whose answer is oldest.
func (s *segment) echo(now time.Time) (list []echo) {
	slices.SortStableFunc(s.members, func(a, b member) int { return a.echoed.Compare(b.echoed) })
	for k := range s.members[:min(len(s.members), maxEchoes)] {
		m := &s.members[k]
		m.echoed = now
		list = append(list, echo{m.id, m.nonce})
	}
	return list
}

// expire forgets who is silent for too long.
func (s *segment) expire(now time.Time) {
	s.members = slices.DeleteFunc(s.members, func(m member) bool { return !m.fresh.After(now) })
}

// deadline is when to call send, or look at heard, again.
func (s *segment) deadline() time.Time {
	t := s.next
	for _, m := range s.members {
		if !m.hears.IsZero() && m.hears.Before(t) {
			t = m.hears
		}
	}
	return t
}

// hearing is what is known of a segment.
type hearing struct {
	heard         bool // somebody hears this host, and is heard
	name          segmentName
	members, both int // who is heard, and of these who hears this host
	bad           int // datagrams that began as beacons and were none
}

// hearing is what is known now.
func (s *segment) hearing(now time.Time) hearing {
	s.expire(now)
	h := hearing{name: s.name, members: len(s.members), bad: s.bad}
	for k := range s.members {
		m := &s.members[k]
		if m.hears.After(now) {
			h.both++
		} else {
			m.hears = time.Time{}
		}
	}
	h.heard = h.both > 0
	return h
}
