package adversary

import (
	"bytes"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// TestDrop: half of what an honest host sends goes out, on both paths.
func TestDrop(t *testing.T) {
	const n = 400
	r := newRig(t, "drop")
	var ids []protocol.ItemID
	pushed := 0
	for i := uint64(1); i <= n; i++ {
		pushed += len(of[protocol.Send](r.hear(alice, feedID, protocol.ObjectGossip, protocol.Carry{Item: entry(i)})))
		ids = append(ids, entry(i).ID)
	}
	how := r.m.(*machine).how
	fetched := 0
	for _, e := range of[protocol.FetchAndSend](r.emit(how, protocol.FetchAndSend{To: bob, Items: ids})) {
		fetched += len(e.Items)
	}
	if pushed < n*2/5 || pushed > n*3/5 || fetched < n*2/5 || fetched > n*3/5 {
		t.Errorf("%d pushed, %d fetched of %d", pushed, fetched, n)
	}
	if len(ids) != n {
		t.Error("the core's own list has been written to")
	}
	if got := said(r.emit(how, protocol.Send{To: bob, Topic: feedID, Object: protocol.ObjectRepair, Msg: decoded(protocol.TopicID{}, protocol.ObjectHost, kindPing, []byte{1})})); got == "" {
		t.Error("a message without an item is dropped")
	}
}

// TestDropRange: a range falls into pieces of one entry each, about half of them, not
// more than maxPieces long nor than the bytes asked for.
func TestDropRange(t *testing.T) {
	r := newRig(t, "drop")
	ask := protocol.FetchRange{To: bob, Topic: feedID, Author: author, First: 3, Last: 1 << 40, MaxBytes: 6400}
	got := of[protocol.FetchRange](r.emit(r.m.(*machine).how, ask))
	sum := 0
	last := uint64(2)
	for _, e := range got {
		sum += e.MaxBytes
		if e.First != e.Last || e.First <= last || e.Last >= 3+maxPieces || e.To != bob || e.Author != author {
			t.Errorf("piece %+v after %d", e, last)
		}
		last = e.Last
	}
	if len(got) < maxPieces/4 || len(got) > maxPieces*3/4 || sum > ask.MaxBytes {
		t.Errorf("%d pieces of %d bytes together", len(got), sum)
	}
}

// TestForge: what goes out instead of an item is of four kinds, all of which decode,
// and about a quarter each.
func TestForge(t *testing.T) {
	r := newRig(t, "forge")
	f := r.m.(*machine).how.(*forge)
	first := entry(1)
	f.keep(first)
	kinds := map[string]int{}
	for range 400 {
		it := entry(9).WithSignature(make([]byte, signatureLen), nil)
		got := f.forged(it)
		again, err := protocol.ParseItem(got.Bytes)
		if err != nil || again.ID != got.ID || got.Topic != it.Topic || got.Author != it.Author {
			t.Fatalf("forged %+v: %v", got, err)
		}
		switch {
		case got == first:
			kinds["old"]++
		case got.ID == it.ID && !bytes.Equal(got.Signature, it.Signature):
			kinds["signature"]++
		case got.Seq == it.Seq && !bytes.Equal(got.Data, it.Data) && bytes.Equal(got.Signature, it.Signature):
			kinds["payload"]++
		case got.Seq > it.Seq && got.Seq <= it.Seq+maxAhead:
			kinds["invented"]++
		default:
			t.Fatalf("forged %+v", got)
		}
	}
	for _, k := range []string{"old", "signature", "payload", "invented"} {
		if kinds[k] < 60 {
			t.Errorf("%d of 400 are of the kind %q", kinds[k], k)
		}
	}
}

// TestForgeMemory: a forger remembers maxKept items and answers from them alone.
func TestForgeMemory(t *testing.T) {
	r := newRig(t, "forge")
	f := r.m.(*machine).how.(*forge)
	for i := uint64(1); i <= maxKept+10; i++ {
		f.keep(entry(i))
	}
	if len(f.kept) != maxKept || f.kept[0].Seq != 11 {
		t.Errorf("%d items from %d on are kept", len(f.kept), f.kept[0].Seq)
	}
	ask := protocol.FetchRange{To: bob, Topic: feedID, Object: protocol.ObjectRepair, Author: author, First: 1, Last: 20, MaxBytes: 1 << 20}
	got := of[protocol.Send](r.emit(f, ask))
	for _, e := range got {
		if c := e.Msg.(protocol.Carry); c.Flags != protocol.FlagRepaired || e.Class != protocol.Repair || e.Object != protocol.ObjectRepair {
			t.Errorf("answers with %+v", e)
		}
	}
	if len(got) != 10 {
		t.Errorf("%d answers, want 10", len(got))
	}
	ask.MaxBytes = 1
	if got := r.emit(f, ask); len(got) != 1 {
		t.Errorf("%d answers to who wants a byte", len(got))
	}
}
