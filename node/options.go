package node

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"

	"github.com/quilt-p2p/quilt/euid/detect"
	"github.com/quilt-p2p/quilt/internal/links"
)

// LoopbackListen keeps a peer to this machine: for demos and tests.
var LoopbackListen = []string{"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"}

// Option is a setting of New.
type Option func(*config) error

type config struct {
	home       string
	listen     []string // after newConfig: all addresses, by whatever option
	listenSet  bool     // WithListen was used
	ports      []uint16
	transports []links.Transport // none: all
	mdns       bool
	tickets    []string
	logger     *slog.Logger
	clock      func() time.Time
	agent      string
	maxStore   int64
	maxLarge   int64
	patience   time.Duration
	detect     bool
	multicast  *Multicast // nil: not used
	traverse   bool
	relay      *RelayLimits
	portMap    bool
	libp2p     []libp2p.Option // more of the host's, see links.Config: only tests set them
	system     detect.System   // of detection: only tests set it
}

func newConfig(opts []Option) (config, error) {
	c := config{
		logger:   slog.New(slog.DiscardHandler),
		clock:    time.Now,
		agent:    "quilt",
		patience: DefaultPatience,
	}
	for _, opt := range opts {
		if err := opt(&c); err != nil {
			return c, err
		}
	}
	c.listen = c.listenAddrs()
	return c, c.completeTraversal()
}

// WithHome keeps keys, items and remembered peers in a directory, made with mode
// 0700 where it is missing. Without a home they are in a temporary directory that
// Close removes: every run is then a new peer.
func WithHome(dir string) Option {
	return func(c *config) error {
		if dir == "" {
			return errors.New("node: WithHome needs a directory")
		}
		c.home = dir
		return nil
	}
}

// WithListen sets the multiaddrs to listen on, as text; without any, and without
// WithPort, the peer only dials. Default: any port, so that none can be blocked for
// all, one of UDP and one of TCP for each of IPv4 and IPv6, by every transport.
func WithListen(addrs ...string) Option {
	return func(c *config) error { c.listen, c.listenSet = addrs, true; return nil }
}

// WithPort listens on a port of all interfaces, UDP and TCP, IPv4 and IPv6, by every
// transport that is used, beside what WithListen says.
func WithPort(port uint16) Option {
	return func(c *config) error { c.ports = append(c.ports, port); return nil }
}

// WithTransports sets by which transports to listen and to dial, of those that
// Transports names. Default: all.
func WithTransports(names ...string) Option {
	return func(c *config) (err error) {
		c.transports, err = links.ParseTransports(strings.Join(names, ","))
		return err
	}
}

// WithMDNS announces this peer on the LAN and looks for others there. Default: off.
func WithMDNS(on bool) Option {
	return func(c *config) error { c.mdns = on; return nil }
}

// WithTickets makes contact with the peers that tickets name.
func WithTickets(tickets ...string) Option {
	return func(c *config) error { c.tickets = append(c.tickets, tickets...); return nil }
}

// WithLogger sets where the peer says what goes wrong around it. Default: nowhere.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("node: WithLogger needs a logger")
		}
		c.logger = l
		return nil
	}
}

// WithClock replaces the wall clock, which stamps entries and receipts and numbers
// this peer's records. No decision about others hangs on it.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return errors.New("node: WithClock needs a clock")
		}
		c.clock = now
		return nil
	}
}

// WithUserAgent sets what this peer tells others about its program.
func WithUserAgent(agent string) Option {
	return func(c *config) error { c.agent = agent; return nil }
}

// WithStoreLimit bounds the bytes of stored items; 0, the default, is no limit
// but the disk's.
func WithStoreLimit(bytes int64) Option {
	return func(c *config) error {
		if bytes < 0 {
			return fmt.Errorf("node: a store limit of %d bytes makes no sense: use 0 for none", bytes)
		}
		c.maxStore = bytes
		return nil
	}
}

// WithLargeLimit bounds the bytes of large files; 0 is the default, 10 GiB. What finds
// no room is not fetched until there is some.
func WithLargeLimit(bytes int64) Option {
	return func(c *config) error {
		if bytes < 0 {
			return fmt.Errorf("node: a limit of %d bytes for large files makes no sense", bytes)
		}
		c.maxLarge = bytes
		return nil
	}
}

// DefaultPatience is how long a reader waits for a missing entry to come before
// the gap is reported and passed (our guess: several rounds of repair).
const DefaultPatience = 30 * time.Second

// WithPatience sets how long readers wait for a missing entry.
func WithPatience(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("node: a patience of %v makes no sense", d)
		}
		c.patience = d
		return nil
	}
}
