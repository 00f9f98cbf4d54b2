package scenario

import (
	"github.com/quilt-p2p/quilt/donet"
	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/omni"
	"github.com/quilt-p2p/quilt/protocol"
)

// builtin are the protocols beside gossip that [Scenario.Protocol] may name without
// their being among Options.Plugins, each by itself over all hosts.
func builtin() []protocol.Plugin {
	// A simulated host has one interface, the first; signatures are left out.
	return []protocol.Plugin{omni.Plugin(omni.Config{}), donet.Plugin(donet.Config{}),
		donet.Plugin(donet.Config{Paper: true}), ipmc.Plugin(ipmc.Options{NICs: []protocol.NIC{1}, Standby: true})}
}
