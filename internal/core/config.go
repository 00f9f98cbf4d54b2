package core

import (
	"time"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a host. All are our guesses unless their line says otherwise.
const (
	// MaxLinks bounds links that are up at once; a newcomer beyond is closed.
	MaxLinks = 64
	// MaxTopics bounds topics joined at once.
	MaxTopics = 1024
	// MaxDials bounds dials under way; more wait.
	MaxDials = 16
	// MaxDialQueue bounds dials that wait; more fail at once.
	MaxDialQueue = 64
	// MaxPending bounds items whose check is under way, per topic.
	MaxPending = 1024
	// MaxPendingPerLink bounds those that came by one link, so that one flooding
	// link cannot take all places.
	MaxPendingPerLink = 256
	// MaxCopies bounds copies of one item, different in their signatures, that are
	// checked at once: a bad copy that comes first must not shut out the good one.
	MaxCopies = 4
	// MaxBanned bounds the table of peers refused for a while; the oldest goes.
	MaxBanned = 1024
)

// Config parametrises a Host. The zero value of every field but Self means its
// default.
type Config struct {
	// Self is this host's ID. Required.
	Self protocol.PeerID
	// HostView shapes the active view among all hosts.
	HostView gossipmembership.ViewConfig
	// TopicView shapes the active view of each topic.
	TopicView gossipmembership.ViewConfig
	// Gossip and Repair shape the objects of each topic.
	Gossip gossip.Config
	Repair antientropy.Config
	// Linger is how long a link without any use stays open. Default 30 s (our
	// guess): longer than it takes two peers to agree that they are neighbours.
	Linger time.Duration
	// InvalidLimit is how many invalid items by one link end it. An honest peer
	// checks before it forwards, so the default is 3 (our guess: room for a
	// difference between versions).
	InvalidLimit int
	// BanFor is how long such a peer is refused. Default 10 minutes (our guess).
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
		c.Linger = 30 * time.Second
	}
	if c.InvalidLimit == 0 {
		c.InvalidLimit = 3
	}
	if c.BanFor == 0 {
		c.BanFor = 10 * time.Minute
	}
	return c
}
