package scenario

import (
	"fmt"

	"github.com/quilt-p2p/quilt/protocol"
	"github.com/quilt-p2p/quilt/sim"
)

// host returns the index of the host with an ID.
func (r *run) host(id protocol.PeerID) int32 { return int32(r.net.Host(id).Index()) }

// name is what a host is called: as in the topology, with "+n" behind it for the
// n-th newcomer at its place.
func (r *run) name(h *sim.Host) string {
	name := r.world.topo.Hosts[h.Place()].Name
	if n := r.meter.before[h.Index()]; n > 0 {
		return fmt.Sprintf("%s+%d", name, n)
	}
	return name
}
