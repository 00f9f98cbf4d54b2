package detect

import (
	"math/rand/v2"
	"testing"
	"time"
)

// air is a multicast segment in virtual time.
type air struct {
	now     time.Time
	members []*segment
	passes  func(from, to int) bool // nil: all
	sent    []int                   // beacons, by member
	bytes   int
}

func newAir() *air { return &air{now: time.Unix(1000, 0)} }

func (a *air) join() *segment {
	k := uint64(len(a.members) + 1)
	s := newSegment(a.now, k, rand.New(rand.NewPCG(k, 7)))
	a.members, a.sent = append(a.members, s), append(a.sent, 0)
	return s
}

// run lets time pass.
func (a *air) run(d time.Duration) {
	for end := a.now.Add(d); ; {
		next := end
		for _, s := range a.members {
			if s != nil && s.deadline().Before(next) {
				next = s.deadline()
			}
		}
		a.now = next
		if !next.Before(end) {
			return
		}
		for k, s := range a.members {
			if s == nil {
				continue
			}
			if b, due := s.send(a.now); due {
				a.sent[k]++
				a.bytes += len(b)
				for to, m := range a.members {
					if m != nil && (a.passes == nil || a.passes(k, to)) {
						m.hear(a.now, b)
					}
				}
			}
			s.hearing(a.now)
		}
	}
}

func (a *air) heard(k int) hearing { return a.members[k].hearing(a.now) }

// TestHeardBothWays: two that hear each other know it within a few beacons, and have
// one name for where they are.
func TestHeardBothWays(t *testing.T) {
	a := newAir()
	a.join()
	a.run(time.Minute)
	if h := a.heard(0); h.heard || h.members != 0 {
		t.Fatalf("alone: %+v", h)
	}
	a.join()
	a.run(5 * time.Second)
	x, y := a.heard(0), a.heard(1)
	if !x.heard || !y.heard || x.name != y.name || !x.name.shared {
		t.Errorf("after 5 s: %+v and %+v", x, y)
	}
	a.members[1] = nil
	a.run(patience*longestPause*5/4 + 2*slack)
	if h := a.heard(0); h.heard || h.members != 0 {
		t.Errorf("after the other has gone: %+v", h)
	}
}

// TestReturn: whoever was away for a moment, and begins anew, is answered as soon as a
// newcomer is, though others have not forgotten it.
func TestReturn(t *testing.T) {
	a := newAir()
	a.join()
	a.join()
	a.run(10 * time.Minute)
	if !a.heard(0).heard || !a.heard(1).heard {
		t.Fatalf("%+v and %+v", a.heard(0), a.heard(1))
	}
	a.members[1] = newSegment(a.now, 2, rand.New(rand.NewPCG(9, 9)))
	before := a.sent[0]
	a.run(2 * time.Second)
	if h := a.heard(1); !h.heard || h.name != a.heard(0).name {
		t.Errorf("2 s after it has come back: %+v", h)
	}
	if n := a.sent[0] - before; n != 1 {
		t.Errorf("it was answered with %d beacons", n)
	}
}

// TestOneWay: whoever hears others, but is not heard, is not on their segment, and
// neither are they on its.
func TestOneWay(t *testing.T) {
	a := newAir()
	for range 3 {
		a.join()
	}
	a.passes = func(from, to int) bool { return from != 0 } // nobody hears the first
	a.run(5 * time.Minute)
	if h := a.heard(0); h.heard || h.members != 2 {
		t.Errorf("who is not heard: %+v", h)
	}
	for k := 1; k <= 2; k++ {
		if h := a.heard(k); !h.heard || h.members != 1 {
			t.Errorf("the others: %+v", h)
		}
	}
}

// TestOneName: all of a segment have one name soon, a newcomer does not change it, and
// two that were apart have one when they are not any more.
func TestOneName(t *testing.T) {
	a := newAir()
	for range 5 {
		a.join()
	}
	a.passes = func(from, to int) bool { return from < 2 == (to < 2) }
	a.run(time.Minute)
	if x, y := a.heard(0).name, a.heard(4).name; x == y {
		t.Fatal("two segments have one name")
	}
	a.passes = nil
	a.run(4 * time.Minute)
	name := a.heard(0).name
	newcomer := a.join()
	newcomer.name.id = 0 // the least
	a.run(4 * time.Minute)
	for k := range a.members {
		if h := a.heard(k); h.name != name {
			t.Errorf("member %d calls it %v, not %v", k, h.name, name)
		}
	}
}

// TestForgedEchoes: who did not hear a beacon cannot know its nonce.
func TestForgedEchoes(t *testing.T) {
	a := newAir()
	s := a.join()
	a.run(time.Minute)
	liar := beacon{me: 77, every: 2 * time.Second, segment: segmentName{true, 0}, echoes: []echo{{s.me, 12345}}}
	s.hear(a.now, liar.appendTo(nil))
	if h := s.hearing(a.now); h.heard || h.name.shared || h.members != 1 {
		t.Errorf("%+v", h)
	}
	old := s.nonces[0]
	for range maxNonces {
		a.run(2 * longestPause)
	}
	liar.echoes[0].nonce = old
	s.hear(a.now, liar.appendTo(nil))
	if s.hearing(a.now).heard {
		t.Error("an echo of long ago counts")
	}
	liar.echoes[0].nonce = s.nonces[len(s.nonces)-1]
	s.hear(a.now, liar.appendTo(nil))
	if !s.hearing(a.now).heard {
		t.Error("a true echo does not count")
	}
}

// TestOwnBeacons: what comes back of the own ones, and of this process's on another
// interface, is nobody.
func TestOwnBeacons(t *testing.T) {
	s := newSegment(time.Unix(0, 0), 7, rand.New(rand.NewPCG(1, 1)))
	b := beacon{me: 7, every: time.Second, echoes: []echo{{7, 1}}}
	s.hear(time.Unix(0, 0), b.appendTo(nil))
	s.hear(time.Unix(0, 0), []byte(beaconMagic+"and then something else"))
	if h := s.hearing(time.Unix(0, 0)); h.members != 0 || h.bad != 1 {
		t.Errorf("%+v", h)
	}
}

// TestQuiet: the pace of beacons, alone and in a crowd. Some routers break at one a
// second.
func TestQuiet(t *testing.T) {
	a := newAir()
	a.join()
	a.run(30 * time.Second)
	if n := a.sent[0]; n < 4 || n > 7 {
		t.Errorf("%d beacons in the first half minute", n)
	}
	a.run(3 * time.Minute)
	before := a.sent[0]
	a.run(10 * time.Minute)
	if n := a.sent[0] - before; n < 8 || n > 12 {
		t.Errorf("%d beacons in ten minutes", n)
	}

	const many = 40
	a = newAir()
	for range many {
		a.join()
	}
	a.run(time.Hour)
	total, bytes := 0, a.bytes
	for k := range a.sent {
		total -= a.sent[k]
	}
	a.run(time.Hour)
	for k := range a.sent {
		total += a.sent[k]
	}
	t.Logf("%d members send %d beacons an hour, each %d bytes a minute", many, total, (a.bytes-bytes)/60/many)
	if total > 60*crowd*5/4 {
		t.Errorf("%d members send %d beacons an hour", many, total)
	}
	for k := range a.members {
		if h := a.heard(k); !h.heard || h.name != a.heard(0).name {
			t.Errorf("member %d: %+v", k, h)
		}
	}
}

// TestNewcomersAreAnsweredSoon: though all others have long pauses by now, and not by
// all of them.
func TestNewcomersAreAnsweredSoon(t *testing.T) {
	a := newAir()
	for range 10 {
		a.join()
	}
	a.run(time.Hour)
	before := 0
	for _, n := range a.sent {
		before += n
	}
	a.join()
	a.run(3 * time.Second)
	if !a.heard(10).heard {
		t.Error("a newcomer is not heard within 3 s")
	}
	answers := -a.sent[10] - before
	for _, n := range a.sent {
		answers += n
	}
	if answers < 1 || answers > 5 {
		t.Errorf("%d answers to one newcomer", answers)
	}
}

// TestMembersAreBounded: strangers that do not hear this host give way, those that do
// stay, and answering strangers has its limit.
func TestMembersAreBounded(t *testing.T) {
	a := newAir()
	s := a.join()
	a.join()
	a.run(time.Minute)
	before := a.sent[0]
	for k := range uint64(10 * maxMembers) {
		b := beacon{me: 1000 + k, nonce: k, every: time.Hour}
		s.hear(a.now, b.appendTo(nil))
		if k%8 == 0 {
			a.run(100 * time.Millisecond)
		}
	}
	if h := a.heard(0); len(s.members) != maxMembers || h.both != 1 {
		t.Errorf("%d members, %d hear", len(s.members), h.both)
	}
	if n := a.sent[0] - before; n > maxAnswers+3 {
		t.Errorf("%d beacons to answer strangers", n)
	}
}
