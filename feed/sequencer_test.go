package feed

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

const patience = 3 * time.Second

func at(d time.Duration) protocol.Time { return protocol.Time(d) }

// drain returns what the reader gets at a time, in a short notation.
func drain(s *Sequencer, now protocol.Time) string {
	var got []string
	for {
		e, ok := s.Next(now)
		if !ok {
			return strings.Join(got, " ")
		}
		switch {
		case e.Kind == Ready && e.Late:
			got = append(got, fmt.Sprintf("late:%d", e.First))
		case e.Kind == Ready:
			got = append(got, fmt.Sprint(e.First))
		case e.Kind == Missing:
			got = append(got, fmt.Sprintf("gap:%d-%d", e.First, e.Last))
		default:
			got = append(got, fmt.Sprintf("fork:%d", e.Fork.Seq))
		}
	}
}

// step of a script: at a time the entries come (none if First is 0), and the reader
// reads.
type step struct {
	at   time.Duration
	have Range
	want string
}

func TestSequencer(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for _, tt := range []struct {
		name  string
		next  uint64
		steps []step
	}{
		{"in order", 1, []step{{0, Range{1, 1}, "1"}, {0, Range{2, 3}, "2 3"}, {0, Range{2, 3}, ""}, {0, Range{1, 4}, "4"}}},
		{"out of order", 1, []step{{0, Range{2, 2}, ""}, {0, Range{4, 4}, ""}, {s, Range{1, 1}, "1 2"}, {s, Range{3, 3}, "3 4"}}},
		{"begins later", 5, []step{{0, Range{1, 4}, ""}, {0, Range{5, 5}, "5"}}},
		{"begins with what comes first", 0, []step{{0, Range{512, 513}, "512 513"}, {0, Range{500, 511}, ""}, {0, Range{514, 514}, "514"}}},
		{"gap passed", 1, []step{
			{0, Range{1, 1}, "1"}, {s, Range{4, 5}, ""}, {s + patience - ms, Range{}, ""}, {s + patience, Range{}, "gap:2-3 4 5"},
			{10 * s, Range{}, ""}, {10 * s, Range{3, 3}, "late:3"}, {10 * s, Range{3, 3}, ""}, {11 * s, Range{2, 2}, "late:2"}, {12 * s, Range{6, 6}, "6"},
		}},
		{"a gap that is being filled is waited for", 1, []step{
			{0, Range{10, 10}, ""}, {2 * s, Range{1, 1}, "1"}, {4 * s, Range{2, 2}, "2"}, {6 * s, Range{5, 5}, ""},
			{8 * s, Range{}, ""}, {9 * s, Range{}, "gap:3-4 5 gap:6-9 10"},
		}},
		{"but not for ever", 1, []step{
			{0, Range{100, 100}, ""}, {2 * s, Range{98, 98}, ""}, {4 * s, Range{96, 96}, ""}, {6 * s, Range{94, 94}, ""}, {8 * s, Range{92, 92}, ""},
			{10 * s, Range{90, 90}, ""}, {12 * s, Range{88, 88}, ""}, {14 * s, Range{86, 86}, ""}, {16 * s, Range{84, 84}, ""}, {18 * s, Range{82, 82}, ""},
			{20 * s, Range{80, 80}, ""}, {22 * s, Range{78, 78}, ""}, {24 * s, Range{76, 76}, ""}, {26 * s, Range{74, 74}, ""}, {28 * s, Range{72, 72}, ""},
			{30*s - ms, Range{}, ""},
			{30 * s, Range{}, "gap:1-71 72 gap:73-73 74 gap:75-75 76 gap:77-77 78 gap:79-79 80 gap:81-81 82 gap:83-83 84 gap:85-85 86 gap:87-87 88 gap:89-89 90 gap:91-91 92 gap:93-93 94 gap:95-95 96 gap:97-97 98 gap:99-99 100"},
		}},
		{"entries behind a gap do not fill it", 1, []step{
			{0, Range{3, 3}, ""}, {s, Range{4, 4}, ""}, {2 * s, Range{5, 6}, ""}, {2 * s, Range{9, 9}, ""},
			{3 * s, Range{}, "gap:1-2 3 4 5 6"}, {4 * s, Range{10, 10}, ""}, {5 * s, Range{}, "gap:7-8 9 10"},
		}},
		{"known entries are no progress", 1, []step{
			{0, Range{3, 5}, ""}, {2 * s, Range{4, 4}, ""}, {3 * s, Range{}, "gap:1-2 3 4 5"},
		}},
		{"the last numbers", MaxSeq - 2, []step{{0, Range{MaxSeq, 1<<64 - 1}, ""}, {0, Range{MaxSeq - 2, MaxSeq - 1}, fmt.Sprint(uint64(MaxSeq-2), uint64(MaxSeq-1), uint64(MaxSeq))}}},
	} {
		q := NewSequencer(tt.next, patience)
		for i, st := range tt.steps {
			if st.have.First > 0 {
				q.Have(at(st.at), st.have.First, st.have.Last)
			}
			if got := drain(q, at(st.at)); got != st.want {
				t.Errorf("%s, step %d at %v: %q, want %q", tt.name, i, st.at, got, st.want)
			}
		}
	}
}

// TestSequencerFilledBeforeReport: what fills a gap given up but not yet reported is
// in order, not late.
func TestSequencerFilledBeforeReport(t *testing.T) {
	q := NewSequencer(1, patience)
	q.Have(0, 1, 1)
	q.pending = nil
	q.Have(0, 5, 5)
	q.pass() // as when too many wait
	q.Have(0, 2, 3)
	if got, want := drain(q, 0), "1 2 3 gap:4-4 5"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSequencerForks(t *testing.T) {
	q := NewSequencer(1, patience)
	q.Have(0, 1, 3)
	for i := range uint64(2) {
		if e, ok := q.Next(0); !ok || e.First != i+1 {
			t.Fatalf("%+v, %v", e, ok)
		}
	}
	q.Read(testLink('a', 1))
	q.Read(Link{Seq: 2, ID: testID('a', 2), Prev: testID('b', 1)}) // names another entry 1
	q.Fork(newFork(1, testID('c', 1), testID('a', 1)))             // the store's word for it
	if got := drain(q, 0); got != "fork:1 3" {
		t.Errorf("%q", got)
	}
	for seq := range uint64(2 * MaxForks) {
		q.Fork(newFork(seq+1, testID('a', 1), testID('b', 1)))
	}
	if got := strings.Count(drain(q, 0), "fork"); got != MaxForks-1 {
		t.Errorf("%d more forks reported, want %d", got, MaxForks-1)
	}
}

// TestSequencerBounds: every bound is reached, none is passed, and the entries that
// waited are handed out.
func TestSequencerBounds(t *testing.T) {
	q := NewSequencer(1, patience)
	const n = 4 * MaxPending
	for i := uint64(1); i <= n; i++ { // every second entry; the reader does not read
		q.Have(0, 2*i, 2*i)
		if len(q.pending) > MaxPending || len(q.holes) > MaxGaps || len(q.late) > MaxGaps || len(q.gaps) > MaxGaps {
			t.Fatalf("entry %d: %d pending, %d holes, %d late, %d gaps", i, len(q.pending), len(q.holes), len(q.late), len(q.gaps))
		}
	}
	if len(q.pending) != MaxPending || len(q.holes) != MaxGaps {
		t.Fatalf("bounds not reached: %d pending, %d holes", len(q.pending), len(q.holes))
	}
	ready, last := 0, uint64(0)
	for e, ok := q.Next(at(patience)); ok; e, ok = q.Next(at(patience)) {
		if e.Kind == Ready {
			ready++
		}
		if !e.Late {
			if e.First <= last {
				t.Fatalf("%+v after %d", e, last)
			}
			last = e.Last
		}
		if len(q.gaps) > MaxGaps {
			t.Fatalf("%d gaps remembered", len(q.gaps))
		}
	}
	if len(q.gaps) != MaxGaps || last != 2*n {
		t.Errorf("%d gaps remembered, last entry %d", len(q.gaps), last)
	}
	if want := 3 * MaxPending; ready < want {
		t.Errorf("%d entries handed out, want at least %d", ready, want)
	}
}

// TestSequencerLateBound: a gap that is filled in pieces, by a reader who does not
// read, is remembered in as many pieces as the bounds allow, the newest.
func TestSequencerLateBound(t *testing.T) {
	q := NewSequencer(1, patience)
	const n = 4 * MaxGaps
	q.Have(0, n+1, n+1)
	if got, want := drain(q, at(patience)), fmt.Sprintf("gap:1-%d %d", n, n+1); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	for i := uint64(2); i <= n; i += 2 {
		q.Have(at(patience), i, i)
		if len(q.late) > MaxGaps || len(q.gaps) > MaxGaps {
			t.Fatalf("%d late, %d gaps", len(q.late), len(q.gaps))
		}
	}
	if len(q.late) != MaxGaps || len(q.gaps) != MaxGaps {
		t.Errorf("bounds not reached: %d late, %d gaps", len(q.late), len(q.gaps))
	}
	if got := strings.Fields(drain(q, at(patience))); len(got) != MaxGaps || got[MaxGaps-1] != fmt.Sprintf("late:%d", n) {
		t.Errorf("%d handed out, the last %s", len(got), got[len(got)-1])
	}
}

// TestSequencerSweep: whatever comes in whatever order, the reader sees every entry
// at most once and in order except the late ones, every number exactly once as
// entry or gap, nothing waits longer than ten times the patience, and in the end
// has read all that came.
func TestSequencerSweep(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		const n = 200
		order := rng.Perm(n)
		lost := make(map[int]bool)
		for i := 0; i < n/10; i++ {
			lost[rng.IntN(n)] = true
		}
		q := NewSequencer(1, patience)
		r := sweepReader{t: t, seed: seed, q: q, read: make([]bool, n+1), came: make([]protocol.Time, n+1)}
		now := protocol.Time(0)
		for _, i := range order {
			now = now.Add(time.Duration(rng.Int64N(int64(patience / 4))))
			seq := uint64(i + 1)
			if !lost[i] {
				if r.came[seq] == 0 {
					r.came[seq] = now
				}
				q.Have(now, seq, seq)
			}
			r.drain(now)
			if rng.IntN(4) == 0 { // said again
				if again := 1 + rng.IntN(n); r.came[again] > 0 {
					q.Have(now, uint64(again), uint64(again))
					r.drain(now)
				}
			}
		}
		for q.Deadline() != protocol.Never {
			now = max(now, q.Deadline())
			r.drain(now)
		}
		for seq, c := range r.came {
			if c > 0 && !r.read[seq] {
				t.Fatalf("seed %d: entry %d came and was not read", seed, seq)
			}
		}
	}
}

type sweepReader struct {
	t    *testing.T
	seed uint64
	q    *Sequencer
	next uint64 // in order
	read []bool
	came []protocol.Time
	miss []Range
}

func (r *sweepReader) drain(now protocol.Time) {
	r.t.Helper()
	for e, ok := r.q.Next(now); ok; e, ok = r.q.Next(now) {
		if !e.Late {
			if e.First != r.next+1 {
				r.t.Fatalf("seed %d: %+v after %d", r.seed, e, r.next)
			}
			r.next = e.Last
		}
		if e.Kind == Missing {
			r.miss = addRange(r.miss, Range{e.First, e.Last})
			continue
		}
		if r.read[e.First] || r.came[e.First] == 0 {
			r.t.Fatalf("seed %d: %+v read twice, or never came", r.seed, e)
		}
		r.read[e.First] = true
		if e.Late {
			var was []Range
			if r.miss, was = cutRange(r.miss, Range{e.First, e.First}); len(was) != 1 {
				r.t.Fatalf("seed %d: %+v was not reported missing", r.seed, e)
			}
		}
	}
	if d := r.q.Deadline(); d <= now {
		r.t.Fatalf("seed %d: deadline %d at %d, and nothing done", r.seed, d, now)
	}
	for seq, c := range r.came {
		if c > 0 && !r.read[seq] && now >= c.Add(maxPatience*patience) {
			r.t.Fatalf("seed %d: entry %d has waited for %v", r.seed, seq, now.Sub(c))
		}
	}
}
