package antientropy

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func keysOf(items ...*protocol.Item) (keys []Key) {
	for _, it := range items {
		keys = append(keys, KeyOf(it))
	}
	slices.SortFunc(keys, Key.Compare)
	return keys
}

// have is an announcement of items.
func have(items ...*protocol.Item) Reconcile {
	return Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeHave, Keys: keysOf(items...)}}}
}

// Of two new neighbours the one with the smaller ID opens; the other one does
// later, if it must.
func TestWhoOpens(t *testing.T) {
	for _, self := range []protocol.PeerID{"a", "z"} {
		s := newScript(t, NewOpen(Config{Self: self}, nil, rand.New(rand.NewPCG(1, 1))))
		es := s.neighbour("m")
		if self == "z" {
			none[Reconcile](t, es)
			es = s.pass(2 * yield)
		}
		one[Reconcile](t, es)
	}
	s := newScript(t, NewOpen(Config{Self: "z"}, nil, rand.New(rand.NewPCG(1, 1))))
	s.neighbour("m")
	one[Reconcile](t, s.from("m", Reconcile{Session: 1, Ranges: newKeySet(nil).opening(Key{}, nil)}))
	none[Reconcile](t, s.pass(2*yield)) // m has opened
}

// A session that gets no reply is tried again, but not for ever.
func TestSilentNeighbour(t *testing.T) {
	s := openScript(t)
	s.neighbour("b")
	es := s.pass(DefaultMinInterval / 2)
	if n := noted(es, "repair.silent"); n < 2 || n > forgetAfter {
		t.Errorf("%d silences in %v", n, DefaultMinInterval/2)
	}
	var rounds int
	for range 60 {
		msgs, _ := sent[Reconcile](s.pass(time.Minute))
		rounds += len(msgs)
	}
	if rounds < 40 || rounds > 120 {
		t.Errorf("%d tries in an hour, want about one a minute", rounds)
	}
}

// Replies to no session, of another session or out of order are ignored.
func TestUnsolicitedRepliesAreIgnored(t *testing.T) {
	s := openScript(t)
	opening := one[Reconcile](t, s.neighbour("b"))
	reply := have(post(1))
	for _, m := range []Reconcile{
		{Session: opening.Session + 1, Round: 1, Ranges: reply.Ranges},
		{Session: opening.Session, Round: 3, Ranges: reply.Ranges},
	} {
		if es := s.from("b", m); len(es) > 0 {
			t.Errorf("%+v led to %+v", m, es)
		}
	}
	reply.Session, reply.Round = opening.Session, 1
	one[Want](t, s.from("b", reply))
	if es := s.from("b", reply); len(es) > 0 {
		t.Errorf("the same reply again led to %+v", es)
	}
}

func TestServesWants(t *testing.T) {
	s := openScript(t, keysOf(post(1), post(3))...)
	s.neighbour("b")
	keys := keysOf(post(1), post(2), post(3))
	es := s.from("b", Want{Token: 5, Keys: keys})
	a, fetch := one[Answer](t, es), of[protocol.FetchAndSend](es)
	var promised []protocol.ItemID
	for i, k := range keys {
		if contains(a.Ranges, uint64(i+1)) {
			promised = append(promised, k.ID)
		}
	}
	if len(fetch) != 1 || len(promised) != 2 || !slices.Equal(promised, fetch[0].Items) {
		t.Errorf("promised %v, fetched %+v", promised, fetch)
	}
	s.do(protocol.Congested{Peer: "b"})
	if a := one[Answer](t, s.from("b", Want{Token: 6, Keys: keys})); !a.Busy {
		t.Errorf("answered %+v while congested", a)
	}
}

// What one neighbour does not send is asked of the next; what it says that it has
// not is not asked of it again.
func TestWantedElsewhere(t *testing.T) {
	s := openScript(t)
	s.neighbour("b", "c")
	s.from("b", have(post(1), post(2)))
	first := one[Want](t, s.pass(DefaultGrace))
	none[Want](t, s.from("c", have(post(1), post(2))))
	s.pass(DefaultGrace)
	es := s.from("b", Answer{Token: first.Token, Ranges: []Range{{1, 1}}})
	if w, to := sent[Want](es); len(w) != 1 || to[0] != "c" || !slices.Equal(w[0].Keys, first.Keys[1:]) {
		t.Fatalf("asked %v for %+v", to, w)
	}
	// b stays silent: what it promised is asked of c, once c is done.
	es = s.pass(5 * time.Second)
	if noted(es, "repair.failed") == 0 {
		t.Error("b has not failed")
	}
}

// An item that the fast path brings in time is not pulled.
func TestOpenGrace(t *testing.T) {
	s := openScript(t)
	opening := one[Reconcile](t, s.neighbour("b"))
	s.from("b", Reconcile{Session: opening.Session, Round: 1})
	s.pass(time.Second)
	s.from("b", Reconcile{Session: 9, Ranges: newKeySet(nil).opening(Key{}, nil)}) // the second
	none[Want](t, s.from("b", have(post(1), post(2))))
	s.pass(DefaultGrace / 2)
	s.do(protocol.Accepted{Item: post(1), From: "c"})
	s.do(Held{Item: post(1)})
	none[Want](t, s.from("b", have(post(2)))) // must not postpone it
	if w := one[Want](t, s.pass(DefaultGrace)); !slices.Equal(w.Keys, keysOf(post(2))) {
		t.Errorf("wants %v", w.Keys)
	}
}

// A few repaired items are listed to the others; many are reconciled.
func TestTellsOfRepairedItems(t *testing.T) {
	for _, items := range []int{2, maxNews + 1} {
		s := openScript(t)
		s.neighbour("b", "c")
		s.pass(5 * time.Minute) // nobody replies to the openings
		for n := range items {
			s.arrive("b", post(n))
		}
		told, to := sent[Reconcile](s.pass(DefaultDebounce))
		if items == 2 && (!slices.Equal(to, []protocol.PeerID{"c"}) || told[0].Session != 0 || len(told[0].Ranges[0].Keys) != 2) {
			t.Errorf("told %v: %+v", to, told)
		}
		if items > maxNews && (len(to) != 2 || told[0].Session == 0) {
			t.Errorf("reconciles with %v: %+v", to, told)
		}
	}
}

// Retention: the bucket of the lowest item kept, and all below it, are given up.
func TestOpenDropped(t *testing.T) {
	minute := 60_000
	s := openScript(t, keysOf(post(0), post(minute), post(3*minute))...)
	s.neighbour("b")
	s.do(Dropped{Low: post(minute).Seq})
	if n := s.m.(*Open).Explain(s.now).(OpenState).Items; n != 1 {
		t.Errorf("%d items left, want 1", n)
	}
	s.from("b", have(post(5), post(minute)))
	none[Want](t, s.pass(2*DefaultGrace))
	s.from("b", have(post(2*minute)))
	one[Want](t, s.pass(2*DefaultGrace))
	if es := s.from("b", protocol.Carry{Item: post(7)}); len(of[protocol.Arrive](es)) > 0 {
		t.Error("an item below the floor is handed up")
	}
	s.do(Dropped{Low: 5}) // no time at all: nothing to go by
	if n := s.m.(*Open).Explain(s.now).(OpenState).Items; n != 1 {
		t.Errorf("%d items left, want 1", n)
	}
}

// The oldest keys are given up, and not wanted again.
func TestKeysAreBounded(t *testing.T) {
	var keys []Key
	for n := range MaxKeys + 10 {
		keys = append(keys, testKey(n))
	}
	slices.SortFunc(keys, Key.Compare)
	s := openScript(t, keys...)
	m := s.m.(*Open)
	if m.keys.len() != MaxKeys || m.floor != keys[10] {
		t.Fatalf("%d keys from %v", m.keys.len(), m.floor)
	}
	s.do(Held{Item: post(1)}) // newer than all
	if m.keys.len() != MaxKeys || m.floor != keys[11] {
		t.Errorf("%d keys from %v after one more", m.keys.len(), m.floor)
	}
	s.neighbour("b")
	s.from("b", Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeHave, Keys: keys[:11]}}})
	none[Want](t, s.pass(2*DefaultGrace))
}

// What a neighbour lists beyond MaxWants is found by the next reconciliation.
func TestWantsAreBounded(t *testing.T) {
	s := openScript(t)
	s.neighbour("b")
	for from := 0; from < 2*MaxWants; from += 256 {
		var keys []Key
		for n := range 256 {
			keys = append(keys, testKey(from+n))
		}
		slices.SortFunc(keys, Key.Compare)
		s.from("b", Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeHave, Keys: keys}}})
	}
	n := s.m.(*Open).nbrs[0]
	if len(n.topic.wants) != MaxWants || !n.topic.more {
		t.Errorf("%d wants, more %v", len(n.topic.wants), n.topic.more)
	}
}

// A session ends at MaxRounds, on either side.
func TestRoundsAreBounded(t *testing.T) {
	s := openScript(t, testKey(1))
	opening := one[Reconcile](t, s.neighbour("b"))
	// A neighbour that always has something to say.
	differs := []KeyRange{{Upper: end, Mode: ModeFingerprint, Fingerprint: Fingerprint{1}}}
	rounds := 0
	for round := 1; ; round += 2 {
		es := s.from("b", Reconcile{Session: opening.Session, Round: uint8(round), Ranges: differs})
		if msgs, _ := sent[Reconcile](es); len(msgs) == 0 || msgs[0].Session != opening.Session {
			break
		}
		rounds++
	}
	if rounds != MaxRounds/2-1 {
		t.Errorf("%d rounds", rounds)
	}
	s = openScript(t, testKey(1))
	s.neighbour("b")
	one[Reconcile](t, s.from("b", Reconcile{Session: 1, Round: MaxRounds - 2, Ranges: differs}))
	none[Reconcile](t, s.from("b", Reconcile{Session: 1, Round: MaxRounds, Ranges: differs}))
}

// Of many neighbours with many items two list them; when one of them fails, its
// place is free.
func TestSourcesAreBounded(t *testing.T) {
	s := openScript(t)
	s.neighbour("b", "c", "d")
	s.pass(2 * time.Minute)
	var keys []Key
	for n := range 2 * fewMissing {
		keys = append(keys, testKey(n))
	}
	slices.SortFunc(keys, Key.Compare)
	list := Reconcile{Session: 1, Round: 2, Ranges: []KeyRange{{Upper: Key{Bucket: 1}, Mode: ModeFingerprint, Fingerprint: Fingerprint{1}}, {Upper: end, Mode: ModeHave, Keys: keys}}}
	asks := func(p protocol.PeerID) bool {
		reply := one[Reconcile](t, s.from(p, list))
		return len(reply.Ranges) > 0
	}
	s.from("b", list) // becomes a source
	s.from("c", list)
	if !asks("b") || !asks("c") || asks("d") {
		t.Error("b and c should be asked to list, d should not")
	}
	s.pass(time.Minute) // none of them sends anything
	if !asks("d") {
		t.Error("d should be asked when b and c have failed")
	}
}

// What several neighbours have is asked of all of them, not of the first that comes.
func TestShares(t *testing.T) {
	for _, tc := range []struct {
		name    string
		items   int
		sources []protocol.PeerID
		want    []int
	}{
		{"one has them", 40, []protocol.PeerID{"b"}, []int{40}},
		{"two have them", 40, []protocol.PeerID{"b", "c"}, []int{10, 8}},
		{"few items", 10, []protocol.PeerID{"b", "c"}, []int{8, 2}},
		{"three have them", 60, []protocol.PeerID{"b", "c", "d"}, []int{10, 9, 8}},
	} {
		s := openScript(t)
		s.neighbour("b", "c", "d")
		s.pass(2 * time.Minute)
		var keys []Key
		for n := range tc.items {
			keys = append(keys, testKey(n))
		}
		slices.SortFunc(keys, Key.Compare)
		for _, p := range tc.sources {
			s.from(p, Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeHave, Keys: keys}}})
		}
		wants, to := sent[Want](s.pass(DefaultGrace + time.Millisecond))
		var got []int
		asked := map[Key]bool{}
		for i, w := range wants {
			got = append(got, len(w.Keys))
			for _, k := range w.Keys {
				if asked[k] {
					t.Errorf("%s: %v is asked for twice, of %s too", tc.name, k, to[i])
				}
				asked[k] = true
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: asked for %d, want %d", tc.name, got, tc.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("a script of some forty bytes, to begin with"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzEvents(t, openPeer, data) })
}
