package scenario

import (
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// The first publishers die with the others, or alone; who is left takes their turns.
func TestKillPublishers(t *testing.T) {
	for _, kill := range []float64{0, 0.3} {
		s := Scenario{Topology: "lognormal:40", Draw: 4, KillPublishers: 2, Kill: kill, Items: 24, Warmup: 20 * time.Second}
		r, err := newRun(s, Options{Check: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.play(t.Context()); err != nil {
			t.Fatal(err)
		}
		dead := 0
		for h := range r.meter.place {
			if r.meter.died[h] != protocol.Never {
				dead++
			}
		}
		if want := 2 + int(kill*40); dead != want {
			t.Errorf("kill %v: %d are dead, not %d", kill, dead, want)
		}
		count := make(map[int32]int)
		for i := range r.meter.items {
			it := &r.meter.items[i]
			place := r.meter.place[it.author]
			count[place]++
			if it.seq != uint64(count[place]) {
				t.Errorf("item %d is number %d of its author, not %d", i, it.seq, count[place])
			}
			if want := r.world.publishers[i%4]; i < 12 && place != want || i >= 12 && place != want && (place == r.world.publishers[0] || place == r.world.publishers[1]) {
				t.Errorf("item %d is published at place %d", i, place)
			}
		}
		// Of the last twelve turns the third publisher takes those of the first two.
		p := r.world.publishers
		if count[p[0]] != 3 || count[p[1]] != 3 || count[p[2]] != 12 || count[p[3]] != 6 {
			t.Errorf("%v items by place of %v", count, p)
		}
		res := r.result()
		if res.Lost != 0 || res.Vanished != 0 || res.FirstAfterKill == nil {
			t.Errorf("%+v", res)
		}
	}
}

// What nobody has but its dead author is expected of nobody.
func TestVanished(t *testing.T) {
	m := got([2]int32{1, 1}, [2]int32{never, never}, [2]int32{never, 5})
	// Host 0 is the author of all.
	if v := m.vanished(&m.items[1]); v {
		t.Error("an item vanished with an author that lives")
	}
	m.died[0] = protocol.Time(5 * time.Second)
	for i, want := range []bool{false, true, false} {
		if got := m.vanished(&m.items[i]); got != want {
			t.Errorf("item %d vanished: %v", i, got)
		}
	}
	if ratio, lost := m.delivery(); ratio != 3./4 || lost != 1 {
		t.Errorf("%v, %d lost", ratio, lost)
	}
	m.died[2] = protocol.Time(6 * time.Second)
	if !m.vanished(&m.items[2]) {
		t.Error("what the dead had is not there")
	}
}

// Both parts publish, and have everything of each other once they are whole again.
func TestSplit(t *testing.T) {
	s := Scenario{Topology: "lognormal:60", Draw: 5, Partition: 0.4, Split: true, PartitionFor: 5 * time.Second, Items: 100}
	w := mustWorld(t, s)
	cut := 0
	for p := range w.role {
		if w.is(int32(p), cutOff) {
			cut++
		}
	}
	for i, p := range w.publishers {
		if w.is(p, cutOff) != (i%2 == 1) {
			t.Errorf("publisher %d is cut off: %v", i, w.is(p, cutOff))
		}
	}
	if cut != 24 {
		t.Errorf("%d of 60 are cut off", cut)
	}
	res := mustRun(t, s, Options{Check: true})
	if res.Lost != 0 || res.Merge == nil || *res.Merge <= 0 || *res.Merge > 30 {
		t.Errorf("lost %d, merged after %v", res.Lost, res.Merge)
	}
	s.Split = false
	if res := mustRun(t, s, Options{}); res.Merge != nil {
		t.Errorf("merged after %v without --split", *res.Merge)
	}
	s.Split, s.Drain, s.PartitionFor, s.Items = true, 10*time.Millisecond, 10*time.Second, 40
	if res := mustRun(t, s, Options{}); res.Merge != nil {
		t.Errorf("not all had come when the run ended, but merged after %v", *res.Merge)
	}
}

// One author is withheld by many, and still comes through.
func TestWithholdAuthor(t *testing.T) {
	s := Scenario{Topology: "lognormal:50", Draw: 2, Adversaries: 0.2, Attack: "withhold-author", Items: 20}
	if res := mustRun(t, s, Options{Check: true}); res.Lost != 0 {
		t.Errorf("%d lost", res.Lost)
	}
}

// Large items one after the other, rarely.
func TestLargeItems(t *testing.T) {
	s := Scenario{Topology: "lognormal:30", Size: 100_000, Rate: 0.2, Items: 4}
	res := mustRun(t, s, Options{Check: true})
	if res.Lost != 0 || res.VirtualSeconds < 75 || res.Latency.Mean < res.Unicast.P50 {
		t.Errorf("%+v, latency %+v, unicast %+v", res, res.Latency, res.Unicast)
	}
}
