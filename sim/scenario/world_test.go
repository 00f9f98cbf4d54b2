package scenario

import (
	"slices"
	"testing"
	"time"
)

func mustWorld(t *testing.T, s Scenario) *world {
	t.Helper()
	s = s.WithDefaults()
	w, err := newWorld(&s, &Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Adversaries change neither who publishes, dies, comes late or is cut off, nor when
// the others join: all but themselves.
func TestStreamsAreApart(t *testing.T) {
	s := Scenario{Topology: "lognormal:300", Draw: 3, Kill: 0.4, Late: 0.2, Partition: 0.3, Churn: 30 * time.Second}
	a := mustWorld(t, s)
	s.Adversaries = 0.1
	b := mustWorld(t, s)
	if !slices.Equal(a.publishers, b.publishers) || !slices.Equal(a.cast.killed, b.cast.killed) || !slices.Equal(a.cast.late, b.cast.late) {
		t.Error("who publishes, dies or comes late is another with adversaries")
	}
	if len(b.cast.adversaries) != 30 || !slices.Equal(a.deaths(&s), b.deaths(&s)) {
		t.Errorf("%d adversaries, or other deaths", len(b.cast.adversaries))
	}
	for p := range a.role {
		if a.role[p] != b.role[p]&^hostile {
			t.Errorf("place %d was %b and is %b", p, a.role[p], b.role[p])
		}
	}
}

// Shares come out, and the publishers are spared.
func TestShares(t *testing.T) {
	s := Scenario{Topology: "king:200", Publishers: []string{"h007", "h110"}, Kill: 0.5, Late: 0.1, Partition: 0.37}
	w := mustWorld(t, s)
	counts := make(map[role]int)
	for p := range w.role {
		for _, r := range []role{publisher, late, cutOff} {
			if w.is(int32(p), r) {
				counts[r]++
			}
		}
	}
	if counts[publisher] != 2 || counts[late] != 20 || counts[cutOff] != 74 || len(w.cast.killed) != 100 {
		t.Errorf("%v, %d killed", counts, len(w.cast.killed))
	}
	for _, p := range w.cast.killed {
		if w.is(p, publisher|late) {
			t.Errorf("place %d, %b, is killed", p, w.role[p])
		}
	}
	if len(w.order) != 180 || !w.reachable(w.order[0]) {
		t.Errorf("%d join, the first reachable: %v", len(w.order), w.reachable(w.order[0]))
	}
	if all := mustWorld(t, Scenario{Topology: "king:50", Kill: 1, Partition: 1}); len(all.cast.killed) != 49 {
		t.Errorf("a kill of all kills %d of 50", len(all.cast.killed))
	}
}

// The smaller part of a partition is whole locations but for one.
func TestCutByLocations(t *testing.T) {
	w := mustWorld(t, Scenario{Topology: "grid5000", Partition: 0.4})
	in, all := make(map[int]int), make(map[int]int)
	cut := 0
	for p, h := range w.topo.Hosts {
		all[h.Location]++
		if w.is(int32(p), cutOff) {
			in[h.Location]++
			cut++
		}
	}
	split := 0
	for l, n := range in {
		if n != all[l] {
			split++
		}
	}
	if cut != 611 || split > 1 {
		t.Errorf("%d of 1528 are cut off, and %d locations split", cut, split)
	}
}

// Lifetimes have the mean that was asked for, and end while items flow.
func TestChurnMean(t *testing.T) {
	s := Scenario{Topology: "king:1000", Churn: 20 * time.Second, Items: 400}.WithDefaults()
	deaths := mustWorld(t, s).deaths(&s)
	// 999 places for 39.9 s: 1993 deaths, with a standard deviation of 45.
	if n := len(deaths); n < 1993-4*45 || n > 1993+4*45 {
		t.Errorf("%d deaths", n)
	}
	for _, d := range deaths {
		if d.at < s.Warmup || d.at > s.itemAt(s.Items-1) {
			t.Errorf("a death at %v", d.at)
		}
	}
}

func TestTimeline(t *testing.T) {
	s := Scenario{Topology: "king:10", Items: 1, Kill: 0.5, Partition: 0.5, Late: 0.2, Rate: 0.001}.WithDefaults()
	list := mustWorld(t, s).timeline(&s)
	at := make(map[stepKind]time.Duration)
	for i, st := range list {
		if at[st.kind] = st.at; i > 0 && st.at < list[i-1].at {
			t.Errorf("step %d is at %v", i, st.at)
		}
	}
	// An item in a thousand seconds, of which half is an item too.
	for kind, want := range map[stepKind]time.Duration{stepIdle: 40 * time.Second, stepFlow: time.Minute, stepPublish: time.Minute,
		stepKill: 560 * time.Second, stepCut: 560 * time.Second, stepHeal: 590 * time.Second, stepFlowEnd: 1060 * time.Second} {
		if at[kind] != want {
			t.Errorf("step %d is at %v, want %v", kind, at[kind], want)
		}
	}
	if at[stepJoin] < 560*time.Second {
		t.Errorf("the last joins at %v", at[stepJoin])
	}
}
