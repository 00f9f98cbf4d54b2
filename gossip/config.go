package gossip

import (
	"errors"
	"time"
)

// Bounds of one machine's state. Together they keep it under 8 MB.
const (
	// MaxNeighbours bounds the neighbours; an active view has at most 8. Holders of
	// an item are kept as one bit each of 32.
	MaxNeighbours = 32
	// MaxMissing bounds the items that were announced and have not come. The
	// oldest is dropped; repair finds it.
	MaxMissing = 4096
	// MaxMissingPerNeighbour bounds those that one neighbour was the first to
	// announce, so that a liar cannot push out what others announced.
	MaxMissingPerNeighbour = MaxMissing / 4
	// MaxAnnouncers bounds the neighbours remembered as sources of a missing item.
	MaxAnnouncers = 8
	// MaxQueue bounds the announcements waiting for one neighbour. The oldest is
	// dropped.
	MaxQueue = 1024
	// MaxIDs bounds the items named in one message.
	MaxIDs = 64
	// MaxRecent bounds the items remembered as held: 30 s at 500 a second, and
	// some (our guess). The oldest is forgotten: it is no longer announced or
	// served from here, and a late announcement of it costs one wasted fetch.
	MaxRecent = 16384
	// MaxAnswers bounds how often one item is sent to one neighbour on request. A
	// second time, because the first may have been lost.
	MaxAnswers = 2
	// MaxTries bounds how often one neighbour is asked for one item.
	MaxTries = 2
)

// Config has a machine's parameters. A zero field takes the default.
type Config struct {
	// Cache is for how long after it was accepted an item is announced and served
	// by this machine. Default 30 s (as in iroh-gossip); 1 s to 10 min.
	Cache time.Duration
	// Flush is for how long at most an announcement waits for others to share a
	// message with. Default 10 ms (our guess; iroh-gossip has 5 ms); up to 1 s.
	Flush time.Duration
	// InitialWait is for how long an announced item is waited for while neither
	// copies nor round trips have been measured. Default 200 ms (our guess: more
	// than most round trips on the internet); 1 ms to 2 s.
	InitialWait time.Duration
}

// Validate reports which field is out of its bounds.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Cache < time.Second || c.Cache > 10*time.Minute:
		return errors.New("gossip: Cache must be 1 s to 10 min")
	case c.Flush < 0 || c.Flush > time.Second:
		return errors.New("gossip: Flush must be at most 1 s")
	case c.InitialWait < time.Millisecond || c.InitialWait > maxWait:
		return errors.New("gossip: InitialWait must be 1 ms to 2 s")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Cache == 0 {
		c.Cache = 30 * time.Second
	}
	if c.Flush == 0 {
		c.Flush = 10 * time.Millisecond
	}
	if c.InitialWait == 0 {
		c.InitialWait = 200 * time.Millisecond
	}
	return c
}
