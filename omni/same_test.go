package omni

import (
	"testing"
	"time"
)

// A child is told its parent's place once, then only that nothing has changed, until
// something has, some time has passed, or it asks.
func TestSame(t *testing.T) {
	r := newRig(t, "author", "author")
	r.adopt("a")
	beats := func(step string, d time.Duration, same, whole int) {
		t.Helper()
		r.clear()
		r.wait(d)
		if s, w := len(sent[Same](r, "a")), len(sent[Beat](r, "a")); s != same || w != whole {
			t.Errorf("%s: %d short and %d whole beats, want %d and %d", step, s, w, same, whole)
		}
	}
	beats("at first", 2*beatEvery+beatEvery/2, 2, 0)
	beats("after a while", 2*beatEvery, 1, 1)
	beats("nothing new", beatEvery, 1, 0)
	r.from("a", Again{})
	beats("asked", beatSoon, 0, 1)
	r.from("b", Join{Orphan: true, Feasible: maxLatency, Weight: 9, Value: 9, RTT: ms})
	beats("another is sent to first", beatEvery, 0, 1)
	r.from("a", Again{})
	r.from("a", Again{})
	beats("asked twice", beatSoon, 0, 1)
}

// A short beat counts like the whole one that it names, and one that names another is
// asked about and counts for nothing.
func TestTakeSame(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	s := at("root", 2, 60*ms, "root")
	r.from("p", Beat{s})
	lat := r.m.lat
	r.from("p", Same{Number: 3, Check: s.check()})
	if r.m.epoch != 1<<32|3 || r.m.lat != lat || len(sent[Again](r, "p")) != 0 {
		t.Errorf("epoch %x, latency %v, want 3 and %v", r.m.epoch, r.m.lat, lat)
	}
	r.from("p", Offer{at("root", 3, 40*ms, "root")})
	r.from("p", Same{Number: 4, Check: s.check()})
	if r.m.epoch != 1<<32|4 || r.m.lat != lat || len(sent[Again](r, "p")) != 0 {
		t.Errorf("after an offer: epoch %x, latency %v, want 4 and %v", r.m.epoch, r.m.lat, lat)
	}
	r.from("p", Same{Number: 5, Check: s.check() + 1})
	if r.m.epoch != 1<<32|4 || len(sent[Again](r, "p")) != 1 {
		t.Errorf("epoch %x after a beat that names what was never said, want 4", r.m.epoch)
	}
	r.from("stranger", Same{Number: 6})
	if r.m.epoch != 1<<32|4 || len(sent[Again](r, "stranger")) != 1 {
		t.Errorf("epoch %x after a stranger's, want 4", r.m.epoch)
	}
}

// What the tree depends on is equal, or a whole beat is sent.
func TestCovers(t *testing.T) {
	base := at("root", 2, 60*ms, "root", "x")
	base.Offer, base.Spare, base.Wait = 80*ms, 2, ms
	for _, tc := range []struct {
		name           string
		change         func(*State)
		child, watcher bool
	}{
		{"nothing", func(*State) {}, true, true},
		{"no later beat", func(s *State) { s.Epoch-- }, false, false},
		{"another term", func(s *State) { s.Epoch += 1 << 32 }, false, false},
		{"latency", func(s *State) { s.Latency++ }, false, false},
		{"wait", func(s *State) { s.Wait++ }, false, true},
		{"path", func(s *State) { s.Path = s.Path[:1] }, false, false},
		{"root", func(s *State) { s.Root = "r" }, false, false},
		{"cut off", func(s *State) { s.Attached = false }, false, false},
		{"publishes", func(s *State) { s.Publishes = true }, false, false},
		{"offer", func(s *State) { s.Offer += s.Offer / 10 }, true, false},
		{"full", func(s *State) { s.Spare = 0 }, true, false},
	} {
		w, s := whole{base, second}, base
		s.Epoch++
		tc.change(&s)
		if c, o := w.covers(second, &s, true), w.covers(second, &s, false); c != tc.child || o != tc.watcher {
			t.Errorf("%s: covered for a child %v and a watcher %v, want %v and %v", tc.name, c, o, tc.child, tc.watcher)
		}
		if c, o := w.covers(second.Add(childSame), &s, true), w.covers(second.Add(watcherSame), &s, false); c || o {
			t.Errorf("%s: covered for good", tc.name)
		}
	}
}
