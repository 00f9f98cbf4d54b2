package ipmc

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of one machine's state, our guesses unless their line says otherwise.
// Together they keep it under 128 MB, whatever is sent to it; with one busy sender it
// takes 20.
const (
	// MinPacket and MaxPacket bound Config.Packet: the least path on which the longest
	// item still fits into two levels of hashes, and a jumbo frame.
	MinPacket = 1200
	MaxPacket = 8952
	// MaxFragments and MaxLists bound the packets of one item: the longest item in the
	// smallest packets.
	MaxFragments = 1100
	MaxLists     = 32
	// MaxUnlisted bounds the fragments kept of one source that no first fragment lists
	// yet, MaxSources the sources for which anything is kept.
	MaxUnlisted = 64
	MaxSources  = 64
	// MaxOpenBytes bounds the bytes of items that are not complete.
	MaxOpenBytes = 8 << 20
	// MaxStreams bounds the senders that are followed, a sender that was started again
	// counting anew; the one silent longest goes.
	MaxStreams = 256
	// MaxWindow bounds the positions of a stream that are remembered: what falls out
	// is neither repaired nor asked for here any more.
	MaxWindow = 2048
	// MaxHoles bounds the positions of all streams that are waited for.
	MaxHoles = 8192
	// MaxHeld and MaxHeldBytes bound the items kept in memory to repair by multicast.
	MaxHeld      = 4096
	MaxHeldBytes = 16 << 20
	// MaxQueue and MaxQueueBytes bound the items that wait to be sent. What does not
	// fit is left to the slow path.
	MaxQueue      = 4096
	MaxQueueBytes = 32 << 20
	// MaxRepairs bounds the positions about to be repaired by this peer.
	MaxRepairs = 512
	// MaxJump is how far ahead of what is sure an unproved packet may be.
	MaxJump = 64
	// MaxPeers bounds the peers whose beacons are remembered.
	MaxPeers = 256
	// MaxBanned bounds the false first fragments remembered of one position.
	MaxBanned = 4
	// MaxHanded bounds the items handed up that are not yet judged; MaxHandedPerSource
	// those of one source, so that a flood leaves room for others.
	MaxHanded          = 768
	MaxHandedPerSource = 256
	// MaxBrought bounds the items that came by gossip and may have to be brought to the
	// group.
	MaxBrought = 256
)

// Leg is one interface and the group that the machine uses on it.
type Leg struct {
	NIC   protocol.NIC
	Group netip.AddrPort
}

// Config has a machine's parameters. A zero field takes its default where one is
// named.
type Config struct {
	// Self is this peer's ID. Required.
	Self protocol.PeerID
	// Topic is the topic's ID. Required.
	Topic protocol.TopicID
	// Object is the machine's own number in its topic. Default
	// protocol.FirstPatchObject.
	Object protocol.ObjectID
	// Legs are the interfaces: at least one. What is sent goes to each of them.
	Legs []Leg
	// Packet is the greatest UDP payload in bytes that the path takes: MinPacket to
	// MaxPacket. Default 1452, an Ethernet frame less the headers of IPv6 and UDP.
	Packet int
	// Rate is how many bytes a second are sent at most, 64 KiB/s to 2 GB/s. Default
	// 12.5 MB/s: a tenth of a gigabit. It sinks where receivers lose packets in rows.
	Rate int64
	// Standby says that gossip stands by (protocol.Plugin.Standby): who loses too much
	// gets everything that way and asks for nothing here, and what a neighbour that is
	// cut off has published is brought to the group.
	Standby bool
	// Sign signs on behalf of Self, Verify checks. Both are nil where the driver leaves
	// signatures out: everything then counts as proved.
	Sign   func(b []byte) []byte
	Verify func(p protocol.PeerID, b, sig []byte) bool
}

const (
	defaultPacket = 1452
	defaultRate   = 12_500_000
	minRate       = 64 << 10
	maxRate       = 2_000_000_000
)

func (c Config) withDefaults() Config {
	if c.Object == 0 {
		c.Object = protocol.FirstPatchObject
	}
	if c.Packet == 0 {
		c.Packet = defaultPacket
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	return c
}

// Validate reports which field is out of its bounds.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Self == "" || len(c.Self) > protocol.MaxPeerIDLen:
		return errors.New("ipmc: Self is required")
	case c.Topic.IsZero():
		return errors.New("ipmc: Topic is required")
	case len(c.Legs) == 0:
		return errors.New("ipmc: Legs needs an interface at least")
	case c.Packet < MinPacket || c.Packet > MaxPacket:
		return fmt.Errorf("ipmc: Packet must be %d to %d bytes", MinPacket, MaxPacket)
	case c.Rate < minRate || c.Rate > maxRate:
		return fmt.Errorf("ipmc: Rate must be %d to %d bytes a second", minRate, maxRate)
	case (c.Sign == nil) != (c.Verify == nil):
		return errors.New("ipmc: Sign and Verify go together")
	}
	for _, l := range c.Legs {
		if !l.Group.Addr().IsMulticast() || l.Group.Port() == 0 {
			return fmt.Errorf("ipmc: %v is no multicast group with a port", l.Group)
		}
	}
	return nil
}

// Times, our guesses. Those of repair are in nack.go and repair.go, those of beacons
// in beacon.go.
const (
	// partialGrace is for how long the rest of an item is waited for after each
	// fragment, unless something sent later has come.
	partialGrace = 40 * time.Millisecond
	// strictFor is for how long what claims a sender must prove itself at once, after
	// something false was claimed.
	strictFor = 30 * time.Second
)
