package adversary

import (
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// One author's items stay, by whatever object and in whatever way they would go;
// everybody else's go out.
func TestWithholdAuthor(t *testing.T) {
	r := newRig(t, "withhold-author")
	m := r.m.(*machine)
	m.plot.victims = []protocol.PeerID{author, bob} // the first is meant
	other := func(n uint64) *protocol.Item { return protocol.NewItem(feedName, bob, n, []byte("bob's")) }
	m.how.hear(r.now, protocol.Received{Msg: protocol.Carry{Item: entry(1)}})
	m.how.hear(r.now, protocol.Received{Msg: protocol.Carry{Item: other(1)}})
	carry := func(it *protocol.Item, object protocol.ObjectID) protocol.Effect {
		return protocol.Send{To: bob, Topic: feedID, Object: object, Msg: protocol.Carry{Item: it}}
	}
	for _, c := range []struct {
		name string
		e    protocol.Effect
		want string
	}{
		{"gossip announces", carry(entry(1), protocol.ObjectGossip), "bob: announces 1"},
		{"gossip", carry(other(1), protocol.ObjectGossip), "bob: item 1"},
		{"any protocol", carry(entry(2), protocol.FirstPatchObject), ""},
		{"any protocol, another's", carry(other(2), protocol.FirstPatchObject), "bob: item 2"},
		{"repair", carry(entry(2), protocol.ObjectRepair), ""},
		{"both asked for", protocol.FetchAndSend{To: bob, Items: []protocol.ItemID{entry(1).ID, other(1).ID}}, "bob: 1 stored items"},
		{"one asked for", protocol.FetchAndSend{To: bob, Items: []protocol.ItemID{entry(1).ID}}, ""},
		{"a range", protocol.FetchRange{To: bob, Author: author, First: 1, Last: 9}, ""},
		{"another's range", protocol.FetchRange{To: bob, Author: bob, First: 1, Last: 9}, "bob: stored items 1-9"},
		{"what brings nothing", protocol.Close{Peer: alice}, "close alice"},
	} {
		if got := said(r.emit(m.how, c.e)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, it := range []*protocol.Item{entry(3), other(3)} {
		got := of[protocol.Multicast](r.emit(m.how, protocol.Multicast{Msg: protocol.Carry{Item: it}}))
		if (len(got) == 1) != (it.Author == bob) {
			t.Errorf("%d to the group of %s", len(got), string(it.Author))
		}
	}
}

// What is remembered is bounded, and the oldest goes first.
func TestWithholdAuthorForgets(t *testing.T) {
	r := newRig(t, "withhold-author")
	m := r.m.(*machine)
	m.plot.victims = []protocol.PeerID{author}
	w := m.how.(*withholdAuthor)
	hear := func(n uint64) {
		w.hear(r.now, protocol.Received{Msg: protocol.Carry{Item: entry(n)}})
	}
	for n := range uint64(maxKnown + 1) {
		hear(n + 1)
	}
	hear(2) // which is known
	if len(w.known) != maxKnown || len(w.order) != maxKnown || w.known[entry(1).ID] || !w.known[entry(2).ID] || !w.known[entry(maxKnown+1).ID] {
		t.Errorf("%d known, %d in order", len(w.known), len(w.order))
	}
}
