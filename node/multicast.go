package node

import (
	"errors"
	"fmt"

	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/ipmc/driver"
	"github.com/quilt-p2p/quilt/protocol"
)

// Multicast says how a peer uses IP multicast. All peers that are to hear each other
// must have the same Patch, Secret, IPv6 and scope.
type Multicast struct {
	// Interfaces are those that may be used, Forbidden those that never are. Without any
	// named all that can do multicast are used.
	Interfaces, Forbidden []string
	// TTL is the greatest number of links that packets cross. Default 1.
	TTL int
	// Scope is how far groups reach, IPv6 that they are of that family.
	Scope ipmc.Scope
	IPv6  bool
	// Patch names those who share groups; Secret, known to them only, keeps others from
	// having packets looked at.
	Patch  string
	Secret []byte
	// MaxGroups bounds the groups joined on each interface; beyond it topics share
	// groups, those first whose members are alike. Default: 16, or what the system
	// permits.
	MaxGroups int
	// Rate is how many bytes a second are sent at most. Default: see ipmc.Config.
	Rate int64
}

// WithMulticast has items of all topics go to the LAN by IP multicast in place of
// gossip, between those with whom it works: towards neighbours that have not this
// option, are elsewhere, or are cut off from multicast, gossip runs as ever. What
// arrives neither way is found by comparing with neighbours, as always. Default: off.
func WithMulticast(m Multicast) Option {
	return func(c *config) error { c.multicast = &m; return nil }
}

// openMulticast opens the sockets; it returns the protocol for the core, nil for none.
func (n *Node) openMulticast() error {
	m := n.cfg.multicast
	if m == nil {
		return nil
	}
	sharing := driver.Sharing{Self: n.ID(), Patch: m.Patch, Secret: m.Secret, Scope: m.Scope, IPv6: m.IPv6, Sign: n.signPacket, Verify: verifyPacket}
	d, err := driver.Open(driver.Config{Interfaces: m.Interfaces, Forbidden: m.Forbidden, TTL: m.TTL, MaxGroups: m.MaxGroups, Sharing: &sharing}, n.heard)
	if err != nil {
		return fmt.Errorf("opening multicast: %w", err)
	}
	o := ipmc.Options{Patch: m.Patch, Scope: m.Scope, IPv6: m.IPv6, Packet: d.Packet(), Rate: m.Rate, Standby: true,
		Sign: n.signPacket, Verify: verifyPacket}
	for _, nic := range d.NICs() {
		o.NICs = append(o.NICs, nic.NIC)
	}
	p := ipmc.Plugin(o)
	inner := p.New
	p.New = func(e protocol.Env) protocol.Machine {
		d.AddTopic(protocol.TopicOf(e.Topic), ipmc.KeyOf(e.Topic, m.Patch, m.Secret))
		return inner(e)
	}
	n.multicast, n.plugin = d, &p
	return nil
}

// signPacket signs with this host's key; a signature that cannot be made is empty, and
// nobody accepts it.
func (n *Node) signPacket(b []byte) []byte {
	sig, err := n.key.Sign(b)
	if err != nil {
		n.count("multicast.unsigned", 1)
		return nil
	}
	return sig
}

// verifyPacket checks a host's signature.
func verifyPacket(p protocol.PeerID, b, sig []byte) bool {
	key, err := p.ExtractPublicKey()
	if err != nil {
		return false
	}
	ok, err := key.Verify(b, sig)
	return ok && err == nil
}

// heard takes a frame from a group, in the goroutine of its socket: while it waits for
// the core what comes there waits in the system, or is lost.
func (n *Node) heard(from protocol.Origin, frame []byte) {
	f, err := protocol.ParseFrame(frame)
	var msg protocol.Message
	if err == nil && f.Object >= protocol.FirstPatchObject {
		msg, err = core.DecodeWith(n.plugin, f)
	}
	if err != nil || msg == nil {
		n.count("refused.multicast", 1)
		return
	}
	if !n.budget.take(len(frame)) {
		return // closing
	}
	n.tell(frameIn{size: len(frame), received: protocol.Received{From: from, Topic: f.Topic, Object: f.Object, Msg: msg, At: n.now()}})
}

// group joins or leaves a group.
func (n *Node) group(e protocol.Effect) {
	if n.multicast == nil {
		n.count("node.multicast-ignored", 1)
		return
	}
	switch e := e.(type) {
	case protocol.Multicast:
		n.multicast.Send(e)
	case protocol.JoinGroup:
		if err := n.multicast.Join(e.NIC, e.Group); err != nil {
			n.count("multicast.join-failed", 1)
			if !errors.Is(err, driver.ErrClosed) {
				n.log.Warn("joining a multicast group", "error", err)
			}
		}
	case protocol.LeaveGroup:
		n.multicast.Leave(e.NIC, e.Group)
	}
}

// fitness takes in whether a protocol works here.
func (n *Node) fitness(e protocol.Health) {
	if e.Fit {
		n.count("health.fit", 1)
		n.log.Info("multicast works", "topic", e.Topic)
		return
	}
	n.count("health.unfit", 1)
	n.log.Warn("multicast does not work: items come another way", "topic", e.Topic, "reason", e.Reason)
}

// MulticastCounters is what the multicast sockets have done; zero without them.
func (n *Node) MulticastCounters() driver.Counters {
	if n.multicast == nil {
		return driver.Counters{}
	}
	return n.multicast.Counters()
}
