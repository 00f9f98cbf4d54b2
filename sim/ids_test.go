package sim

import (
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

// A host is found by its own ID and by no other.
func TestHostByID(t *testing.T) {
	net := New(Config{Seed: 1})
	for range 12 {
		net.Add()
	}
	for _, h := range net.Hosts() {
		if net.Host(h.ID()) != h {
			t.Errorf("%s is not found", string(h.ID()))
		}
	}
	for _, id := range []protocol.PeerID{"", "x", "sim-host-", "sim-host-1", "sim-host-00001", "sim-host-0000001", "sim-host-00000x",
		"sim-host-000012", "sim-host-999999", "sim-host-99999999999999999999", "Sim-host-000001", "sim-host-000001 "} {
		if net.Host(id) != nil {
			t.Errorf("%q is found", string(id))
		}
	}
}
