package euid

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

func same(a, b Set) bool {
	return len(a.list) == 0 && len(b.list) == 0 || reflect.DeepEqual(a.list, b.list)
}

// TestMergeLaws: "newest-record-per-peer merges in any order to the same result",
// also where a peer has given one number twice.
func TestMergeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 3000 {
		a, b, c := randomSet(rng), randomSet(rng), randomSet(rng)
		switch {
		case !same(Merge(a, b), Merge(b, a)):
			t.Fatalf("not commutative: %v, %v", a, b)
		case !same(Merge(Merge(a, b), c), Merge(a, Merge(b, c))):
			t.Fatalf("not associative: %v, %v, %v", a, b, c)
		case !same(Merge(a, a), a), !same(Merge(a, Set{}), a):
			t.Fatalf("not idempotent, or without a neutral element: %v", a)
		}
		learnt := Merge(a, Set{})
		for _, i := range rng.Perm(b.Len()) {
			learnt.Learn(b.All()[i])
			learnt.Learn(b.All()[i])
		}
		if !same(learnt, Merge(a, b)) {
			t.Fatalf("%v that learnt %v is %v", a, b, learnt)
		}
	}
}

func TestSet(t *testing.T) {
	var s Set
	e := EUID{Segment: 1}
	if !s.Learn(Record{Peer: "b", Seq: 2}) || !s.Learn(Record{Peer: "a", Seq: 1}) {
		t.Error("new peers are no news")
	}
	if s.Learn(Record{Peer: "b", Seq: 2}) || s.Learn(Record{Peer: "b", Seq: 1, EUIDs: []EUID{e}}) {
		t.Error("the same or an older record is news")
	}
	if !s.Learn(Record{Peer: "b", Seq: 3, EUIDs: []EUID{e}}) {
		t.Error("a newer record is no news")
	}
	if r, ok := s.Get("b"); !ok || r.Seq != 3 || s.Len() != 2 || s.All()[0].Peer != "a" {
		t.Errorf("b has %v, the set %v", r, s)
	}
	if !s.Forget("b") || s.Forget("b") || s.Len() != 1 {
		t.Error("forgetting")
	}
	if _, ok := s.Get("b"); ok {
		t.Error("b is forgotten and there")
	}
}
