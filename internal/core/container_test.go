package core

import (
	"fmt"
	"testing"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/protocol"
)

func item(n int) *protocol.Item {
	return protocol.NewItem(square, "author", uint64(n), []byte("something"))
}

// copyOf returns the item with another signature: the same ID, other bytes.
func copyOf(it *protocol.Item, n int) *protocol.Item {
	return it.WithSignature(fmt.Appendf(nil, "signature %d", n), nil)
}

// joined is a host in an open topic with three neighbours.
func joined(t *testing.T) *rig {
	r := newRig(t, Config{})
	r.do(Join{Name: square})
	r.member(square, alice, bob, carol)
	return r
}

// TestContainer: inputs one after another, and what comes of each. Tokens count
// from 1.
func TestContainer(t *testing.T) {
	it := item(1)
	carry := func(from protocol.PeerID, it *protocol.Item) protocol.Input {
		return protocol.Received{From: protocol.Origin{Peer: from, Authenticated: true}, Topic: protocol.TopicOf(square),
			Object: protocol.ObjectGossip, Msg: protocol.Carry{Item: it}}
	}
	verified := func(token uint64, v protocol.Verdict) protocol.Input {
		return protocol.Verified{Token: token, Verdict: v}
	}
	stored := func(token uint64, ok bool) protocol.Input { return protocol.Stored{Token: token, OK: ok} }
	foreign := protocol.Received{From: protocol.Origin{Peer: alice, Authenticated: true}, Topic: protocol.TopicOf(square),
		Object: protocol.ObjectGossip, Msg: protocol.Carry{Item: protocol.NewItem("elsewhere", "author", 1, nil)}}

	type step struct {
		in   protocol.Input
		want string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"valid and new", []step{
			{carry(alice, it), "verify 1"},
			{verified(1, protocol.Valid), "store 2"},
			{stored(2, true), "deliver from alice"},
			{stored(2, true), ""},
			{verified(1, protocol.Valid), ""},
		}},
		{"an answer for nobody", []step{{verified(7, protocol.Valid), ""}, {stored(7, true), ""}}},
		{"answers to each other's question", []step{
			{carry(alice, it), "verify 1"},
			{stored(1, true), ""},
			{verified(1, protocol.Valid), "store 2"},
			{verified(2, protocol.Invalid), ""},
			{stored(2, true), "deliver from alice"},
		}},
		{"the same bytes while they are checked", []step{
			{carry(alice, it), "verify 1"}, {carry(bob, it), ""}, {verified(1, protocol.Valid), "store 2"}}},
		{"the same again later", []step{
			{carry(alice, it), "verify 1"}, {verified(1, protocol.Valid), "store 2"}, {stored(2, true), "deliver from alice"}, {carry(bob, it), ""}}},
		{"a bad copy first", []step{
			{carry(alice, copyOf(it, 0)), "verify 1"},
			{carry(bob, copyOf(it, 1)), "verify 2"},
			{verified(1, protocol.Invalid), "invalid"},
			{verified(2, protocol.Valid), "store 3"},
			{stored(3, true), "deliver from bob"},
		}},
		{"two good copies are one item", []step{
			{carry(alice, copyOf(it, 0)), "verify 1"},
			{carry(bob, copyOf(it, 1)), "verify 2"},
			{verified(2, protocol.Valid), "store 3"},
			{verified(1, protocol.Valid), ""},
			{stored(3, true), "deliver from bob"},
		}},
		{"one copy at a time by one link", []step{
			{carry(alice, copyOf(it, 0)), "verify 1"}, {carry(alice, copyOf(it, 1)), "no-room"}}},
		{"held already", []step{
			{carry(alice, it), "verify 1"}, {verified(1, protocol.Known), ""}, {carry(bob, it), ""}}},
		{"no verdict", []step{
			{carry(alice, it), "verify 1"}, {verified(1, protocol.Undecided), ""}, {carry(alice, it), "verify 2"}}},
		{"the disk is full", []step{
			{carry(alice, it), "verify 1"},
			{verified(1, protocol.Valid), "store 2"},
			{stored(2, false), ""},
			{carry(bob, it), "verify 3"}, // by repair, in earnest
			{verified(3, protocol.Valid), "store 4"},
			{stored(4, true), "deliver from bob"},
		}},
		{"its own", []step{{Published{Item: it}, "deliver from "}, {Published{Item: it}, ""}, {carry(alice, it), ""}}},
		{"its own comes back before it is known here", []step{
			{carry(alice, it), "verify 1"}, {Published{Item: it}, "deliver from "}, {verified(1, protocol.Valid), ""}}},
		{"three invalid ones end the link", []step{
			{carry(alice, item(1)), "verify 1"}, {carry(alice, item(2)), "verify 2"}, {carry(alice, item(3)), "verify 3"},
			{carry(alice, item(4)), "verify 4"},
			{verified(1, protocol.Invalid), "invalid"}, {verified(2, protocol.Invalid), "invalid"},
			{verified(3, protocol.Invalid), "invalid, ban alice, close alice"},
			{verified(4, protocol.Invalid), "invalid"},
			{carry(alice, item(5)), "no-link"},
		}},
		{"hanging up in between helps nobody", []step{
			{carry(alice, item(1)), "verify 1"}, {carry(alice, item(2)), "verify 2"}, {carry(alice, item(3)), "verify 3"},
			{verified(1, protocol.Invalid), "invalid"},
			{protocol.LinkDown{Peer: alice}, ""},
			{verified(2, protocol.Invalid), "invalid"}, {verified(3, protocol.Invalid), "invalid, ban alice"},
			{protocol.LinkUp{Link: protocol.Link{Peer: alice}}, "close alice"},
		}},
		{"an item of another topic", []step{{foreign, "invalid"}, {foreign, "invalid"}, {foreign, "invalid, ban alice, close alice"}}},
		{"the link goes while it is checked", []step{
			{carry(alice, it), "verify 1"}, {protocol.LinkDown{Peer: alice}, ""},
			{verified(1, protocol.Valid), "store 2"}, {stored(2, true), "deliver from alice"}}},
		{"left while it is checked", []step{
			{carry(alice, it), "verify 1"}, {Leave{Topic: protocol.TopicOf(square)}, ""}, {verified(1, protocol.Invalid), ""}}},
		{"left while it is stored", []step{
			{carry(alice, it), "verify 1"}, {verified(1, protocol.Valid), "store 2"},
			{Leave{Topic: protocol.TopicOf(square)}, ""}, {stored(2, true), ""}}},
		{"left and joined while it is stored", []step{
			{carry(alice, it), "verify 1"}, {verified(1, protocol.Valid), "store 2"},
			{Leave{Topic: protocol.TopicOf(square)}, ""}, {Join{Name: square}, ""},
			{stored(2, true), "deliver from alice"},
			{carry(bob, it), ""},
		}},
		{"left and joined while it is checked", []step{
			{carry(alice, it), "verify 1"},
			{Leave{Topic: protocol.TopicOf(square)}, ""}, {Join{Name: square}, ""},
			{carry(alice, it), "verify 2"},
			{verified(1, protocol.Valid), ""}, {verified(2, protocol.Valid), "store 3"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := joined(t)
			for i, s := range test.steps {
				effects := r.do(s.in)
				if _, ok := s.in.(Join); ok {
					effects = nil // which seeks members
				}
				if got := say(effects); got != s.want {
					t.Errorf("step %d: got %q, want %q", i+1, got, s.want)
				}
			}
		})
	}
}

// A failed write is repaired later: repair holds the item missing, and takes it from
// a neighbour once it comes again.
func TestStoreFailureIsLost(t *testing.T) {
	r := newRig(t, Config{})
	owner := protocol.PeerID("owner")
	r.do(Join{Name: square, Owner: owner})
	r.member(square, alice)
	entry := protocol.NewItem(square, owner, 1, nil)
	r.carry(alice, entry)
	r.do(protocol.Verified{Token: 1})
	r.do(protocol.Stored{Token: 2, OK: false})
	r.hear(alice, square, protocol.ObjectRepair, antientropy.Digest{Floor: 1, From: 1, Top: 1, Runs: []antientropy.Range{{First: 1, Last: 1}}, Head: entry.ID})
	pulls, _ := sent[antientropy.Pull](r.wait(minute))
	if len(pulls) == 0 {
		t.Error("repair does not ask for what could not be stored")
	}
}

// Everything that is accepted goes on to the neighbours before the disk answers, and
// carries on even though its own link is gone.
func TestForwardedBeforeStored(t *testing.T) {
	r := joined(t)
	r.carry(alice, item(1))
	carries, to := sent[protocol.Carry](r.do(protocol.Verified{Token: 1}))
	if len(carries) != 2 || to[0] != bob || to[1] != carol {
		t.Errorf("forwarded to %q", names(to))
	}
}

// The bound per link: one link cannot take all places, nor by hanging up.
func TestPendingPerLink(t *testing.T) {
	r := joined(t)
	for n := range MaxPendingPerLink {
		r.h.Handle(r.now, carried(alice, item(n)), &r.out)
	}
	r.settle()
	r.want(r.carry(alice, item(MaxPendingPerLink)), "no-room")
	r.do(protocol.LinkDown{Peer: alice})
	r.link(alice)
	r.want(r.carry(alice, item(MaxPendingPerLink)), "no-room")
	r.want(r.do(protocol.Verified{Token: 1}), fmt.Sprint("store ", MaxPendingPerLink+1))
	r.want(r.carry(alice, item(MaxPendingPerLink)), "no-room") // what is being written takes room too
	r.want(r.do(protocol.Stored{Token: MaxPendingPerLink + 1, OK: true}), "deliver from alice")
	r.want(r.carry(alice, item(MaxPendingPerLink)), fmt.Sprint("verify ", MaxPendingPerLink+2))
	r.want(r.carry(bob, item(MaxPendingPerLink+1)), fmt.Sprint("verify ", MaxPendingPerLink+3))
}

func carried(from protocol.PeerID, it *protocol.Item) protocol.Received {
	return protocol.Received{From: protocol.Origin{Peer: from, Authenticated: true}, Topic: it.Topic,
		Object: protocol.ObjectGossip, Msg: protocol.Carry{Item: it}}
}

func TestPendingPerTopic(t *testing.T) {
	r := joined(t)
	for n := range MaxPending {
		p := peer(n / MaxPendingPerLink)
		if n%MaxPendingPerLink == 0 {
			r.link(p)
		}
		r.h.Handle(r.now, carried(p, item(n)), &r.out)
	}
	r.settle()
	r.want(r.carry(bob, item(MaxPending)), "no-room")
	r.want(r.do(protocol.Verified{Token: 1, Verdict: protocol.Undecided}), "")
	r.want(r.carry(bob, item(MaxPending)), fmt.Sprint("verify ", MaxPending+1))
}

// The same bounds in bytes.
func TestPendingBytes(t *testing.T) {
	r := joined(t)
	big := make([]byte, 1<<20-8<<10)
	fill := func(p protocol.PeerID) (n int) {
		for len(of[protocol.Verify](r.carry(p, protocol.NewItem(square, p, uint64(n+1), big)))) > 0 {
			n++
		}
		return n
	}
	if n := fill(alice); n != MaxPendingBytesPerLink>>20 {
		t.Errorf("one link has %d MiB checked at once", n)
	}
	total := MaxPendingBytesPerLink >> 20
	for i := range MaxLinks / 2 {
		r.link(peer(i))
		total += fill(peer(i))
	}
	if total != MaxPendingBytes>>20 {
		t.Errorf("all links have %d MiB checked at once", total)
	}
}

func TestCopies(t *testing.T) {
	r := joined(t)
	it := item(1)
	for n := range MaxCopies {
		r.link(peer(n))
		r.want(r.carry(peer(n), copyOf(it, n)), fmt.Sprint("verify ", n+1))
	}
	r.want(r.carry(alice, copyOf(it, MaxCopies)), "no-room")
	r.want(r.do(protocol.Verified{Token: 1, Verdict: protocol.Invalid}), "invalid")
	r.want(r.carry(alice, copyOf(it, MaxCopies)), fmt.Sprint("verify ", MaxCopies+1))
}

// What falls out of the window is asked of the store again, and not before.
func TestSeenWindow(t *testing.T) {
	s := newSeen()
	id := func(n int) protocol.ItemID { return item(n).ID }
	for n := range 2*recentWindow + 1 {
		s.add(id(n))
	}
	for n, want := range map[int]bool{0: false, recentWindow - 1: false, recentWindow: true, 2 * recentWindow: true} {
		if s.has(id(n)) != want {
			t.Errorf("the window holds item %d: %v, want %v", n, !want, want)
		}
	}
	s.remove(id(recentWindow))
	s.remove(id(2 * recentWindow))
	if s.has(id(recentWindow)) || s.has(id(2*recentWindow)) {
		t.Error("the window holds what was taken out of it")
	}
	if len(s.young) > recentWindow || len(s.old) > recentWindow {
		t.Errorf("%d + %d IDs", len(s.young), len(s.old))
	}
}

// Repair learns from a check that the store holds an item.
func TestKnownIsHeld(t *testing.T) {
	r := newRig(t, Config{})
	owner := protocol.PeerID("owner")
	r.do(Join{Name: square, Owner: owner})
	r.member(square, alice)
	entry := protocol.NewItem(square, owner, 1, nil)
	r.carry(alice, entry)
	r.do(protocol.Verified{Token: 1, Verdict: protocol.Known})
	effects := r.hear(alice, square, protocol.ObjectRepair, antientropy.Digest{Floor: 1, From: 1, Top: 1, Runs: []antientropy.Range{{First: 1, Last: 1}}, Head: entry.ID})
	if pulls, _ := sent[antientropy.Pull](append(effects, r.wait(minute)...)); len(pulls) > 0 {
		t.Error("repair asks for what the store holds")
	}
}

// Messages for objects that do not exist, or of another object's kind, do nothing.
func TestStrayMessages(t *testing.T) {
	r := joined(t)
	prune := gossip.Prune{}
	for _, object := range []protocol.ObjectID{protocol.ObjectHost, protocol.ObjectView, protocol.ObjectRepair, protocol.ObjectReceipts, 99} {
		in := protocol.Received{From: protocol.Origin{Peer: alice}, Topic: protocol.TopicOf(square), Object: object, Msg: prune}
		r.want(r.do(in), "")
		in.Topic = protocol.TopicID{}
		r.want(r.do(in), "")
	}
	r.want(r.hear(alice, "nowhere", protocol.ObjectGossip, prune), "unknown-topic")
	r.want(r.hear(dave, square, protocol.ObjectGossip, prune), "no-link")
}
