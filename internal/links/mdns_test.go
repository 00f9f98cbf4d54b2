package links

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestLAN: two hosts that know nothing of each other meet by multicast DNS.
func TestLAN(t *testing.T) {
	announced := func(c *Config) { c.MDNS = true }
	// mDNS leaves by the machine's interfaces, and says nothing of loopback alone.
	a := newNode(t, "/ip4/0.0.0.0/tcp/0", announced)
	b := newNode(t, "/ip4/0.0.0.0/tcp/0", announced)
	found := func(at, who *node) []string {
		at.rec.mu.Lock()
		defer at.rec.mu.Unlock()
		return at.rec.found[who.ID()]
	}
	await(t, "both found", func() bool {
		if err := a.MDNSError(); err != nil {
			t.Skipf("no multicast DNS on this machine: %v", err)
		}
		return len(found(a, b)) > 0 && len(found(b, a)) > 0
	})
	a.Dial(b.ID(), found(a, b))
	awaitUp(t, a, b)
}

// TestFoundIsBounded: no more addresses than a Dial would try are passed on, and
// nothing once stopped.
func TestFoundIsBounded(t *testing.T) {
	a := newNode(t, transports["tcp"])
	lan := newLAN(a.Manager)
	info := peer.AddrInfo{ID: idOf(t, newKey(t))}
	for range MaxDialAddrs + 5 {
		info.Addrs = append(info.Addrs, newRaw(t, transports["tcp"], false).Addrs()...)
	}
	lan.HandlePeerFound(info)
	if n := len(a.rec.found[info.ID]); n != MaxDialAddrs {
		t.Errorf("%d addresses, want %d", n, MaxDialAddrs)
	}
	a.stop(t)
	delete(a.rec.found, info.ID)
	lan.HandlePeerFound(info)
	if len(a.rec.found) != 0 {
		t.Error("found after Stop")
	}
}
