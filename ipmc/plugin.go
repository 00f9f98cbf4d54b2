package ipmc

import "github.com/quilt-p2p/quilt/protocol"

// Options is what a Plugin is made from.
type Options struct {
	// NICs are the interfaces that it may use, at least one.
	NICs []protocol.NIC
	// Patch names the patch: its members share groups and keys.
	Patch string
	// Scope is how far groups reach, IPv6 that they are of that family.
	Scope Scope
	IPv6  bool
	// Packet, Rate, Standby, Sign and Verify are those of Config.
	Packet  int
	Rate    int64
	Standby bool
	Sign    func(b []byte) []byte
	Verify  func(p protocol.PeerID, b, sig []byte) bool
}

// Config is that of one topic.
func (o Options) Config(self protocol.PeerID, topicName string) Config {
	c := Config{Self: self, Topic: protocol.TopicOf(topicName), Packet: o.Packet, Rate: o.Rate, Standby: o.Standby, Sign: o.Sign, Verify: o.Verify}
	for _, nic := range o.NICs {
		c.Legs = append(c.Legs, Leg{nic, GroupOf(topicName, o.Patch, o.Scope, o.IPv6)})
	}
	return c
}

// Plugin returns the protocol by itself: each topic's machine multicasts what is
// published here, and repairs what others lost. What has not come that way comes by
// the repair beneath it; with Standby by gossip too, wherever and for as long as
// multicast does not work.
func Plugin(o Options) protocol.Plugin {
	return protocol.Plugin{Name: "ipmc", Standby: o.Standby, Decode: Decode, New: func(e protocol.Env) protocol.Machine {
		return New(o.Config(e.Self, e.Topic), e.Rand)
	}}
}
