package detect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/quilt-p2p/quilt/euid"
)

// Config says what a Detector looks at, and how often. The zero Config looks at the
// interfaces, the resolver and the path to it, and at multicast.
type Config struct {
	// Bus is a libp2p host's, on which AutoNAT v2 and identify speak. Default: none,
	// and nothing is known of who can call.
	Bus event.Bus
	// Listening returns the addresses listened on. Required with Bus.
	Listening func() []ma.Multiaddr
	// Mapper is libp2p's NAT manager. Default: none.
	Mapper PortMapper
	// Judges can be asked whether they can call this host. Default: nobody; then
	// libp2p's own verdicts count.
	Judges Judges
	// Accepted reports whether a connection by a transport has come since a time from
	// an address, or one of its IPv6 /64. It must not wait. Default: judges are believed.
	Accepted func(by netip.Addr, t euid.Transport, since time.Time) bool
	// NoPunch says by which transports no holes can be punched: those by which the
	// host dials from other ports than it listens on. Default: by all they can.
	NoPunch [euid.NumTransports]bool
	// Dialed reports whether this host has lately sent to an address from a port on
	// which it listens: who is there may be let in by a filter that lets in nobody
	// else. It must not wait. Default: it may have sent to anybody.
	Dialed func(netip.Addr) bool
	// System is the machine. Default: this one.
	System System
	// Every is how often the path is traced anew, a quarter more or less, though
	// nothing seems to have changed. Default: 10 minutes.
	Every time.Duration
	// Poll is how often the resolver and port mappings are looked at, and interfaces
	// where the kernel does not tell of changes. Default: 30 s.
	Poll time.Duration
	// Settle is how long to wait after a first sign of change for the rest of it.
	// Default: 500 ms.
	Settle time.Duration
	// MulticastTTL is the greatest number of links that beacons cross. Default: 1,
	// only this one.
	MulticastTTL int
	// NoMulticast: no beacons are sent or heard.
	NoMulticast bool
}

// ErrConfig: a value of Config makes no sense.
var ErrConfig = errors.New("detect: bad config")

func (c *Config) complete() error {
	orElse(&c.Every, 10*time.Minute)
	orElse(&c.Poll, 30*time.Second)
	orElse(&c.Settle, 500*time.Millisecond)
	orElse(&c.MulticastTTL, 1)
	if c.System == nil {
		c.System = kernel{}
	}
	switch {
	case c.Bus != nil && c.Listening == nil:
		return fmt.Errorf("%w: Bus without Listening", ErrConfig)
	case c.Every < time.Minute || c.Poll < time.Second || c.Settle < 0:
		return fmt.Errorf("%w: every %v, poll %v, settle %v: want at least 1m, 1s and 0", ErrConfig, c.Every, c.Poll, c.Settle)
	case c.MulticastTTL < 1 || c.MulticastTTL > 255:
		return fmt.Errorf("%w: a multicast TTL of %d", ErrConfig, c.MulticastTTL)
	}
	return nil
}

func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Detector finds out where this host is. Its methods may be called from several
// goroutines, and wait for nothing.
type Detector struct {
	cfg     Config
	me      uint64 // in beacons
	changes chan Change
	results chan result
	samples chan Sample

	mu       sync.Mutex
	snapshot Snapshot
}

// Snapshot is all that is known at one time.
type Snapshot struct {
	NICs    []Change // in order of their numbers
	Skipped []Skipped
	// Notes say what the system does not tell.
	Notes []string
}

// maxBacklog bounds the samples that wait; more are dropped (our guess).
const maxBacklog = 256

// New makes a Detector, which does nothing until Run.
func New(cfg Config) (*Detector, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Detector{cfg: cfg, me: rand.Uint64(), changes: make(chan Change),
		results: make(chan result), samples: make(chan Sample, maxBacklog)}, nil
}

// Changes tells what is new of each interface: the newest, once, however slowly it is
// read. It is closed when Run ends.
func (d *Detector) Changes() <-chan Change { return d.changes }

// Snapshot returns all that is known. Do not change what its slices hold.
func (d *Detector) Snapshot() Snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.snapshot
	s.NICs = slices.Clone(s.NICs)
	return s
}

// SampleKind says what a Sample is about.
type SampleKind uint8

// What traffic can tell.
const (
	// SampleSent and SampleReceived: Bytes went or came without a pause in Took.
	SampleSent SampleKind = iota
	SampleReceived
	// SamplePackets: of Sent packets Lost did not arrive.
	SamplePackets
	// SamplePunched and SamplePunchFailed: a hole punch by Family and Transport.
	SamplePunched
	SamplePunchFailed
)

// Sample is something that traffic tells which flows anyway.
type Sample struct {
	Kind SampleKind
	// Local is this end's address; where it is invalid or unspecified the interface
	// with the default route counts.
	Local      netip.Addr
	Family     euid.Family
	Transport  euid.Transport
	Bytes      int
	Took       time.Duration
	Sent, Lost int
}

// Feed takes in a sample; where too many wait it is dropped.
func (d *Detector) Feed(s Sample) {
	select {
	case d.samples <- s:
	default:
	}
}

// Run detects until ctx ends; then it closes Changes and returns nil. Its error is
// that interfaces cannot be listed at all, or the bus cannot be heard. Call it once.
func (d *Detector) Run(ctx context.Context) error {
	defer close(d.changes)
	ctx, cancel := context.WithCancel(ctx)
	l := &loop{d: d, ctx: ctx}
	defer l.workers.Wait()
	defer cancel()
	sub, err := subscribe(d.cfg.Bus)
	if err != nil {
		return fmt.Errorf("detect: hearing of libp2p: %w", err)
	}
	if sub != nil {
		defer sub.Close()
		l.events = sub.Out()
	}
	if l.changed, err = d.cfg.System.Watch(ctx); err != nil {
		l.note = err.Error() + ": looked at every " + d.cfg.Poll.String()
	}
	l.first = time.Now()
	if err := l.look(l.first); err != nil {
		return fmt.Errorf("detect: %w", err)
	}
	l.run()
	return nil
}
