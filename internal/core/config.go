package core

import (
	"time"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/internal/swarm"
	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a host. All are our guesses unless their line says otherwise.
const (
	// EasyLinks is how many links there may be, those that objects hold not counted,
	// before those without use are closed early.
	EasyLinks = 32
	// MaxLinks bounds links that are up at once; a newcomer beyond is closed.
	MaxLinks = 256
	// MaxInboundLinks bounds those that others have dialled, so that strangers can
	// never take all places for links of this host's own choice.
	MaxInboundLinks = MaxLinks * 3 / 4
	// MaxTopics bounds topics joined at once.
	MaxTopics = 1024
	// MaxDials bounds dials under way; more wait.
	MaxDials = 16
	// MaxDialQueue bounds dials that wait; more fail at once.
	MaxDialQueue = 64
	// MaxPending bounds items between arrival and disk, per topic.
	MaxPending = 4096
	// MaxPendingPerLink bounds those of all topics that one peer has brought, so
	// that one flooding link cannot take all places. An answer to a request for
	// what was missed may have as many.
	MaxPendingPerLink = 1024
	// MaxPendingBytes and MaxPendingBytesPerLink bound the same in bytes, for all
	// topics: enough to wait for a slow disk.
	MaxPendingBytes        = 64 << 20
	MaxPendingBytesPerLink = 16 << 20
	// MaxCopies bounds copies of one item, different in their signatures, that are
	// checked at once: a bad copy that comes first must not shut out the good one.
	MaxCopies = 4
	// MaxBanned bounds the table of peers refused for a while; the oldest goes.
	MaxBanned = 1024
	// MaxCharged bounds the peers whose misconduct is remembered; the one charged
	// longest ago goes.
	MaxCharged = 1024
)

// minUnused is how long an unused link is kept even then: as long as it takes two
// peers to agree that they are neighbours.
const minUnused = 2 * time.Second

// Config parametrises a Host. The zero value of every field but Self means its
// default.
type Config struct {
	// Self is this host's ID. Required.
	Self protocol.PeerID
	// Share, if set, gives records their place in memory (gossipmembership's
	// SimpleBook.Share): for many hosts in one process.
	Share func(gossipmembership.Record) *gossipmembership.Record
	// HostView shapes the active view among all hosts.
	HostView gossipmembership.ViewConfig
	// TopicView shapes the active view of each topic.
	TopicView gossipmembership.ViewConfig
	// Gossip and Repair shape the objects of each topic.
	Gossip gossip.Config
	Repair antientropy.Config
	// Large shapes how what is larger than an item is fetched; its Topic is filled in.
	Large swarm.Config
	// Plugin, if set, takes gossip's place in every topic, under the number
	// protocol.FirstPatchObject; repair stays beneath it.
	Plugin *protocol.Plugin
	// Linger is how long a link without any use stays open. Default 10 s (our
	// guess): longer than it takes two peers to agree that they are neighbours.
	Linger time.Duration
	// InvalidLimit is how many invalid items by one peer end its link. An honest
	// peer checks before it forwards, so the default is 3 (our guess: room for a
	// difference between versions).
	InvalidLimit int
	// BanFor is how long such a peer is refused, and after which time without a
	// further one its invalid items are forgiven. Default 10 minutes (our guess).
	BanFor time.Duration
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if c.Self == "" {
		panic("core: Config.Self is required")
	}
	c.Repair.Self = c.Self
	if c.HostView == (gossipmembership.ViewConfig{}) {
		c.HostView = gossipmembership.HostViewConfig()
	}
	if c.Linger == 0 {
		c.Linger = 10 * time.Second
	}
	if c.InvalidLimit == 0 {
		c.InvalidLimit = 3
	}
	if c.BanFor == 0 {
		c.BanFor = 10 * time.Minute
	}
	return c
}
