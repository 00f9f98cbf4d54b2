package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/internal/lab"
)

const movingSites = `
site dc1    lan       hosts=a1,a2,a3  ip=46 path=a-edge,carrier resolver=dns1
site dc2    lan       hosts=b1,b2     ip=46 path=b-edge,carrier resolver=dns1
site home1  cone      hosts=c1,c2     path=c-access,city
site home2  symmetric hosts=d1        path=d-access,city resolver=dns2
site office firewall  hosts=f1        path=f-edge
link default delay=20ms loss=1%
`

// TestLabMoves: the network changes under running peers: a site gets other addresses, an
// interface goes down and comes back, a NAT forgets its flows and uses other ports, a
// home with a symmetric NAT gets a public address, then a firewall. Each time
// those concerned tell what is built now: that they do is asserted, times are printed. Entries go on
// being published all the time, and all get all.
func TestLabMoves(t *testing.T) {
	if os.Getenv("QUILT_LONG") == "" {
		t.Skip("six changes, each waited out; set QUILT_LONG")
	}
	l := stage(t, movingSites)
	ctx, cancel := context.WithTimeout(t.Context(), 3*hang)
	defer cancel()
	first := run(t, ctx, l.Host("a1"), "")
	hosts := l.Hosts()
	err := lab.Everywhere(hosts[1:], func(h *lab.Host) error {
		_, err := h.Start(ctx, lab.PeerConfig{Program: binary, Args: []string{"--join", first.Ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	author := l.Host("f1").Peer()
	feed, err := author.NewFeed(ctx, "moves")
	if err != nil {
		t.Fatal(err)
	}
	err = lab.Everywhere(hosts, func(h *lab.Host) error {
		_, err := h.Peer().Follow(ctx, control.FollowRequest{Address: feed.Address})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	have := uint64(0)
	// change does something, and waits until the hosts tell what it comes to.
	change := func(what string, do func() error, names ...string) {
		t.Helper()
		have = publish(t, ctx, author, feed.Address, have, 5)
		begin := time.Now()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		have = publish(t, ctx, author, feed.Address, have, 5)
		var concerned []*lab.Host
		for _, n := range names {
			concerned = append(concerned, l.Host(n))
		}
		took, err := settle(ctx, concerned, func(*lab.Host) time.Time { return begin })
		if err != nil {
			t.Fatalf("%s: not told: %v", what, err)
		}
		have = publish(t, ctx, author, feed.Address, have, 5)
		delay := allHave(t, ctx, l, hosts, feed.Address, have)
		for _, n := range names {
			t.Logf("%s: %s tells what is built %.1f s later", what, n, took[n].Seconds())
		}
		t.Logf("%s: all %d have %d entries %.1f s after the last", what, len(hosts), have, delay.Seconds())
	}
	var all []string
	for _, h := range hosts {
		all = append(all, h.Name())
	}
	change("started", func() error { return nil }, all...)
	change("other addresses", func() error { return l.Renumber("dc2") }, "b1", "b2")

	c1 := l.Host("c1")
	if err := c1.Down(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	have = publish(t, ctx, author, feed.Address, have, 5)
	err = lab.Until(ctx, func() (bool, error) {
		e, err := c1.Peer().Environment(ctx)
		return len(e.NICs) == 0, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("interface down: c1 tells that it is nowhere %.1f s later", time.Since(begin).Seconds())
	change("interface up", func() error { return c1.Up() }, "c1")
	change("NAT rebound", func() error { return l.Rebind("home1") }, "c1", "c2")
	change("from a symmetric NAT to a public address", func() error { return l.SetKind("home2", lab.LAN) }, "d1")
	change("behind a firewall", func() error { return l.SetKind("home2", lab.Firewall) }, "d1")
	t.Logf("between sites: %+v", l.Counts())
}
