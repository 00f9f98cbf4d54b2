package omni

import "time"

// Bounds of one machine's state.
const (
	// MaxPeers bounds the peers that a machine has to do with at a time: neighbours of
	// the active view, parent, children, standbys and those it looks at. As many as a
	// host has links (core.MaxLinks). Holders of an item are kept as one bit each.
	MaxPeers = 256
	// MaxChildren bounds the degree whatever the uplink: a host holds some 20 links
	// for other purposes, and strangers need room (our guess).
	MaxChildren = 128
	// MaxSources is how many standbys announce to a peer, MaxWatchers how many peers
	// one announces to for good, and MaxGuests how many more for a while.
	MaxSources  = 2
	MaxWatchers = 8
	MaxGuests   = 16
	// MaxPath bounds the ancestors that are remembered: deeper trees are refused.
	MaxPath = 64
	// MaxSamples bounds the members of which a machine remembers where they stand; of some
	// that are drawn, the one that promises least goes.
	MaxSamples = 256
	// MaxWays bounds the round trips that are remembered.
	MaxWays = 1024
	// MaxBatch bounds the samples in one message.
	MaxBatch = 32
	// MaxAddr bounds an address in a sample in bytes: IPv6, port and QUIC take 24.
	MaxAddr = 32
	// MaxRecent bounds the items remembered as held, MaxWants those announced and not
	// yet here; the oldest goes, and repair finds what is lost by it.
	MaxRecent = 8192
	MaxWants  = 2048
	// MaxAnnouncers bounds the peers remembered as holders of a wanted item.
	MaxAnnouncers = 6
	// MaxIDs bounds the items named in one message.
	MaxIDs = 64
	// MaxWeight bounds the hosts below a child that are believed.
	MaxWeight = 1 << 20
	// MaxGrudges bounds the peers of whose conduct a machine remembers the worst.
	MaxGrudges = 32
	// MaxHeard bounds the members that are remembered by name only; the oldest goes.
	MaxHeard = 16
	// MaxRefusals bounds the candidates that are left alone for a while.
	MaxRefusals = 256
)

// Times, our guesses unless their line says otherwise.
const (
	// hopCost is what a host adds to an item's way beside its line: the check.
	hopCost = 200 * time.Microsecond
	// beatEvery is how often the root begins a new beat, which runs down the tree.
	beatEvery = 2 * time.Second
	// beatSoon is the least time between two beats to one child.
	beatSoon = 150 * time.Millisecond
	// upEvery is how often a child reports without news, upSoon the least time between
	// two reports.
	upEvery = 6 * time.Second
	upSoon  = 400 * time.Millisecond
	// staleAfter is the age of the latest beat from which on nobody trusts the tree
	// above: the root is gone, or this part is cut off.
	staleAfter = 7 * time.Second
	// joinWait is how long the answer to a Join is waited for, beside the round trip.
	joinWait = 500 * time.Millisecond
	// sampleLife is how long a sample is believed.
	sampleLife = 90 * time.Second
	// guestFor is how long a peer in need is announced to.
	guestFor = 6 * time.Second
)

// Config has a machine's parameters. A zero field takes the default.
type Config struct {
	// MaxDegree bounds the children beside MaxChildren. Default MaxChildren.
	MaxDegree int
	// Fixed turns optimising off: the tree stays as peers joined. For measurements.
	Fixed bool
}

func (c Config) withDefaults() Config {
	if c.MaxDegree <= 0 || c.MaxDegree > MaxChildren {
		c.MaxDegree = MaxChildren
	}
	return c
}
