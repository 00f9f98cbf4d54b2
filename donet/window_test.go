package donet

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestWindowAgainstAModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		var w window
		model := map[uint64]bool{}
		top := uint64(rng.IntN(5000))
		for i := range 600 {
			seq := top + uint64(rng.IntN(Window*3/2))
			if rng.IntN(3) > 0 {
				seq = top + uint64(rng.IntN(90))
			}
			seq -= min(seq, uint64(rng.IntN(200)))
			slid := i > 0 && seq <= top && top-seq >= Window
			if got, want := w.add(seq), !model[seq] && !slid; got != want {
				t.Fatalf("add %d with top %d: %v, want %v", seq, top, got, want)
			}
			if i == 0 || seq > top {
				top = seq
			}
			if !slid {
				model[seq] = true
			}
			for range 5 {
				s := top + 100 - uint64(rng.IntN(int(min(top, Window+100))))
				want := model[s] && s <= top || s <= top && top-s >= Window
				if w.has(s) != want {
					t.Fatalf("has %d with top %d: %v", s, top, !want)
				}
			}
		}
		w.remove(top)
		if w.has(top) {
			t.Fatal("removed and still there")
		}
	}
}

func TestFloor(t *testing.T) {
	var w window
	w.floor(1000)
	if w.has(1000) || !w.has(999) || !w.has(1) || w.has(1001) {
		t.Error("all below the floor count as had, nothing from it on does")
	}
}

func TestRuns(t *testing.T) {
	seqs := []uint64{9, 3, 1, 2, 3, 20}
	got := runsOf(seqs)
	if len(got) != 1 || !slices.Equal(got[0], []Run{{1, 3}, {9, 1}, {20, 1}}) {
		t.Errorf("%v", got)
	}
	if len(runsOf(nil)) != 0 {
		t.Error("runs of nothing")
	}
	// Both bounds are reached, and nothing is lost by them.
	var sparse, dense []uint64
	for i := range uint64(MaxRuns*2 + 5) {
		sparse = append(sparse, 10*i)
	}
	for i := range uint64(MaxSpan + 7) {
		dense = append(dense, 5+i)
	}
	for _, list := range [][]uint64{sparse, dense} {
		var back []uint64
		for _, runs := range runsOf(slices.Clone(list)) {
			span := 0
			for _, r := range runs {
				span += r.Count
				for k := range r.Count {
					back = append(back, r.First+uint64(k))
				}
			}
			if len(runs) > MaxRuns || span > MaxSpan {
				t.Fatalf("%d runs of %d numbers in one message", len(runs), span)
			}
			if _, err := Decode(KindMap, Map{Runs: runs}.AppendTo(nil)); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(back, list) {
			t.Fatal("runs do not make the list again")
		}
	}
}
