package daemon

import (
	"github.com/quilt-p2p/quilt/internal/control"
	"github.com/quilt-p2p/quilt/node"
)

// traversal is how the peer stands to those that cannot call it.
func traversal(st node.Status) control.TraversalInfo {
	t := st.Traversal
	info := control.TraversalInfo{Role: t.Role.String(), Punches: control.PunchInfo(t.Punches),
		RelayedBytes: st.Traffic.RelayedOut, RelayedPayload: st.Traffic.RelayedPayload}
	for _, r := range t.Relays {
		info.Relays = append(info.Relays, control.RelayInfo{ID: r.Peer.String(), Addresses: r.Addrs, Since: r.Since, Expires: r.Expires})
	}
	if t.Serving {
		s := control.RelayService(t.Service)
		info.Service = &s
	}
	return info
}
