package feed

import (
	"sort"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a Sequencer.
const (
	// MaxPending bounds the runs of entries that wait behind a gap; one more, and
	// the first gap is given up.
	MaxPending = 1024
	// MaxGaps bounds the gaps it remembers, and the runs of late entries that wait
	// for the reader; past it the oldest is forgotten.
	MaxGaps = 1024
	// MaxForks bounds the forks it reports: a ninth tells a reader nothing new.
	MaxForks = 8
	// maxPatience is how many times the patience entries are held back at most,
	// while the gap before them is still being filled (our guess).
	maxPatience = 10
)

// Kind tells what an Event is.
type Kind uint8

// The kinds.
const (
	// Ready: entry First is next; load it from the store.
	Ready Kind = iota + 1
	// Missing: entries First to Last have not come in time and are passed over.
	Missing
	// Forked: the author's chain divides, see Fork.
	Forked
)

// Event is what a reader gets.
type Event struct {
	Kind        Kind
	First, Last uint64
	// Late is set on Ready for an entry that was reported Missing before.
	Late bool
	Fork Fork
}

// Sequencer hands the entries of one author to one reader in the author's order.
// It is told the numbers of the entries that are in the store and answers with the
// number to load next; it holds numbers only, never entries.
//
// A gap is waited for: until nothing has filled any of it for the patience, and
// never longer than ten times the patience in all. Then it is reported, once, and
// passed; entries of it that come later are handed out flagged Late.
type Sequencer struct {
	patience time.Duration
	// next is the first number neither handed out nor reported; 0 before the
	// first Have of a reader that begins with whatever comes first.
	next uint64
	// ready: numbers from next up to before it are in the store, holes excepted.
	ready   uint64
	holes   []Range // gaps between next and ready, given up but not yet reported
	pending []run   // in the store, beyond the first gap; ascending, never adjacent
	gaps    []Range // reported
	late    []Range // came after they were reported
	chain   Chain
	forks   []Fork   // to report
	forked  []uint64 // numbers of the forks reported or to report
}

// run is entries behind a gap.
type run struct {
	Range
	since   protocol.Time // when the first entry behind the gap came
	touched protocol.Time // when the gap was last filled in part
}

// NewSequencer returns a Sequencer that begins with entry next, 1 for all of a
// feed, 0 for whatever comes first, and waits patience for gaps. Entries before
// next are ignored.
func NewSequencer(next uint64, patience time.Duration) *Sequencer {
	return &Sequencer{patience: patience, next: next, ready: next}
}

// Have says that entries first to last are in the store. Saying it again, or of
// entries that were handed out, is harmless.
func (s *Sequencer) Have(now protocol.Time, first, last uint64) {
	first, last = max(first, 1), min(last, MaxSeq)
	if first > last {
		return
	}
	if s.next == 0 {
		s.next, s.ready = first, first
	}
	s.holes, _ = cutRange(s.holes, Range{first, last})
	s.haveLate(Range{first, last})
	if last >= s.ready {
		s.haveNew(now, max(first, s.ready), last)
	}
	for len(s.pending) > MaxPending {
		s.pass()
	}
	s.boundHoles()
}

// haveLate picks out what was reported missing before.
func (s *Sequencer) haveLate(r Range) {
	if len(s.gaps) == 0 {
		return
	}
	var found []Range
	s.gaps, found = cutRange(s.gaps, r)
	for _, f := range found {
		s.late = addRange(s.late, f)
	}
	s.gaps = newest(s.gaps, MaxGaps)
	s.late = newest(s.late, MaxGaps)
}

// newest returns the last n ranges.
func newest(rs []Range, n int) []Range {
	if len(rs) > n {
		rs = append(rs[:0], rs[len(rs)-n:]...)
	}
	return rs
}

// haveNew takes in numbers at or past ready.
func (s *Sequencer) haveNew(now protocol.Time, first, last uint64) {
	r := run{Range{first, last}, now, now}
	i := sort.Search(len(s.pending), func(i int) bool { return s.pending[i].Last+1 >= first })
	j := i
	for ; j < len(s.pending) && s.pending[j].First <= last+1; j++ {
		p := s.pending[j]
		if p.First <= first && last <= p.Last {
			return // known: no progress
		}
		if p.First < first {
			r.touched = p.touched // the gap before it is as it was
		}
		r.First, r.Last = min(r.First, p.First), max(r.Last, p.Last)
		r.since = min(r.since, p.since)
	}
	if j < len(s.pending) {
		// What comes in front of entries that wait shares their time: no entry is
		// held back longer because its gap has become two.
		r.since = min(r.since, s.pending[j].since)
		s.pending[j].touched = now
	}
	tail := append([]run(nil), s.pending[j:]...)
	if r.First == s.ready {
		s.ready = r.Last + 1
		s.pending = append(s.pending[:0], tail...)
		return
	}
	s.pending = append(append(s.pending[:i], r), tail...)
}

// pass gives up the first gap: what waits behind it becomes ready.
func (s *Sequencer) pass() {
	p := s.pending[0]
	s.holes = append(s.holes, Range{s.ready, p.First - 1})
	s.ready = p.Last + 1
	s.pending = append(s.pending[:0], s.pending[1:]...)
}

// boundHoles makes one gap of the last two where a reader who does not read has
// let too many collect; the entries between them will come late.
func (s *Sequencer) boundHoles() {
	for len(s.holes) > MaxGaps {
		n := len(s.holes)
		a, b := s.holes[n-2], s.holes[n-1]
		s.late = newest(addRange(s.late, Range{a.Last + 1, b.First - 1}), MaxGaps)
		s.holes = append(s.holes[:n-2], Range{a.First, b.Last})
	}
}

// Next returns what the reader gets next, and false if it has to wait: for Have,
// for Forked, or until Deadline.
func (s *Sequencer) Next(now protocol.Time) (Event, bool) {
	if len(s.forks) > 0 {
		f := s.forks[0]
		s.forks = append(s.forks[:0], s.forks[1:]...)
		return Event{Kind: Forked, First: f.Seq, Last: f.Seq, Fork: f}, true
	}
	if s.next == s.ready && len(s.late) > 0 {
		return s.takeLate(), true
	}
	if now >= s.Deadline() {
		s.pass()
	}
	if len(s.holes) > 0 && s.holes[0].First == s.next {
		h := s.holes[0]
		s.holes = append(s.holes[:0], s.holes[1:]...)
		s.next = h.Last + 1
		s.gaps = newest(addRange(s.gaps, h), MaxGaps)
		return Event{Kind: Missing, First: h.First, Last: h.Last}, true
	}
	if s.next < s.ready {
		s.next++
		return Event{Kind: Ready, First: s.next - 1, Last: s.next - 1}, true
	}
	return Event{}, false
}

// takeLate returns the first late entry.
func (s *Sequencer) takeLate() Event {
	seq := s.late[0].First
	s.late, _ = cutRange(s.late, Range{seq, seq})
	return Event{Kind: Ready, First: seq, Last: seq, Late: true}
}

// Deadline is when the first gap will be given up; protocol.Never without one.
func (s *Sequencer) Deadline() protocol.Time {
	if len(s.pending) == 0 {
		return protocol.Never
	}
	p := s.pending[0]
	return min(p.touched.Add(s.patience), p.since.Add(maxPatience*s.patience))
}

// Read says what the reader found in an entry it was handed; a fork it reveals is
// reported by Next.
func (s *Sequencer) Read(l Link) {
	for _, f := range s.chain.Add(l).Forks {
		s.Fork(f)
	}
}

// Fork takes in a fork that somebody else found: the store, which sees two items
// with one number. Each number is reported once, and MaxForks in all.
func (s *Sequencer) Fork(f Fork) {
	if len(s.forked) == MaxForks {
		return
	}
	for _, seq := range s.forked {
		if seq == f.Seq {
			return
		}
	}
	s.forked = append(s.forked, f.Seq)
	s.forks = append(s.forks, f)
}
