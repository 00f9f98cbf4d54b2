package donet

import (
	"errors"
	"time"
)

// Bounds of one machine's state.
const (
	// MaxPeers bounds the peers that a machine has to do with at a time, as many as a
	// host has links. What is known of each is kept as one bit each.
	MaxPeers = 256
	// MaxPartners bounds Config.Partners; a peer takes in acceptFactor times as many as it
	// seeks, so that all who seek find room though nobody is ever evicted.
	MaxPartners  = 16
	acceptFactor = 2
	// MaxChildren bounds to how many a peer pushes one stream, whatever its uplink.
	MaxChildren = 128
	// MaxStreams bounds the authors whose items are told apart, MaxTrees those of them
	// along whose own spanning parts items are pushed. The one idle longest goes.
	MaxStreams = 32
	MaxTrees   = 4
	// MaxPath bounds the ancestors that are remembered: what is deeper is refused.
	MaxPath = 32
	// Window is how many sequence numbers a buffer map spans: 20 s at 100 items a second
	// (the paper: 120 segments of a second). What slides out is repair's.
	Window = 2048
	// MaxHeld bounds the items of a stream that are remembered for serving.
	MaxHeld = Window
	// MaxRuns bounds the runs of sequence numbers in one message, MaxSpan the numbers of
	// one message together.
	MaxRuns = 128
	MaxSpan = Window
	// MaxWants bounds the items that are known of and lacking; MaxWantsPerPeer those that
	// one peer was the first to name, so that a liar cannot take all places.
	MaxWants        = 4096
	MaxWantsPerPeer = MaxWants / 8
	// MaxAsk bounds the items asked for in one message, maxInFlight those that one peer
	// owes.
	MaxAsk      = 64
	maxInFlight = 256
	// MaxMembers bounds the members of whom a machine remembers where they stand.
	MaxMembers = 256
	// MaxBatch bounds the members in one message, MaxAddr an address in bytes.
	MaxBatch = 16
	MaxAddr  = 32
	// MaxGrudges bounds the peers whose bad conduct is remembered, MaxRefusals those that
	// are left alone for a while.
	MaxGrudges  = 64
	MaxRefusals = 256
	// MaxWeight bounds the hosts below a child that are believed.
	MaxWeight = 1 << 20
	// MaxServing bounds the requests that wait for room on the uplink.
	MaxServing = 1024
)

// Times, our guesses unless their line says otherwise.
const (
	// hopCost is what a host adds to an item's way beside its line: the check.
	hopCost = 200 * time.Microsecond
	// mapEvery is how often changes of the buffer map go at most to who needs to know them:
	// at 100 items a second twelve share a message. mapRest is the same for everybody else,
	// mapEarly by how much such a map may go before its time where something else is done
	// just then: to wake up for each costs more than the maps do. Between items they go
	// often enough that a link needs no pings beside them (internal/core/liveness.go).
	mapEvery = 125 * time.Millisecond
	mapRest  = 3 * time.Second
	mapEarly = 250 * time.Millisecond
	// needFor is for how long a peer that has asked for items or for a map is taken to need
	// maps, needPause the least time between two of this peer's words that it does.
	needFor   = 2 * time.Second
	needPause = time.Second
	// retell is how many times as long a change is told as maps are apart: a run that begins
	// earlier is no longer, and messages get lost.
	retell = 2
	// beatEvery is how often an author's host begins a new beat, staleAfter the age of the
	// latest one from which on nobody trusts what is above.
	// beatEarly is by how much one may begin before its time, together with an item.
	beatEvery  = time.Second
	beatEarly  = beatEvery / 4
	staleAfter = 7 * time.Second
	// standSoon is the least time between two standings told to one peer, standEvery how
	// often partners that are no children are told.
	standSoon  = 60 * time.Millisecond
	standEvery = 4 * time.Second
	// reportEvery and reportSoon are the same upwards.
	reportEvery = 6 * time.Second
	reportSoon  = 400 * time.Millisecond
	// joinWait is how long an answer is waited for, beside the round trip.
	joinWait = 500 * time.Millisecond
	// orphanWait is the same without a parent: whoever is asked may be dead.
	orphanWait = 100 * time.Millisecond
	// idleAfter is for how long after its last item an author of an open topic keeps the
	// spanning part up.
	idleAfter = 10 * time.Minute
	// remember is for how long an item is served and not asked for again.
	remember = 30 * time.Second
)

// Config has a machine's parameters. A zero field takes the default.
type Config struct {
	// Partners is how many partners a peer seeks. Default 4: "continuity saturates"
	// there (INFOCOM 2005, section V). 1 to MaxPartners.
	Partners int
	// Exchange is how often the worst partner is given up for another. Default 30 s.
	Exchange time.Duration
	// Paper makes the mesh that of 2005: maps and requests once a second, nothing pushed.
	// For measurements; all peers of a topic must have it.
	Paper bool
	// Fixed leaves the spanning part as it came about. For measurements.
	Fixed bool
}

// Validate reports which field is out of its bounds.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Partners < 1 || c.Partners > MaxPartners:
		return errors.New("donet: Partners must be 1 to 16")
	case c.Exchange < time.Second || c.Exchange > time.Hour:
		return errors.New("donet: Exchange must be 1 s to 1 h")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Partners == 0 {
		c.Partners = 4
	}
	if c.Exchange == 0 {
		c.Exchange = 30 * time.Second
	}
	return c
}
