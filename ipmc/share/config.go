package share

import (
	"net/netip"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Config has a machine's parameters; all are required but Sign and Verify.
type Config struct {
	// Self is this host's ID.
	Self protocol.PeerID
	// Bound is how many groups it may join, beside that of rosters.
	Bound int
	// Seq is what its rosters' numbers begin after: the clock, so that they rise over
	// restarts.
	Seq uint64
	// Valid reports whether a group is one that topics may have: nobody must have us
	// join or send to another.
	Valid func(netip.AddrPort) bool
	// Sign signs on behalf of Self, Verify checks. Both are nil in tests.
	Sign   func(b []byte) []byte
	Verify func(p protocol.PeerID, b, sig []byte) bool
}

// Bounds of the state.
const (
	// MaxHosts bounds the hosts whose rosters are kept; of more, those that came first.
	MaxHosts = 256
	// MaxKnown bounds the groups of all of them together, so that a decision takes a
	// few hundredths of a second at most, whatever is claimed.
	MaxKnown = 1024
)

// Times (our guesses).
const (
	// firstPause is the pause after the first roster; it doubles up to lastPause, or
	// what leaves perSecond to all hosts together. Each is shortened by up to a half.
	firstPause = 2 * time.Second
	lastPause  = 30 * time.Second
	perSecond  = 4
	// patience is how many of the longest pauses a host may be silent, slack what is added: long,
	// for who decides without it decides differently.
	patience = 8
	slack    = 2 * time.Second
	// repeats is how often a change is said that ends the need to say anything.
	repeats = 6
	// settle is for how long rosters are gathered before something is decided, decideEvery
	// how often that is done at most.
	settle      = time.Second
	decideEvery = 5 * time.Second
	// Signatures are checked at checkRate a second, checkBurst at once.
	checkRate  = 50
	checkBurst = 300
)
