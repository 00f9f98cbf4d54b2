package links

import (
	"slices"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/protocol"
)

// traversing is a config of hosts that get past NATs, on loopback.
func traversing(cfg *Config) {
	cfg.Traverse, cfg.anyRelayAddr = true, true
	cfg.punchWait = 500 * time.Millisecond // none can be punched on loopback
}

// volunteering lets a host relay for others.
func volunteering(limits RelayLimits) func(*Config) {
	return func(cfg *Config) {
		traversing(cfg)
		cfg.Relay = &limits
	}
}

// newRelay starts a host that is public and relays.
func newRelay(t testing.TB, limits RelayLimits) *node {
	t.Helper()
	r := newNode(t, transports["quic"], volunteering(limits))
	if err := r.SetRole(RolePublic); err != nil {
		t.Fatal(err)
	}
	return r
}

// circuits are the addresses among others that lead through a relay.
func circuits(addrs []string) (list []string) {
	for _, a := range addrs {
		if m, err := ma.NewMultiaddrBytes([]byte(a)); err == nil && viaRelay(m) {
			list = append(list, a)
		}
	}
	return list
}

// newLeaf starts a host that nobody can call, with a place at each of the relays.
func newLeaf(t testing.TB, relays ...*node) *node {
	t.Helper()
	leaf := newNode(t, "", traversing)
	settle(t, leaf, relays...)
	return leaf
}

// settle makes a host a leaf.
func settle(t testing.TB, leaf *node, relays ...*node) {
	t.Helper()
	for _, r := range relays {
		leaf.link(t, r)
	}
	if err := leaf.SetRole(RoleLeaf); err != nil {
		t.Fatal(err)
	}
	await(t, "a place at each relay", func() bool {
		return len(leaf.Traversal().Relays) == min(len(relays), wantRelays)
	})
}

// TestRelayedLink: a leaf has a place at a public peer that it is linked with; a
// stranger to whom a relayed link will do reaches it through that, both know that the
// link is relayed, and what items cost there is counted.
func TestRelayedLink(t *testing.T) {
	relay := newRelay(t, RelayLimits{})
	leaf := newLeaf(t, relay)
	addrs := circuits(leaf.Addrs())
	if len(addrs) == 0 || !slices.Equal(addrs, leaf.Addrs()[:len(addrs)]) {
		t.Fatalf("of addresses %q those by relays are %q: want some, and first", leaf.Addrs(), addrs)
	}
	caller := newNode(t, "", traversing)
	caller.DialRelayed(leaf.ID(), addrs)
	awaitUp(t, caller, leaf)
	for _, side := range []struct{ n, o *node }{{caller, leaf}, {leaf, caller}} {
		if l := side.n.rec.linkTo(side.o.ID()); !l.Relayed {
			t.Errorf("link %+v is not relayed", l)
		}
	}
	caller.Send(leaf.ID(), protocol.Control, protocol.Never, []byte("a question"), nil)
	caller.Send(leaf.ID(), protocol.Repair, protocol.Never, []byte("an item"), nil)
	await(t, "both frames", func() bool { return leaf.Counters().FramesIn >= 2 })
	if c := caller.Counters(); c.RelayedPayload != uint64(len("an item")) || c.RelayedOut <= c.RelayedPayload {
		t.Errorf("counted %d bytes by relays, %d of them items: want more, and %d", c.RelayedOut, c.RelayedPayload, len("an item"))
	}
	if c := leaf.Counters(); c.RelayedPayload != 0 {
		t.Errorf("the leaf counted %d bytes of items by relays: it sent none", c.RelayedPayload)
	}
	if s := relay.Traversal(); !s.Serving || s.Service.Places != 1 || s.Service.Circuits != 1 {
		t.Errorf("the relay says %+v: want one place and one circuit", s)
	}
}

// TestDirectFirst: where the leaf can be reached directly, no relay is asked.
func TestDirectFirst(t *testing.T) {
	relay := newRelay(t, RelayLimits{})
	leaf := newNode(t, transports["quic"], traversing)
	settle(t, leaf, relay)
	caller := newNode(t, "", traversing)
	caller.Dial(leaf.ID(), leaf.Addrs()) // those through the relay first
	awaitUp(t, caller, leaf)
	if l := caller.rec.linkTo(leaf.ID()); l.Relayed {
		t.Error("relayed, though it could be called")
	}
	if c := caller.Counters(); c.RelayedOut != 0 {
		t.Errorf("%d bytes by relays on a direct link", c.RelayedOut)
	}
}

// TestPunchMemoryOfDials: whoever could be met at a relay only, and not be punched, is
// not dialled through a relay again soon; unless a relayed link will do.
func TestPunchMemoryOfDials(t *testing.T) {
	relay := newRelay(t, RelayLimits{})
	leaf := newLeaf(t, relay)
	caller := newNode(t, "", traversing)
	addrs := circuits(leaf.Addrs())
	failed := func(n int) {
		t.Helper()
		caller.Dial(leaf.ID(), addrs)
		await(t, "a dial to fail", func() bool { return len(caller.rec.failures(leaf.ID())) == n })
	}
	failed(1)
	if got := caller.rec.failures(leaf.ID())[0]; got != ReasonPunch {
		t.Fatalf("failed because %q, want %q", got, ReasonPunch)
	}
	circuitsBefore := relay.Traversal().Service.Circuits
	caller.nat.punches.mu.Lock()
	caller.nat.punches.failed[0].began = time.Now().Add(-punchSeries) // the series is over
	caller.nat.punches.mu.Unlock()
	failed(2)
	if got := caller.rec.failures(leaf.ID())[1]; got == ReasonPunch {
		t.Error("tried again at once")
	}
	if n := relay.Traversal().Service.Circuits; n != circuitsBefore {
		t.Errorf("%d circuits, want %d as before: no relay is to be asked", n, circuitsBefore)
	}
	if s := caller.Traversal().Punches.Spared; s == 0 {
		t.Error("not counted as spared")
	}
	caller.DialRelayed(leaf.ID(), addrs)
	awaitUp(t, caller, leaf)
	caller.Close(leaf.ID(), "enough")
	await(t, "down", func() bool { return !caller.rec.isUp(leaf.ID()) && !leaf.rec.isUp(caller.ID()) })
	caller.Moved()
	if !caller.nat.punches.may(time.Now(), leaf.ID()) {
		t.Error("remembered over a move to another network")
	}
}

// TestRelayLost: a leaf whose relay goes finds another, and publishes that.
func TestRelayLost(t *testing.T) {
	one, two, three := newRelay(t, RelayLimits{}), newRelay(t, RelayLimits{}), newRelay(t, RelayLimits{})
	leaf := newLeaf(t, one, two, three)
	used := leaf.Traversal().Relays
	var gone *node
	for _, r := range []*node{one, two, three} {
		if r.ID() == used[0].Peer {
			gone = r
		}
	}
	gone.stop(t)
	await(t, "another relay", func() bool {
		now := leaf.Traversal().Relays
		return len(now) == wantRelays && now[0].Peer != gone.ID() && now[1].Peer != gone.ID()
	})
	for _, a := range leaf.Addrs() {
		if strings.Contains(a, string(gone.ID())) {
			t.Error("an address through the relay that is gone")
		}
	}
	changes := leaf.rec.addrChanges()
	if err := leaf.SetRole(RolePublic); err != nil {
		t.Fatal(err)
	}
	await(t, "no relay for a public host", func() bool {
		return len(circuits(leaf.Addrs())) == 0 && leaf.rec.addrChanges() > changes
	})
}

// TestRelayLimits: a volunteer gives no more places than it wants to, and none while it
// is not public.
func TestRelayLimits(t *testing.T) {
	relay := newRelay(t, RelayLimits{Places: 1})
	newLeaf(t, relay)
	second := newNode(t, transports["quic"], traversing)
	second.link(t, relay)
	if err := second.SetRole(RoleLeaf); err != nil {
		t.Fatal(err)
	}
	await(t, "a refusal", func() bool { return relay.Traversal().Service.Refused == 1 })
	if n := len(second.Traversal().Relays); n != 0 {
		t.Errorf("%d places at a full relay", n)
	}
	await(t, "one that refused to be left alone for long", func() bool {
		second.nat.relays.mu.Lock()
		defer second.nat.relays.mu.Unlock()
		rest := time.Until(second.nat.relays.refused[relay.ID()])
		return rest > failedFor && rest <= refusedFor
	})
	if err := relay.SetRole(RoleLeaf); err != nil {
		t.Fatal(err)
	}
	if relay.Relaying() {
		t.Error("relays though it is a leaf")
	}
	if _, err := (RelayLimits{Bytes: 100}).withDefaults(); err == nil {
		t.Error("100 bytes a circuit accepted")
	}
}

// TestRelayedCut: where a peer does not stop in time what a relay passes on ends at its
// limit; the link then goes down at both sides, and nothing hangs.
func TestRelayedCut(t *testing.T) {
	relay := newRelay(t, RelayLimits{Bytes: minRelayBytes})
	leaf := newLeaf(t, relay)
	caller := newNode(t, "", traversing)
	caller.DialRelayed(leaf.ID(), circuits(leaf.Addrs()))
	awaitUp(t, caller, leaf)
	caller.Manager.link(leaf.ID()).out.limit(unlimited)
	caller.Send(leaf.ID(), protocol.Repair, protocol.Never, make([]byte, 2*minRelayBytes), nil)
	await(t, "both sides down", func() bool { return !caller.rec.isUp(leaf.ID()) && !leaf.rec.isUp(caller.ID()) })
}

// TestRelayedQuota: a link by a relay ends in good order before the relay cuts it: all
// that was sent arrives, and the next link carries as much again. A frame that no such
// link can carry is dropped, and said to be.
func TestRelayedQuota(t *testing.T) {
	relay := newRelay(t, RelayLimits{Bytes: minRelayBytes})
	leaf := newLeaf(t, relay)
	caller := newNode(t, "", traversing)
	const size, frames = 1000, 2 * minRelayBytes / 1000
	for round := range 3 {
		caller.DialRelayed(leaf.ID(), circuits(leaf.Addrs()))
		await(t, "a link", func() bool { return caller.rec.isUp(leaf.ID()) && leaf.rec.isUp(caller.ID()) })
		caller.Send(leaf.ID(), protocol.Repair, protocol.Never, make([]byte, minRelayBytes), "too large")
		await(t, "word that it was dropped", func() bool { return len(caller.rec.drops(protocol.Repair)) == round+1 })
		if err := caller.SendWait(t.Context(), leaf.ID(), protocol.Repair, protocol.Never, make([]byte, minRelayBytes), nil); err != ErrTooLarge {
			t.Fatalf("sending more than a connection carries: %v, want %v", err, ErrTooLarge)
		}
		before := caller.Counters().FramesOut
		for range frames {
			caller.Send(leaf.ID(), protocol.Repair, protocol.Never, make([]byte, size), nil)
		}
		await(t, "both sides down", func() bool { return !caller.rec.isUp(leaf.ID()) && !leaf.rec.isUp(caller.ID()) })
		if got := caller.rec.last(leaf.ID()); got != "down "+ReasonRelay {
			t.Fatalf("the caller's link went %q, want %q", got, ReasonRelay)
		}
		if got := leaf.rec.last(caller.ID()); got != "down "+ReasonPeerClosed {
			t.Fatalf("the leaf's link went %q, want %q", got, ReasonPeerClosed)
		}
		sent := caller.Counters().FramesOut
		if got := leaf.Counters().FramesIn; got != sent {
			t.Errorf("%d frames sent, %d arrived", sent, got)
		}
		if least := uint64(minRelayBytes-relayOverhead)/size - 2; sent-before < least {
			t.Errorf("%d frames of %d bytes by one connection, want at least %d", sent-before, size, least)
		}
	}
	if got := relay.Traversal().Service.Circuits; got != 3 {
		t.Errorf("%d connections by the relay for 3 links", got)
	}
}
