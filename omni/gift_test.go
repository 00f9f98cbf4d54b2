package omni

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/euid"
	"github.com/quilt-p2p/quilt/protocol"
)

// gifts are the items that were sent to a peer from the store.
func gifts(r *rig, to protocol.PeerID) (list []protocol.ItemID) {
	for _, e := range r.did {
		if f, ok := e.(protocol.FetchAndSend); ok && f.To == to {
			list = append(list, f.Items...)
		}
	}
	return list
}

// Who cries is sent the latest item of those that came after the last that it has, and
// told of the others.
func TestGift(t *testing.T) {
	large := protocol.NewItem("t", "author", 9, bytes.Repeat([]byte("x"), maxGift))
	for _, tc := range []struct {
		name string
		last protocol.ItemID
		more *protocol.Item // comes last of all
		want []protocol.ItemID
	}{
		{"has the first", item("author", 1).ID, nil, []protocol.ItemID{item("author", 3).ID}},
		{"has nothing", protocol.ItemID{}, nil, []protocol.ItemID{item("author", 3).ID}},
		{"has all", item("author", 3).ID, nil, nil},
		{"knows more", item("author", 4).ID, nil, nil},
		{"the latest is large", item("author", 1).ID, large, []protocol.ItemID{item("author", 3).ID}},
	} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		r.member("n")
		for i := range uint64(3) {
			r.push("p", item("author", i+1))
		}
		if tc.more != nil {
			r.push("p", tc.more)
		}
		r.clear()
		cry := Watch{Mode: WatchAWhile, Last: short(tc.last)}
		r.from("n", cry)
		r.from("n", cry) // the same again
		got := gifts(r, "n")
		defer func() { // what was lost on the way is announced at the next cry
			r.clear()
			r.wait(cryPause)
			r.from("n", cry)
			told := false
			for _, d := range sent[Digest](r, "n") {
				told = told || len(got) > 0 && slices.Contains(d.Items, announcement(got[0], len(item("author", 3).Bytes)))
			}
			if told != (len(got) > 0) || len(gifts(r, "n")) > 0 {
				t.Errorf("%s: at the next cry: %v", tc.name, r.did)
			}
		}()
		if len(got) != len(tc.want) || len(got) > 0 && got[0] != tc.want[0] {
			t.Errorf("%s: sent %v, want %v", tc.name, got, tc.want)
		}
		for _, d := range sent[Digest](r, "n") {
			for _, a := range d.Items {
				if len(got) > 0 && a.ID == short(got[0]) {
					t.Errorf("%s: what is sent is announced too", tc.name)
				}
			}
		}
	}
}

// What comes by repair is passed on to who has cried lately and got nothing; what comes
// along the tree is announced only.
func TestPassedOn(t *testing.T) {
	for _, tc := range []struct {
		name     string
		repaired bool
		after    time.Duration
		want     int
	}{
		{"by repair", true, 100 * ms, 1},
		{"along the tree", false, 100 * ms, 0},
		{"long after", true, owedFor + 100*ms, 0},
	} {
		r := newRig(t, "self", "")
		r.attach("p", 50*ms)
		r.member("n", "source")
		r.push("p", item("author", 1))
		r.from("n", Watch{Mode: WatchAWhile, Last: short(item("author", 1).ID)})
		r.wait(tc.after)
		r.clear()
		for i := range uint64(2) {
			it := item("author", i+2)
			from, c := protocol.PeerID("p"), protocol.Carry{Item: it}
			if tc.repaired {
				from, c.Flags = "source", protocol.FlagRepaired
			}
			r.from(from, c)
			r.in(protocol.Accepted{Item: it, From: from, Via: protocol.FirstPatchObject, Repaired: tc.repaired})
		}
		for _, d := range sent[Digest](r, "n") {
			if tc.want > 0 && slices.ContainsFunc(d.Items, func(a Announcement) bool { return a.ID == short(item("author", 2).ID) }) {
				t.Errorf("%s: what is sent is announced too", tc.name)
			}
		}
		if got := gifts(r, "n"); len(got) != tc.want || len(got) > 0 && got[0] != item("author", 2).ID {
			t.Errorf("%s: sent %v, want %d, the first", tc.name, got, tc.want)
		}
	}
}

// A cry names the last item, and goes to the door of a member that is dialled for help too.
func TestCry(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.behind(euid.DirectionPunchable, euid.MappingNone)
	r.known(Sample{Peer: "far", Weight: 1, Reach: ReachPunch, Door: "door", DoorAddr: "there"})
	for i := range uint64(20) {
		r.push("p", item("author", i+1))
		r.wait(100 * ms)
	}
	r.clear()
	r.wait(600 * ms)
	for _, to := range []protocol.PeerID{"p", "door"} {
		got := sent[Watch](r, to)
		if len(got) == 0 || got[0] != (Watch{Mode: WatchAWhile, Last: short(item("author", 20).ID)}) {
			t.Errorf("%s hears %v, want a cry that names item 20", to, got)
		}
	}
}

// A parent is not blamed for what neighbours send unasked.
func TestGiftBlamesNobody(t *testing.T) {
	r := newRig(t, "self", "")
	r.attach("p", 50*ms)
	r.member("a", "b")
	for i := range uint64(20) {
		r.push("p", item("author", i+1))
		r.wait(100 * ms)
	}
	r.wait(400 * ms) // the parent is starved itself
	r.clear()
	for i, from := range []protocol.PeerID{"a", "b", "a", "b"} {
		it := item("author", 21+uint64(i))
		r.from(from, protocol.Carry{Item: it, Flags: protocol.FlagRepaired})
		r.in(protocol.Accepted{Item: it, From: from, Via: protocol.FirstPatchObject, Repaired: true})
	}
	for _, l := range sent[Leave](r, "p") {
		t.Errorf("the parent hears %v", l)
	}
	if r.m.parent == nil || r.m.parent.id != "p" {
		t.Error("the parent is left")
	}
}
