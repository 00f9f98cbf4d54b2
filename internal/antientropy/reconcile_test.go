package antientropy

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// testKey is the n-th key of a sequence that is neither ascending nor descending.
func testKey(n int) Key {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return Key{Bucket: 29_000_000 + uint64(n%1000), ID: h}
}

func TestBuckets(t *testing.T) {
	first := uint64(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	last := uint64(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	for _, c := range []struct{ seq, bucket uint64 }{
		{0, 0}, {17, 0}, {first - 1, 0}, {last, 0}, {1<<64 - 1, 0},
		{first, first / 60e9}, {first + 60e9, first/60e9 + 1}, {last - 1, MaxBucket},
	} {
		if got := BucketOf(c.seq); got != c.bucket {
			t.Errorf("bucket of %d is %d, want %d", c.seq, got, c.bucket)
		}
	}
}

func TestKeySetIsASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var list []Key
	for n := range 300 {
		list = append(list, testKey(n))
	}
	s := newKeySet(append(list, list[:100]...))
	for n := 300; n < 3000; n++ {
		k := testKey(rng.IntN(3000))
		if fresh := !slices.Contains(list, k); s.insert(k) != fresh {
			t.Fatalf("insert(%v) is %v", k, !fresh)
		} else if fresh {
			list = append(list, k)
		}
	}
	check := func() {
		t.Helper()
		slices.SortFunc(list, Key.Compare)
		if s.len() != len(list) || !slices.Equal(s.slice(0, s.len()), list) {
			t.Fatalf("%d keys, want %d", s.len(), len(list))
		}
		for range 200 {
			i := rng.IntN(len(list) + 1)
			j := i + rng.IntN(len(list)-i+1)
			var total sum
			for _, k := range list[i:j] {
				total.add(k.ID)
			}
			if s.fingerprint(i, j) != total.fingerprint() {
				t.Fatalf("fingerprint of ranks %d to %d is wrong", i, j)
			}
			k := testKey(rng.IntN(4000))
			rank, ok := slices.BinarySearchFunc(list, k, Key.Compare)
			if s.rank(k) != rank || s.has(k) != ok {
				t.Fatalf("rank %d, has %v, want %d, %v", s.rank(k), s.has(k), rank, ok)
			}
		}
	}
	check()
	floor := list[len(list)/3]
	s.dropBelow(floor)
	list = list[len(list)/3:]
	check()
	s.dropBelow(end)
	if s.len() != 0 || s.has(floor) || s.rank(floor) != 0 || !s.insert(floor) {
		t.Error("an emptied set does not work")
	}
}

// between is above a, not above b, and no longer than it must be.
func TestBetween(t *testing.T) {
	keys := make([]Key, 0, 2000)
	for n := range 2000 {
		k := testKey(n)
		k.Bucket %= 3
		keys = append(keys, k)
	}
	slices.SortFunc(keys, Key.Compare)
	for i := 1; i < len(keys); i++ {
		a, b := keys[i-1], keys[i]
		if m := between(a, b); a.Compare(m) >= 0 || m.Compare(b) > 0 {
			t.Fatalf("%v is not between %v and %v", m, a, b)
		}
	}
}

// reconcile runs a session between two sets and returns what each side learnt
// that it lacks, the messages and their bytes. Every message is checked.
func reconcile(t *testing.T, a, b *keySet, floorA, floorB Key, rng *rand.Rand) (lackA, lackB []Key, messages, size int) {
	t.Helper()
	ranges := a.opening(floorA, rng)
	for {
		body := Reconcile{Session: 1, Round: uint8(messages), Ranges: ranges}.AppendTo(nil)
		m, err := Decode(KindReconcile, body)
		if err != nil {
			t.Fatalf("message %d of %d bytes: %v", messages, len(body), err)
		}
		ranges = m.(Reconcile).Ranges
		messages, size = messages+1, size+len(body)
		if len(ranges) == 0 {
			return lackA, lackB, messages, size
		}
		var lacking []Key
		if messages%2 == 1 {
			ranges, lacking, _ = b.answer(floorB, ranges, false)
			lackB = mergeKeys(lackB, lacking)
		} else {
			ranges, lacking, _ = a.answer(floorA, ranges, false)
			lackA = mergeKeys(lackA, lacking)
		}
		if messages > 2000 {
			t.Fatal("no end")
		}
	}
}

func TestReconcileFindsAllDifferences(t *testing.T) {
	for _, c := range []struct{ both, onlyA, onlyB, most int }{ // most: messages
		{0, 0, 0, 2}, {1000, 0, 0, 2}, {0, 1, 0, 4}, {0, 0, 1, 4}, {5, 3, 4, 5},
		{10_000, 1, 0, 7}, {10_000, 0, 1, 7}, {10_000, 20, 30, 9}, {100_000, 5, 5, 9},
		{0, 3000, 0, 20}, {0, 0, 3000, 20}, {3000, 2000, 2000, 40},
	} {
		rng := rand.New(rand.NewPCG(uint64(c.both), 1))
		var as, bs, onlyA, onlyB []Key
		for n := range c.both + c.onlyA + c.onlyB {
			k := testKey(n)
			switch {
			case n < c.both:
				as, bs = append(as, k), append(bs, k)
			case n < c.both+c.onlyA:
				as, onlyA = append(as, k), append(onlyA, k)
			default:
				bs, onlyB = append(bs, k), append(onlyB, k)
			}
		}
		lackA, lackB, messages, size := reconcile(t, newKeySet(as), newKeySet(bs), Key{}, Key{}, rng)
		if !slices.Equal(lackA, mergeKeys(onlyB, nil)) || !slices.Equal(lackB, mergeKeys(onlyA, nil)) {
			t.Errorf("%+v: A lacks %d, B lacks %d", c, len(lackA), len(lackB))
		}
		if messages > c.most {
			t.Errorf("%+v: %d messages", c, messages)
		}
		t.Logf("%+v: %d messages, %d bytes", c, messages, size)
	}
}

// Neither side wants or offers what is below its floor, and they come to an end.
func TestReconcileAboveFloors(t *testing.T) {
	var as, bs []Key
	for n := range 4000 {
		if n%10 > 0 {
			as = append(as, testKey(n))
		}
		if n%10 != 1 {
			bs = append(bs, testKey(n))
		}
	}
	floorA, floorB := Key{Bucket: 29_000_100}, Key{Bucket: 29_000_700}
	for range 2 {
		a, b := newKeySet(as), newKeySet(bs)
		a.dropBelow(floorA)
		b.dropBelow(floorB)
		lackA, lackB, messages, _ := reconcile(t, a, b, floorA, floorB, rand.New(rand.NewPCG(1, 1)))
		if len(lackA) != 120 || len(lackB) != 120 || messages > 10 {
			t.Errorf("A lacks %d, B lacks %d, want 120 each; %d messages", len(lackA), len(lackB), messages)
		}
		for _, k := range append(lackA, lackB...) {
			if k.Bucket < 29_000_700 {
				t.Fatalf("%v is below a floor", k)
			}
		}
		as, bs, floorA, floorB = bs, as, floorB, floorA
	}
}

// Who is asked to offer only asks for no list, and says so.
func TestOfferOnly(t *testing.T) {
	full := newKeySet([]Key{testKey(1), testKey(2)})
	some := newKeySet([]Key{testKey(3)})
	opening := full.opening(Key{}, rand.New(rand.NewPCG(1, 1)))
	reply, _, unasked := some.answer(Key{}, opening, true)
	if !unasked {
		t.Error("differing ranges, but nothing was left unasked")
	}
	reply = slices.DeleteFunc(reply, func(r KeyRange) bool { return r.Mode == ModeSkip })
	if len(reply) != 1 || reply[0].Mode != ModeHave || !slices.Equal(reply[0].Keys, []Key{testKey(3)}) {
		t.Errorf("reply %+v, want the one key offered", reply)
	}
	if _, _, unasked := some.answer(Key{}, some.opening(Key{}, rand.New(rand.NewPCG(1, 1))), true); unasked {
		t.Error("equal sets, but something was left unasked")
	}
}

// Any bytes that decode get an answer that decodes.
func FuzzReconcile(f *testing.F) {
	var keys []Key
	for n := range 700 {
		keys = append(keys, testKey(n))
	}
	for _, m := range messages {
		if m.msg.Kind() == KindReconcile {
			f.Add(m.msg.AppendTo(nil))
		}
	}
	f.Add(Reconcile{Session: 1, Ranges: newKeySet(keys[:600]).opening(Key{}, rand.New(rand.NewPCG(1, 1)))}.AppendTo(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := Decode(KindReconcile, body)
		if err != nil {
			return
		}
		for _, floor := range []Key{{}, keys[5], end} {
			s := newKeySet(keys)
			s.dropBelow(floor)
			reply, _, _ := s.answer(floor, m.(Reconcile).Ranges, len(body)%2 == 0)
			answer := Reconcile{Session: 1, Round: 1, Ranges: reply}.AppendTo(nil)
			if _, err := Decode(KindReconcile, answer); err != nil {
				t.Fatalf("answer %x to %x: %v", answer, body, err)
			}
		}
	})
}
