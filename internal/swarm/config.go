package swarm

import (
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a machine. All are our guesses unless their line says otherwise.
const (
	// MaxFetching bounds the transfers that pieces are fetched for at once; more wait.
	MaxFetching = 4
	// MaxWaiting bounds the manifests that wait; one more is not fetched in this run.
	MaxWaiting = 256
	// MaxDone bounds the contents, held in full, that are remembered in order to be
	// served; beyond it the one known longest is served no more in this run.
	MaxDone = 1 << 14
	// MaxServing bounds those of them that neighbours are asking for at a time.
	MaxServing = 64
	// MaxItems bounds the manifests of one content.
	MaxItems = 64
	// MaxNeighbours bounds the neighbours that are asked and served; an active view
	// has 8.
	MaxNeighbours = 64
	// MaxInFlight bounds the bytes asked for and not yet on disk, of all transfers.
	MaxInFlight = 32 << 20
	// MaxWindow bounds the pieces asked of one neighbour at a time, of all transfers.
	MaxWindow = 48
	// MaxWants bounds the pieces that one neighbour waits for; of more it is told Sorry.
	MaxWants = 128
	// scanMost is how many of the pieces that are missing are looked at for the rarest.
	scanMost = 1024
)

const (
	// tick is how often what is new is told and what is late is looked at.
	tick = 50 * time.Millisecond
	// slowTick is the same where a transfer waits for news only.
	slowTick = 500 * time.Millisecond
	// tellAt is how many new pieces are told at once without waiting for the tick.
	tellAt = 16
	// aim is how long an answer may take, beyond the round trip and the way out of this
	// host, before less is asked of a neighbour at a time.
	aim = 400 * time.Millisecond
	// firstWindow is what is asked of a neighbour not yet known.
	firstWindow = 4
	// patience is the least time after which a piece counts as not coming; for a slow
	// neighbour it is patienceFactor times what its answers take.
	patience       = 5 * time.Second
	patienceFactor = 4
	// maxStrikes is how often in a row a neighbour may let pieces not come before it is
	// asked for none for quietFor.
	maxStrikes = 3
	quietFor   = 30 * time.Second
	// endgameAge is how long a piece has been asked for when, nothing else being left, it
	// is asked of a second neighbour; twice the usual time where that is longer.
	endgameAge = time.Second
	// askAgain is the first pause after which a transfer without progress asks its
	// neighbours anew what they have; it doubles up to askSeldom.
	askAgain  = 2 * time.Second
	askSeldom = 30 * time.Second
	// openAgain is when a driver that had no room is asked again.
	openAgain = time.Minute
	// yieldAfter is how long a transfer may be without progress before one that waits
	// takes its place.
	yieldAfter = time.Minute
	// freeRide is how long after it was first asked for a piece a neighbour that has not
	// sent any is served after all others (our guess: at 1 Mbit/s eight that ask for
	// firstWindow each wait 17 s).
	freeRide = 20 * time.Second
	// alms is how often it is sent a piece all the same: it may only be slow, and have
	// nothing yet that anybody asks for.
	alms = 5 * time.Second
	// wantLife is how long a request is worth serving.
	wantLife = 30 * time.Second
)

// Config parametrises a Machine. The zero value of every field but Topic is its default.
type Config struct {
	// Topic is what the machine's effects name.
	Topic protocol.TopicID
	// Sum is a SHA-256 of the caller's. Default crypto/sha256's.
	Sum func([]byte) [32]byte
}
