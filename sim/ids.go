package sim

import "github.com/quilt-p2p/quilt/protocol"

// HostID is the peer ID of the host that is added as number index, from 0.
func HostID(index int) protocol.PeerID { return peerID(int32(index)) }

// Host returns the host with an ID, nil for none.
func (n *Network) Host(id protocol.PeerID) *Host { return n.host(id) }
