package links

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

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
