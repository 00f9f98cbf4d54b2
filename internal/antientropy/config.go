package antientropy

import (
	"fmt"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Config is how a repair machine behaves. The zero value of every field stands
// for its default.
type Config struct {
	// Self is this host's own ID. Of two new neighbours the one with the smaller
	// ID opens the first reconciliation, so that not both do.
	Self protocol.PeerID
	// Floor is the lowest sequence number that is wanted: where retention has
	// removed older items, or only news are asked for, repair must not bring
	// back what lies below. In an open topic, where sequence numbers are times,
	// the whole bucket of Floor is given up with what lies below it. Default 0:
	// everything is wanted.
	Floor uint64
	// MinInterval is the time between two unprompted exchanges, each with one
	// random neighbour, while items come in. Default 10 s (our guess).
	MinInterval time.Duration
	// MaxInterval is what that time grows to while nothing changes. Default
	// 60 s: an idle topic then costs less than 3 bytes a second (our
	// measurement, see TestIdleTraffic).
	MaxInterval time.Duration
	// Grace is how long the fast path may take to bring a few new items of which
	// a neighbour spoke, before they are pulled. Default 300 ms (our guess:
	// several wide-area hops).
	Grace time.Duration
	// Debounce is how long repaired items are gathered before the other
	// neighbours are told of them. Default 100 ms (our guess).
	Debounce time.Duration
	// PullBytes is how much one pull asks for. Default and upper bound
	// MaxPullBytes.
	PullBytes int
}

// The defaults of Config.
const (
	DefaultMinInterval = 10 * time.Second
	DefaultMaxInterval = 60 * time.Second
	DefaultGrace       = 300 * time.Millisecond
	DefaultDebounce    = 100 * time.Millisecond
)

// Validate reports the first value that makes no sense.
func (c Config) Validate() error {
	switch {
	case c.MinInterval < 0, c.MaxInterval < 0, c.Grace < 0, c.Debounce < 0:
		return fmt.Errorf("antientropy: negative duration in %+v", c)
	case c.withDefaults().MaxInterval < c.withDefaults().MinInterval:
		return fmt.Errorf("antientropy: MaxInterval %v is below MinInterval %v", c.MaxInterval, c.MinInterval)
	case c.PullBytes < 0 || c.PullBytes > MaxPullBytes:
		return fmt.Errorf("antientropy: PullBytes %d is not within 1 and %d", c.PullBytes, MaxPullBytes)
	}
	return nil
}

// withDefaults replaces zero values.
func (c Config) withDefaults() Config {
	setDefault(&c.MinInterval, DefaultMinInterval)
	setDefault(&c.MaxInterval, DefaultMaxInterval)
	setDefault(&c.Grace, DefaultGrace)
	setDefault(&c.Debounce, DefaultDebounce)
	setDefault(&c.PullBytes, MaxPullBytes)
	return c
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
