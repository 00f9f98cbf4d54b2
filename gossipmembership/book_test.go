package gossipmembership

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

func newTestBook(capacity int) *SimpleBook {
	b := NewSimpleBook(testPeer(selfN), capacity, rand.New(rand.NewPCG(1, 1)))
	b.Learn(0, testRecord(selfN, 3), testPeer(selfN))
	return b
}

func TestBookKeepsNewest(t *testing.T) {
	b := newTestBook(0)
	for _, seq := range []uint64{5, 9, 7, 9} {
		b.Learn(1, testRecord(1, seq), testPeer(2))
	}
	if r, ok := b.Record(testPeer(1)); !ok || r.Seq != 9 {
		t.Errorf("Record = seq %d, %v; want 9", r.Seq, ok)
	}
	if _, ok := b.Record(testPeer(2)); ok {
		t.Error("a record of a peer that sent none")
	}
}

func TestBookTakesOwnRecordFromSelfOnly(t *testing.T) {
	b := newTestBook(0)
	b.Learn(1, testRecord(selfN, 1<<50), testPeer(2))
	if r, ok := b.Record(testPeer(selfN)); !ok || r.Seq != 3 || b.Len() != 0 {
		t.Errorf("own record has seq %d, %v", r.Seq, ok)
	}
}

// Addresses of a ticket are dialled beside those of an older signed record, and
// never passed on.
func TestBookHints(t *testing.T) {
	b := newTestBook(0)
	b.Hint(testPeer(1), []string{"a", "b", "a", ""})
	if _, ok := b.Record(testPeer(1)); ok {
		t.Error("a hint is passed on")
	}
	b.Learn(1, Record{Peer: testPeer(1), Seq: 1, Addrs: []string{"c", "b"}}, testPeer(1))
	b.Hint(testPeer(1), []string{"d"})
	if got, want := b.Addrs(testPeer(1)), []string{"c", "b", "d", "a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Addrs = %q, want %q", got, want)
	}
	for i := range 3 * MaxHints {
		b.Hint(testPeer(1), []string{fmt.Sprint("hint", i)})
	}
	if got := len(b.Addrs(testPeer(1))); got != 2+MaxHints {
		t.Errorf("%d addresses, want %d", got, 2+MaxHints)
	}
}

func TestBookIsBounded(t *testing.T) {
	b := newTestBook(2 * MaxBook)
	for n := 1; n <= 3*MaxBook; n++ {
		b.Learn(1, testRecord(n, 1), testPeer(n))
	}
	if b.Len() != MaxBook || len(b.index.slots) != 2*MaxBook {
		t.Errorf("%d entries, %d places in the index, want %d and twice as many", b.Len(), len(b.index.slots), MaxBook)
	}
	for n := 1; n <= 3*MaxBook; n++ {
		if r, ok := b.Record(testPeer(n)); ok && r.Peer != testPeer(n) {
			t.Fatalf("entry of %v has the record of %v", testPeer(n), r.Peer)
		}
	}
}

// What worked stays, whoever floods the book; and the flood mostly displaces itself.
func TestBookKeepsWhatWorked(t *testing.T) {
	const capacity = 200
	b := newTestBook(capacity)
	for n := 1; n <= capacity; n++ {
		b.Learn(1, testRecord(n, 1), testPeer(n))
		if n <= 100 {
			b.Worked(testPeer(n), protocol.Time(n))
		}
	}
	for n := 1000; n < 6000; n++ {
		b.Learn(2, testRecord(n, 1), testPeer(999))
	}
	kept := 0
	for n := 1; n <= capacity; n++ {
		if _, ok := b.Record(testPeer(n)); ok {
			kept++
		} else if n <= 100 {
			t.Errorf("%d worked and is gone", n)
		}
	}
	if kept < 150 {
		t.Errorf("one peer's flood left %d of %d entries", kept, capacity)
	}
}

// Entries that fail go before those that work, and a tenth of the book stays open.
func TestBookNeverCloses(t *testing.T) {
	const capacity = 100
	b := newTestBook(capacity)
	for n := 1; n <= capacity; n++ {
		b.Learn(1, testRecord(n, 1), testPeer(n))
		b.Worked(testPeer(n), protocol.Time(n))
	}
	if b.proven != 90 {
		t.Fatalf("%d entries count as having worked, want 90", b.proven)
	}
	b.Learn(1, testRecord(500, 1), testPeer(500))
	if _, ok := b.Record(testPeer(500)); !ok {
		t.Error("the book is closed")
	}
	for n := 11; n <= capacity; n++ {
		if _, ok := b.Record(testPeer(n)); !ok {
			t.Errorf("%d worked lately and is gone", n)
		}
	}
}

func TestBookRemembers(t *testing.T) {
	b := newTestBook(0)
	for n := 1; n <= 4; n++ {
		b.Learn(1, testRecord(n, 1), testPeer(n))
	}
	b.Hint(testPeer(5), []string{"ticket"})
	for i, n := range []int{3, 1, 5, 2} {
		b.Worked(testPeer(n), protocol.Time(10+i))
	}
	b.Failed(testPeer(2), 20)
	got := b.Remembered(10)
	var order []PeerID
	for _, r := range got {
		order = append(order, r.Peer)
	}
	if want := []PeerID{testPeer(5), testPeer(1), testPeer(3), testPeer(2)}; !reflect.DeepEqual(order, want) {
		t.Fatalf("Remembered = %v, want %v", order, want)
	}
	if n := len(b.Remembered(2)); n != 2 {
		t.Errorf("Remembered(2) returns %d", n)
	}

	next := newTestBook(0)
	for _, r := range got {
		again, err := ParseRecord(r.AppendTo(nil)) // as it would be kept on disk
		if err != nil {
			t.Fatal(err)
		}
		next.Restore(again)
	}
	if next.Len() != 4 || next.proven != 4 {
		t.Errorf("restored %d entries, %d proven", next.Len(), next.proven)
	}
	if _, ok := next.Record(testPeer(5)); ok || len(next.Addrs(testPeer(5))) != 1 {
		t.Error("the hint is not restored as one")
	}
}

// Books that share records hold one copy of each.
func TestBooksShareRecords(t *testing.T) {
	one := testRecord(1, 5)
	share := func(Record) *Record { return &one }
	books := []*SimpleBook{newTestBook(0), newTestBook(0)}
	for _, b := range books {
		b.Share(share)
		b.Learn(1, testRecord(1, 5), testPeer(2))
	}
	if books[0].entries[0].record != &one || books[1].entries[0].record != &one {
		t.Error("a book has a copy of its own")
	}
}

// Failures are counted to a bound.
func TestBookCountsFailures(t *testing.T) {
	b := newTestBook(0)
	b.Learn(1, testRecord(1, 5), testPeer(2))
	for range 2 * maxFailed {
		b.Failed(testPeer(1), 1)
	}
	if b.entries[0].failures != maxFailed {
		t.Errorf("%d failures", b.entries[0].failures)
	}
}
