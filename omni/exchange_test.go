package omni

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

// known puts samples of members into a machine's memory.
func (r *rig) known(list ...Sample) {
	for _, s := range list {
		r.m.samples.put(keep(&s, r.now, r.m.rootKey()), r.m.worse)
	}
}

// Who asks is told of those that it does not know, and of news of those that it does, the
// best for it first.
func TestAnswer(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("asks")
	for i := range MaxSamples - 10 {
		s := Sample{Peer: name(i), Weight: 1, Reach: ReachPublic, Spare: 1, Offer: time.Duration(i+1) * ms}
		if i == 7 {
			s.Reach = ReachNone
		}
		r.known(s)
	}
	q := Samples{Root: r.m.rootKey(), Epoch: r.m.epoch, Known: newSieve(100), Salt: 3,
		List: []Sample{{Peer: "asks", Latency: 200 * ms, Offer: 200 * ms, Weight: 1, Reach: ReachNone}}}
	for i := range 6 {
		q.Known.add(q.Salt, name(i), r.m.samples.get(name(i)).version())
	}
	r.m.samples.get(name(5)).offer = pack(ms)
	r.m.samples.measure(name(6), 9*ms)
	r.clear()
	r.from("asks", q)
	got := sent[Samples](r, "asks")
	if len(got) != 1 || !got[0].Answer || len(got[0].List) != 1+aimed+drawn || len(got[0].List) > MaxBatch {
		t.Fatalf("answered %v", got)
	}
	list := got[0].List
	if list[0].Peer != "self" || list[1].Peer != name(5) || list[2].Peer != name(6) || list[3].Peer != name(8) {
		t.Errorf("told of %s, %s, %s and %s first, want itself, the one that has become better, then the best that is not known and can be linked",
			list[0].Peer, list[1].Peer, list[2].Peer, list[3].Peer)
	}
	if list[2].Way != 9*ms || list[3].Way != 0 {
		t.Errorf("the way to one that was measured is told as %v, to another as %v", list[2].Way, list[3].Way)
	}
	for _, s := range list {
		if s.Peer == "self" {
			continue
		}
		if k := keep(&s, 0, 0); q.Known.has(q.Salt, s.Peer, k.version()) {
			t.Errorf("told of %s, which is known", s.Peer)
		}
	}
	r.clear()
	q.Answer = true
	if r.from("asks", q); len(sent[Samples](r, "asks")) != 0 {
		t.Error("an answer is answered")
	}
}

// A question says whom the sender knows.
func TestQuestion(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.known(Sample{Peer: "a", Weight: 1}, Sample{Peer: "b", Weight: 1})
	r.member("q")
	got := sent[Samples](r, "q")
	has := func(p protocol.PeerID) bool {
		return got[0].Known.has(got[0].Salt, p, r.m.samples.get(p).version())
	}
	if len(got) == 0 || got[0].Answer || len(got[0].Known) != 1 || !has("a") || !has("b") {
		t.Fatalf("a new neighbour is asked %v", got)
	}
	if own := got[0].List[0]; own.Peer != "self" || own.Latency != r.m.lat || own.Weight != 1 {
		t.Errorf("it says of itself %+v", own)
	}
}

// A sieve never loses one that was put in, and takes few others for it.
func TestSieve(t *testing.T) {
	if n := len(newSieve(10 * MaxSamples)); n != maxSieve {
		t.Errorf("a sieve of %d bytes, want %d at most", n, maxSieve)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	wrong, all := 0, 0
	for range 50 {
		salt, n := byte(rng.Uint32()), 1+rng.IntN(MaxSamples)
		s := newSieve(n)
		for i := range n {
			s.add(salt, name(i), 0)
		}
		for i := range n {
			if !s.has(salt, name(i), 0) {
				t.Fatalf("%d of %d is lost", i, n)
			}
		}
		for i := range 200 {
			all++
			if s.has(salt, name(1000+i), 0) {
				wrong++
			}
		}
	}
	if wrong*100 > all*22 || wrong == 0 {
		t.Errorf("%d of %d others are taken for known, want some 16%%", wrong, all)
	}
	if newSieve(0).has(1, "x", 0) {
		t.Error("an empty sieve has somebody")
	}
}

// Whose going would serve those that are sent to after it hears by how much.
func TestRelief(t *testing.T) {
	r := newRig(t, "author", "author")
	r.in(protocol.BudgetChanged{UploadRate: 1_000_000})
	for i, w := range []int{5, 3, 1} {
		r.from(name(i), Join{Orphan: true, Feasible: maxLatency, Weight: w, Value: w, RTT: ms})
	}
	serial := r.m.serial()
	for i, want := range []time.Duration{serial * 4 / 5, serial / 3, 0} {
		s := r.m.state(r.m.peers.find(name(i)))
		if s.Relief != micros(want) || s.Wait != micros(time.Duration(i+1)*serial) {
			t.Errorf("child %d: relief %v, wait %v, want %v and %d turns of %v", i, s.Relief, s.Wait, want, i+1, serial)
		}
	}
	c := newRig(t, "self", "")
	c.attach("p", 50*ms)
	before := c.m.goal(c.now)
	s := at("root", 1, 50*ms, "root")
	s.Relief = 9 * ms
	c.from("p", Beat{s})
	if got := c.m.goal(c.now); got != before+9*ms {
		t.Errorf("a new parent has to beat %v, want %v more than %v", got, 9*ms, before)
	}
}

// A stranger that asks is answered too, but not all that ask at once.
func TestStrangersAreAnswered(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	q := Samples{Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{{Peer: "stranger", Latency: 200 * ms, Offer: 200 * ms, Weight: 1, Reach: ReachPublic}}}
	answered := func(p protocol.PeerID) int {
		r.clear()
		q.List[0].Peer = p
		r.from(p, q)
		return len(sent[Samples](r, p))
	}
	if answered("stranger") != 1 || r.m.peers.find("stranger") != nil {
		t.Error("a stranger is not answered, or remembered as a peer")
	}
	if answered("another") != 0 {
		t.Error("another stranger is answered at once")
	}
	r.now = r.now.Add(strangerPause)
	if answered("another") != 1 {
		t.Errorf("another stranger is not answered %v later", strangerPause)
	}
}

// What somebody near has measured shows a way that coordinates do not.
func TestHint(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	far := vivaldi.Coordinate{X: 200 * vivaldi.Grain}
	mate := Sample{Peer: "mate", Weight: 1, Latency: 90 * ms, Offer: 90 * ms, Reach: ReachPublic}
	told := Sample{Peer: "q", At: far, Weight: 1, Offer: 10 * ms, Spare: 1, Reach: ReachPublic, Way: 20 * ms}
	r.from("mate", Samples{Answer: true, Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{mate, told}})
	s, here := r.m.samples.get("q"), r.m.place.Coordinate()
	if want := 20*ms + vivaldi.Distance(here, mate.At); s.distance(here) != want {
		t.Errorf("the way is foretold as %v, want %v", s.distance(here), want)
	}
	told.Way = 0
	r.now = r.now.Add(ms)
	r.from("mate", Samples{Answer: true, Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{mate, told}})
	if s.distance(here) > 50*ms {
		t.Error("later news have the way forgotten")
	}
	if r.m.samples.measure("q", 70*ms); s.distance(here) != 70*ms {
		t.Errorf("measured, it is %v", s.distance(here))
	}
}

// What somebody near has measured shows that a member is not as near as coordinates have
// it, unless the way to who says so is unknown.
func TestLeast(t *testing.T) {
	for _, tc := range []struct {
		name string
		near bool // the way to who tells is measured
		want time.Duration
	}{
		{"measured", true, 180 * ms * leastOf / 10},
		{"not measured", false, 0},
	} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		if tc.near {
			r.member("mate") // 20 ms away
		}
		here := r.m.place.Coordinate()
		mate := Sample{Peer: "mate", At: here, Weight: 1, Latency: 90 * ms, Offer: 90 * ms, Reach: ReachPublic}
		told := Sample{Peer: "q", At: here, Weight: 1, Offer: 10 * ms, Spare: 1, Reach: ReachPublic, Way: 200 * ms}
		r.from("mate", Samples{Answer: true, Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{mate, told}})
		s, here := r.m.samples.get("q"), r.m.place.Coordinate()
		if want := max(tc.want, vivaldi.Distance(here, s.At)); s.distance(here) != want {
			t.Errorf("%s: foretold %v, want %v", tc.name, s.distance(here), want)
		}
		told.Way = 0
		r.now = r.now.Add(ms)
		r.from("mate", Samples{Answer: true, Root: r.m.rootKey(), Epoch: r.m.epoch, List: []Sample{mate, told}})
		if want := max(tc.want, vivaldi.Distance(here, s.At)); s.distance(here) != want {
			t.Errorf("%s: later news have it forgotten: %v, want %v", tc.name, s.distance(here), want)
		}
		if r.m.samples.measure("q", 5*ms); s.distance(here) != 5*ms {
			t.Errorf("%s: measured, it is %v", tc.name, s.distance(here))
		}
	}
}
