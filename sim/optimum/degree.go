package optimum

import "github.com/quilt-p2p/quilt/sim/topology"

// mbpsPerChild and mostChildren make UplinkDegree.
const (
	mbpsPerChild = 1
	mostChildren = 8
)

// UplinkDegree is how many children a host may have by its uplink alone: one for each
// whole Mbit/s, at least 1 and at most 8. Ten items of 1 KiB a second are about 0.1
// Mbit/s a child; see the package comment for why this rule and no other.
func UplinkDegree(h *topology.Host) int {
	return max(1, int(min(h.Up/mbpsPerChild, mostChildren)))
}
