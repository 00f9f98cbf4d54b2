package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

// natSites has four kinds of NAT, and so many public hosts that each of those behind them
// meets some to whom it has not sent: without strangers filters cannot be told apart.
const natSites = `
site dc1   lan        hosts=a1,a2,a3,a4 path=a-edge
site dc2   lan        hosts=b1,b2,b3,b4 path=b-edge
site dc3   lan        hosts=m1,m2,m3,m4 path=m-edge
site dc4   lan        hosts=n1,n2,n3,n4 path=n-edge
site home1 fullcone   hosts=c1,c2       path=access1
site home2 restricted hosts=r1          path=access2
site home3 cone       hosts=e1          path=access3
site home4 symmetric  hosts=d1          path=access4
link default delay=20ms loss=1%
`

// TestLabNATs: peers tell apart what NATs do: keep one port for all destinations or give
// another to each; let in everybody, those who were sent to, or only what answers. Who is
// behind a NAT that lets in everybody is public, and relays for others; that it hairpins,
// so that neighbours get through by its public address, misleads nobody.
func TestLabNATs(t *testing.T) {
	t.Parallel() // it waits most of its time
	l := stage(t, natSites)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	startAll(t, ctx, l)
	hosts := l.Hosts()
	took, err := settle(ctx, hosts, func(h *lab.Host) time.Time { return h.Peer().Started })
	if err != nil {
		t.Fatalf("%v\nbetween sites: %+v", err, l.Counts())
	}
	report(t, hosts, took)
	for _, name := range []string{"c1", "r1", "e1", "d1"} {
		got, err := told(ctx, l.Host(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s (%s): mapping %v, filtering %v, by UDP %v", name, l.Host(name).Truth()[0].Kind, got.Mapping, got.Filtering, got.Reach[0][0])
	}
	awaitRoles(t, ctx, hosts, func(h *lab.Host) bool {
		k := h.Truth()[0].Kind
		return k != lab.LAN && k != lab.FullCone
	})
	join(t, ctx, hosts, "#nats")
	everyEntry(t, ctx, hosts, "#nats")
}

// TestLabRelayLimits: two peers that only a relay brings together publish more than a
// connection through it may carry, for longer than it may last: their links end again and
// again, before the relay cuts them, and they get all of each other's entries.
func TestLabRelayLimits(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("goes by relays for minutes; set QUILT_LONG")
	}
	t.Parallel() // it waits most of its time
	l := stage(t, `
site dc1    lan       hosts=a1,a2,a3 path=edge,carrier
site home1  symmetric hosts=d1       path=access1
site home2  symmetric hosts=g1       path=access2
link default delay=20ms loss=1%
`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	const limit = 32 << 10
	startAll(t, ctx, l, "--relay-kib", "32", "--relay-time", "20s")
	awaitRoles(t, ctx, l.Hosts(), func(h *lab.Host) bool { return h.Name() >= "d" })
	pair := []*lab.Host{l.Host("d1"), l.Host("g1")}
	join(t, ctx, l.Hosts()[:3], "#others")
	join(t, ctx, pair, "#pair")
	// The first is more than a connection carries at all: it must not keep others from it.
	if _, err := l.Host("d1").Peer().Publish(ctx, control.PublishRequest{Topic: "#pair", Body: control.NewBody(make([]byte, 2*limit))}); err != nil {
		t.Fatal(err)
	}
	const entries, size = 24, 4 << 10 // of each: three times what a connection carries
	for range entries {
		for _, h := range pair {
			body := make([]byte, size)
			copy(body, h.Name())
			if _, err := h.Peer().Publish(ctx, control.PublishRequest{Topic: "#pair", Body: control.NewBody(body)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
	}
	begin := time.Now()
	err := lab.Everywhere(pair, func(h *lab.Host) error {
		n := 2 * entries
		if h.Name() == "d1" { // has its first as well
			n++
		}
		events, err := h.Peer().Subscribe(ctx, control.SubscribeRequest{Topic: "#pair", Since: "all", Count: n})
		if err != nil {
			return err
		}
		return events(func(control.Event) bool { return true })
	})
	sum := traversal(t, ctx, pair, all)
	if err != nil {
		t.Fatalf("%v; %d bytes by relays, %d of them entries", err, sum.RelayedBytes, sum.RelayedPayload)
	}
	var circuits uint64
	for _, h := range l.Hosts()[:3] {
		s, err := h.Peer().Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if s.Traversal.Service != nil {
			circuits += s.Traversal.Service.Circuits
		}
	}
	t.Logf("all of %d entries at both %v after the last; %d connections by relays, %d bytes, %d of them entries", 2*entries, time.Since(begin).Round(time.Millisecond), circuits, sum.RelayedBytes, sum.RelayedPayload)
	// A connection carries so much each way, and with each entry goes a header.
	const sent, least = 2 * entries * size, 2*entries*size/(2*limit) + 1
	if sum.RelayedPayload < sent || circuits < least {
		t.Errorf("%d bytes of entries and %d connections by relays: want at least %d and %d", sum.RelayedPayload, circuits, sent, least)
	}
}
