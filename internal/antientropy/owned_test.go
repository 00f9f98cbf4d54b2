package antientropy

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestGreetsWithDigestAndPullsAtOnce(t *testing.T) {
	s := ownedScript(t, run(1, 3))
	if d := one[Digest](t, s.neighbour("b")); !reflect.DeepEqual(d, whole(1, 3)) {
		t.Errorf("greeted with %+v", d)
	}
	es := s.from("b", whole(1, 5))
	if p := one[Pull](t, es); !slices.Equal(p.Ranges, []Range{{4, 5}}) {
		t.Errorf("pulls %v", p.Ranges)
	}
	none[Digest](t, es) // b lacks nothing
	if es := s.arrive("b", entry(4, "")); len(of[protocol.Arrive](es)) != 1 {
		t.Errorf("handed up %v", of[protocol.Arrive](es))
	}
	s.arrive("b", entry(5, ""))
	if st := s.m.(*Owned).Explain(s.now).(OwnedState); st.Top != 5 || len(st.Runs) != 1 || st.Neighbours[0].Pulling || st.Stats.Repaired != 2 {
		t.Errorf("in the end %+v", st)
	}
}

func TestRepliesToWhoLacks(t *testing.T) {
	s := ownedScript(t, run(1, 3), run(5, 9))
	s.neighbour("b")
	s.pass(2 * time.Second)
	if d := one[Digest](t, s.from("b", whole(1, 2))); d.Top != 9 || len(d.Runs) != 2 {
		t.Errorf("replied %+v", d)
	}
	none[Digest](t, s.from("b", whole(1, 2))) // told already
	s.pass(replyEvery)
	one[Digest](t, s.from("b", whole(1, 2))) // perhaps that was lost
	// What is below its floor it does not want.
	none[Digest](t, s.from("b", Digest{Floor: 5, From: 5, Top: 9, Runs: []Range{{5, 9}}}))
}

func TestServesPulls(t *testing.T) {
	s := ownedScript(t, run(3, 9))
	s.neighbour("b")
	es := s.from("b", Pull{Token: 7, MaxBytes: 1000, Ranges: []Range{{1, 1}, {3, 4}, {8, 20}}})
	if a := one[Answer](t, es); !reflect.DeepEqual(a, Answer{Token: 7, Ranges: []Range{{3, 4}, {8, 9}}}) {
		t.Errorf("answered %+v", a)
	}
	fetches := of[protocol.FetchRange](es)
	if len(fetches) != 2 || fetches[1].First != 8 || fetches[1].Last != 9 || fetches[1].Author != author || fetches[1].MaxBytes != 333 {
		t.Errorf("fetches %+v", fetches)
	}
	// Towards a congested neighbour, or one that asks too often, nothing is sent.
	s.do(protocol.Congested{Peer: "b"})
	if a := one[Answer](t, s.from("b", Pull{Token: 8, MaxBytes: 1, Ranges: []Range{{3, 3}}})); !a.Busy {
		t.Errorf("answered %+v while congested", a)
	}
	s.do(protocol.Drained{Peer: "b"})
	served := 0
	for range 2 * serveBurst {
		served += len(of[protocol.FetchRange](s.from("b", Pull{Token: 9, MaxBytes: 1, Ranges: []Range{{3, 3}}})))
	}
	if served > serveBurst || served < serveBurst-2 {
		t.Errorf("%d of %d pulls at once were served", served, 2*serveBurst)
	}
}

// Neighbours are asked for disjoint ranges, the nearest first.
func TestPullsAreDisjoint(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b", "c")
	s.do(protocol.LinkRTT{Peer: "c", RTT: time.Millisecond})
	first := one[Pull](t, s.from("b", whole(1, 1000)))
	second := one[Pull](t, s.from("c", whole(1, 1000)))
	if first.Ranges[0].First != 1 || second.Ranges[0].First != first.Ranges[0].Last+1 {
		t.Errorf("asked for %v and %v", first.Ranges, second.Ranges)
	}
	// A lost link frees what was asked for: now c is asked for it, when it is done.
	s.do(protocol.LinkDown{Peer: "b"})
	for seq := second.Ranges[0].First; seq < second.Ranges[0].Last; seq++ {
		none[Pull](t, s.arrive("c", entry(seq, "")))
	}
	if p := one[Pull](t, s.arrive("c", entry(second.Ranges[0].Last, ""))); p.Ranges[0].First != 1 {
		t.Errorf("asked for %v after the link was lost", p.Ranges)
	}
}

// A few new entries are left to the fast path for Grace, older ones are not.
func TestGrace(t *testing.T) {
	s := ownedScript(t, run(1, 10))
	s.neighbour("b")
	s.from("b", whole(1, 10))
	none[Pull](t, s.from("b", whole(1, 12)))
	s.do(Held{Item: entry(11, "")}) // by the fast path
	s.pass(DefaultGrace / 2)
	none[Pull](t, s.from("b", whole(1, 12))) // must not postpone it
	if p := one[Pull](t, s.pass(DefaultGrace)); !slices.Equal(p.Ranges, []Range{{12, 12}}) {
		t.Errorf("pulled %v", p.Ranges)
	}

	s = ownedScript(t, run(1, 3), run(5, 10))
	s.neighbour("b")
	s.from("b", whole(1, 3))
	one[Pull](t, s.from("b", whole(1, 4)))
	s = ownedScript(t, run(1, 3))
	s.neighbour("b")
	s.from("b", whole(1, 3))
	one[Pull](t, s.from("b", whole(1, 4+fewMissing)))
}

// An accepted entry is not pulled while it is on its way to the disk; if it gets
// lost, it is, after a pause.
func TestInFlightIsNotPulled(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b")
	s.do(protocol.Accepted{Item: entry(1, ""), From: "c"})
	none[Pull](t, s.from("b", whole(1, 1)))
	none[Pull](t, s.do(Lost{ID: entry(1, "").ID, Author: author, Seq: 1}))
	one[Pull](t, s.pass(2*time.Second))

	s = ownedScript(t) // one whose fate is never told is pulled in the end
	s.neighbour("b")
	s.do(protocol.Accepted{Item: entry(1, ""), From: "c"})
	s.from("b", whole(1, 1))
	none[Pull](t, s.pass(pendingFor-time.Second))
	one[Pull](t, s.pass(2*time.Second))
}

// While the store takes nothing, pulls are tried more and more rarely.
func TestFullStorePauses(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b")
	pulls := 0
	s.from("b", whole(1, 1))
	for range 12_000 {
		for _, e := range s.pass(50 * time.Millisecond) {
			if send, ok := e.(protocol.Send); !ok || send.Msg.Kind() != KindPull {
				continue
			}
			pulls++
			it := entry(1, "")
			s.from("b", protocol.Carry{Item: it})
			if pulls%2 == 0 {
				s.do(protocol.Rejected{ID: it.ID, From: "b", Retry: true})
			} else {
				s.do(protocol.Accepted{Item: it, From: "b", Repaired: true})
				s.do(Lost{ID: it.ID, Author: author, Seq: 1})
			}
		}
	}
	if pulls < 8 || pulls > 25 {
		t.Errorf("%d pulls in 10 minutes", pulls)
	}
	if st := s.m.(*Owned).Explain(s.now).(OwnedState); !st.Paused || st.Neighbours[0].Failures > 0 {
		t.Errorf("it is the store's fault, not the neighbour's: %+v", st)
	}
}

func TestInvalidEntryIsTheNeighboursFault(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b", "c")
	s.from("b", whole(1, 1))
	s.from("c", whole(1, 1))
	forged := entry(1, "forged")
	s.from("b", protocol.Carry{Item: forged})
	es := s.do(protocol.Rejected{ID: forged.ID, From: "b"})
	if _, to := sent[Pull](es); !slices.Equal(to, []protocol.PeerID{"c"}) || noted(es, "repair.rejected") != 1 {
		t.Errorf("asked %v, want c: %+v", to, es)
	}
}

// A gap that the fast path leaves is asked for all around.
func TestGapIsProbed(t *testing.T) {
	s := ownedScript(t, run(1, 3))
	s.neighbour("b")
	s.from("b", whole(1, 3))
	s.do(protocol.Accepted{Item: entry(5, "")})
	none[Digest](t, s.do(Held{Item: entry(5, "")}))
	es := s.pass(DefaultGrace + time.Millisecond)
	if d := one[Digest](t, es); len(d.Runs) != 2 || noted(es, "repair.gap") != 1 {
		t.Errorf("probed with %+v", d)
	}
	// One that closes in time is not.
	s.do(Held{Item: entry(7, "")})
	s.do(Held{Item: entry(6, "")})
	s.do(Held{Item: entry(4, "")})
	none[Digest](t, s.pass(DefaultGrace+time.Millisecond))
}

// Repaired entries are told to the other neighbours, if they lack them.
func TestTellsOfRepairedEntries(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b", "c", "d")
	s.from("b", whole(1, 2))
	s.from("c", Digest{Floor: 1, From: 1})
	s.from("d", whole(1, 2))
	s.arrive("b", entry(1, ""))
	s.arrive("b", entry(2, ""))
	if _, to := sent[Digest](s.pass(DefaultDebounce)); !slices.Equal(to, []protocol.PeerID{"c"}) {
		t.Errorf("told %v, want c", to)
	}
}

// Two entries with one number: each side fetches the other's, once, and keeps its
// own.
func TestFork(t *testing.T) {
	w := newTestNet(t, 1)
	w.check = checkBounds
	a, b := w.peer(ownedPeer()), w.peer(ownedPeer())
	for seq := uint64(1); seq <= 5; seq++ {
		a.publish(entry(seq, ""))
		b.publish(entry(seq, "forked"))
	}
	w.run(time.Second, nil)
	w.connect(a, b)
	w.run(time.Hour, nil)
	for _, p := range w.peers {
		if p.notes["repair.fork"] != 1 || p.arrived != 1 || len(p.items) != 6 {
			t.Errorf("%s: %d forks noted, %d entries arrived, %d held", p.id, p.notes["repair.fork"], p.arrived, len(p.items))
		}
	}
	// And the feed goes on.
	a.publish(entry(6, ""))
	if !w.run(time.Minute, func() bool { return len(b.items) == 7 }) {
		t.Error("the fork has stopped the feed")
	}
}

// Evidence that does not come is asked for a few times only, and no more than
// MaxEvidence entries ever.
func TestEvidenceIsBounded(t *testing.T) {
	s := ownedScript(t, run(1, 5))
	s.neighbour("b")
	asked := 0
	for range 3 {
		for i := range byte(2 * MaxEvidence) {
			d := whole(1, 5)
			d.Head = id(i + 1)
			es := s.from("b", d)
			wants, _ := sent[Want](es)
			asked += len(wants)
			s.pass(time.Second)
		}
	}
	for range 5 {
		d := whole(1, 5)
		d.Head = id(1)
		none[Want](t, s.from("b", d))
	}
	if asked != MaxEvidence*maxEvidenceAsks {
		t.Errorf("asked %d times", asked)
	}
	if es := s.from("b", Want{Token: 1, Keys: []Key{{ID: id(3)}}}); len(of[protocol.FetchAndSend](es)) != 1 {
		t.Error("evidence is not served")
	}
}

func TestStrangersAndForgedOriginsAreIgnored(t *testing.T) {
	s := ownedScript(t, run(1, 5))
	s.neighbour("b")
	pull := Pull{Token: 1, MaxBytes: 100, Ranges: []Range{{1, 5}}}
	for _, from := range []protocol.Origin{
		{Peer: "stranger", Authenticated: true},
		{Peer: "b"},
		{Peer: "b", Authenticated: true, Multicast: true},
	} {
		for _, m := range []protocol.Message{pull, whole(1, 9), Answer{Token: 1}, Want{Token: 1, Keys: []Key{{ID: id(1)}}}} {
			if es := s.do(protocol.Received{From: from, Msg: m}); len(es) > 0 {
				t.Errorf("%T from %+v led to %+v", m, from, es)
			}
		}
	}
}

// Retention: what lies below the floor is neither offered nor pulled again.
func TestDroppedIsNotWanted(t *testing.T) {
	s := ownedScript(t, run(1, 9))
	s.neighbour("b")
	s.do(Dropped{Low: 6})
	es := s.from("b", Digest{Floor: 1, From: 1})
	if d := one[Digest](t, es); d.Floor != 6 || !slices.Equal(d.Runs, []Range{{6, 9}}) {
		t.Errorf("digest %+v", d)
	}
	none[Pull](t, s.from("b", whole(1, 9)))
	if es := s.from("b", protocol.Carry{Item: entry(3, "")}); len(of[protocol.Arrive](es)) > 0 {
		t.Error("an entry below the floor is handed up")
	}
	if a := one[Answer](t, s.from("b", Pull{Token: 1, MaxBytes: 1, Ranges: []Range{{1, 5}}})); len(a.Ranges) > 0 {
		t.Errorf("offers %v", a.Ranges)
	}
}

// Gaps that nobody can close must not hide what lies above them.
func TestManyGapsAreToldInParts(t *testing.T) {
	var held []Run
	for i := uint64(0); i < 100; i++ {
		held = append(held, run(10*i+1, 10*i+7))
	}
	w := newTestNet(t, 3)
	a, b := w.peer(ownedPeer(held...)), w.peer(ownedPeer())
	for _, r := range held {
		for seq := r.First; seq <= r.Last; seq++ {
			a.items[entry(seq, "").ID] = entry(seq, "")
		}
	}
	w.check = checkBounds
	w.connect(a, b)
	if !w.run(time.Minute, func() bool { return len(b.items) == 700 }) {
		t.Fatalf("%d of 700 entries", len(b.items))
	}
	t.Logf("all after %v", time.Duration(w.now))
	// b lacks one high up, while both have 99 gaps below it.
	a.publish(entry(989, ""))
	b.publish(entry(999, ""))
	if !w.run(10*time.Minute, func() bool { return len(b.items) == 702 && len(a.items) == 702 }) {
		t.Errorf("%d and %d of 702 entries", len(a.items), len(b.items))
	}
}

// Anything in any order keeps the bounds, and the machine wakes only later.
func FuzzOwned(f *testing.F) {
	f.Add([]byte("a script of some forty bytes, to begin with"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzEvents(t, ownedPeer(), data) })
}

// fuzzEvents makes inputs of bytes for one peer of a small network.
func fuzzEvents(t *testing.T, make func(protocol.PeerID, *rand.Rand) protocol.Machine, data []byte) {
	w := newTestNet(t, 1)
	w.check = checkBounds
	w.maxSteps = 5000 // a minute at most: more would be two peers that never agree
	p, q := w.peer(make), w.peer(make)
	w.connect(p, q)
	open := false
	if _, ok := p.machine.(*Open); ok {
		open = true
	}
	for len(data) >= 3 {
		op, x, y := data[0], int(data[1]), int(data[2])
		data = data[3:]
		it := entry(uint64(x*y+1), "")
		if open {
			it = post(x * y)
		}
		from := protocol.PeerID(fmt.Sprintf("peer-%03d", y%64))
		origin := protocol.Origin{Peer: from, Authenticated: true}
		switch op % 16 {
		case 0:
			p.handle(protocol.MembersChanged{Deltas: []protocol.MemberDelta{{Peer: from, Gone: x%2 == 0}}})
		case 1:
			q.publish(it)
		case 2:
			p.handle(protocol.LinkSuspected{Peer: from})
		case 3:
			p.handle(protocol.LinkRestored{Peer: from})
		case 4:
			p.handle(Lost{ID: it.ID, Author: it.Author, Seq: it.Seq})
		case 5:
			p.handle(Dropped{Low: it.Seq})
		case 6:
			p.handle(protocol.Duplicate{ID: it.ID, From: from})
		case 7:
			p.handle(protocol.Rejected{ID: it.ID, From: from, Retry: x%2 == 0})
		case 8:
			p.handle(protocol.Received{From: origin, Msg: protocol.Carry{Item: it}})
		case 9:
			p.handle(Held{Item: it})
		case 10:
			p.handle(protocol.LinkDown{Peer: from})
		case 11:
			n := min(x, len(data))
			if m, err := Decode(op>>4%6, data[:n]); err == nil {
				p.handle(protocol.Received{From: origin, Msg: m})
			}
		case 12:
			p.handle(protocol.Received{From: origin, Msg: whole(uint64(x+1), uint64(x+y+1))})
		case 13:
			p.handle(protocol.Accepted{Item: it, From: from, Repaired: x%2 == 0})
		case 14:
			keys := []Key{KeyOf(it)}
			p.handle(protocol.Received{From: origin, Msg: Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeHave, Keys: keys}}}})
		case 15:
			w.run(time.Duration(x)*time.Duration(y)*time.Millisecond, nil)
		}
	}
	p.handle(protocol.Stop{})
	if p.machine.Deadline() != protocol.Never {
		t.Fatal("stopped, but has a deadline")
	}
}

// A neighbour whose answers are empty has lied, or will learn better: either way
// it is left alone for a while.
func TestEmptyAnswersBackOff(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b")
	pull := one[Pull](t, s.from("b", whole(1, 1<<40)))
	pulls := 1
	for range 600 {
		none[Pull](t, s.from("b", Answer{Token: pull.Token}))
		if again, _ := sent[Pull](s.pass(100 * time.Millisecond)); len(again) > 0 {
			pull = again[0]
			pulls++
		}
	}
	if pulls > forgetAfter {
		t.Errorf("%d pulls in a minute", pulls)
	}
}

// A suspected neighbour is asked nothing; when it speaks again it is greeted.
func TestSuspectedIsLeftAlone(t *testing.T) {
	s := ownedScript(t)
	s.neighbour("b")
	s.do(protocol.LinkSuspected{Peer: "b"})
	es := append(s.from("b", whole(1, 9)), s.pass(5*time.Minute)...)
	none[Pull](t, es)
	none[Digest](t, es)
	es = s.do(protocol.LinkRestored{Peer: "b"})
	one[Digest](t, es)
	one[Pull](t, es)
}
