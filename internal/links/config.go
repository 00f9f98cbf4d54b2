package links

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

// ProtocolID is the one protocol that links speak.
const ProtocolID = "/quilt/1.0.0"

// MDNSService is the service name under which peers announce themselves on the
// LAN.
const MDNSService = "_quilt._udp"

// Bounds. All are our guesses unless said otherwise.
const (
	// MaxHello bounds the opaque bytes of a greeting.
	MaxHello = 64 << 10
	// MaxDials is the number of dials in progress at once; more wait.
	MaxDials = 16
	// MaxPendingDials is the number of dials waiting or in progress; more fail at
	// once.
	MaxPendingDials = 256
	// MaxDialAddrs is the number of addresses of one Dial that are tried.
	MaxDialAddrs = 16
	// MaxGreetings is the number of inbound streams at once that have yet to greet;
	// more are refused.
	MaxGreetings = 32
	// MaxCharged is the number of peers whose misconduct is remembered; the one
	// charged longest ago is forgotten first.
	MaxCharged = 1024
)

// Config is what a Manager needs to know. Fields without a default are required.
type Config struct {
	// Identity is the host's key; its peer ID is the host's name.
	Identity crypto.PrivKey
	// Listen has the multiaddrs to listen on, as text. None: only dial out.
	Listen []string
	// Transports are those by which to listen and dial. Default: all.
	Transports []Transport
	// Ways is what Manager.Ways returned in an earlier run: what got through where.
	// What cannot be read is forgotten. Default: nothing is known.
	Ways []byte
	// Hello returns the bytes that Handler.Hello of a peer gets, at most MaxHello.
	// It is called from several goroutines, once a link, and must be quick.
	Hello func() []byte
	// Now is the driver's clock: it decides when a queued frame has expired, and
	// stamps frames that come in.
	Now func() protocol.Time

	// MDNS announces this host on the LAN and looks for others there, who are
	// given to Handler.Found. Default: off.
	MDNS bool
	// ObservedAddrs lets other peers' view of our address into Addrs. Default: off,
	// for without a NAT it adds nothing.
	ObservedAddrs bool
	// Traverse gets past NATs: while the host's role is RoleLeaf it keeps places at
	// relays, and it dials through them and punches holes. See [Manager.SetRole].
	// Default: off.
	Traverse bool
	// Relay has the limits within which this host relays for others while its role is
	// RolePublic; nil: it does not. Only with Traverse.
	Relay *RelayLimits
	// RelayCandidates returns some who may relay besides the peers linked, for a leaf
	// that finds none among those. Default: nobody.
	RelayCandidates func() []peer.AddrInfo
	// PortMap asks the router for ports (UPnP, NAT-PMP). Default: off.
	PortMap bool
	// Gateway is the router that is asked by NAT-PMP, invalid while none is known; it must
	// be quick. Default: nobody is asked by it.
	Gateway func() netip.Addr
	// OnPunch is told of each hole punch that has ended, from any goroutine; it must be
	// quick. Default: nobody is.
	OnPunch func(Punch)
	// OnTransfer is told of what shows how much room there is, from any goroutine; it
	// must be quick. Default: nobody is.
	OnTransfer func(Transfer)
	// Gater may refuse connections before they cost anything. Default: none.
	Gater connmgr.ConnectionGater
	// UserAgent is told to every peer that connects. Default: "quilt".
	UserAgent string
	// Libp2p are options of the libp2p host besides those the Manager sets: by them
	// tests put it on a network of their own. Default: none.
	Libp2p []libp2p.Option

	// MaxLinks bounds the links that are up. It is also the number of connections
	// down to which libp2p trims; those that carry links are the last to go, so none
	// is ever trimmed for another. A link's queue takes up to 4 MiB where a peer
	// stalls, for WriteTimeout. Default: 64.
	MaxLinks int
	// MaxInbound bounds the links that others have asked for, so that strangers can
	// never use up the room for those this host wants. Default: three quarters of
	// MaxLinks.
	MaxInbound int
	// MaxConns is the number of connections at which libp2p starts to trim, above
	// MaxLinks. Default: MaxLinks and half as many.
	MaxConns int
	// MaxMemory bounds what libp2p reserves for connections and streams, in bytes.
	// Default: 128 MiB.
	MaxMemory int64

	// DialTimeout is the time from the start of a dial to Up. Default: 10 s.
	DialTimeout time.Duration
	// GreetingTimeout is how long an inbound stream may take to greet, and a
	// greeted peer to have our answer. Default: 10 s.
	GreetingTimeout time.Duration
	// WriteTimeout is how long writing 64 KiB may take before the link is given up:
	// 15 s is 35 kbit/s. Default: 15 s.
	WriteTimeout time.Duration
	// FlushTimeout is how long Close waits for queued control frames to leave.
	// Default: 1 s.
	FlushTimeout time.Duration

	// scout decides which address is dialled first.
	scout *scout
	// sockets are what QUIC leaves by.
	sockets *quicSockets
	// idle is how long a connection without streams is kept. Default: 5 s.
	idle time.Duration
	// punchWait is how long a direct connection is waited for after one through a relay.
	// Default: 8 s.
	punchWait time.Duration
	// anyRelayAddr lets a relay name addresses that are not public: tests are on
	// loopback.
	anyRelayAddr bool
}

// withDefaults returns the config completed, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Identity == nil:
		return c, errors.New("links: Config.Identity is missing")
	case c.Hello == nil:
		return c, errors.New("links: Config.Hello is missing")
	case c.Now == nil:
		return c, errors.New("links: Config.Now is missing")
	}
	if len(c.Transports) == 0 {
		c.Transports = Transports
	}
	for _, text := range c.Listen {
		if err := c.checkListen(text); err != nil {
			return c, err
		}
	}
	if c.scout == nil {
		c.scout = newScout(c.Ways)
		c.scout.use = c.Transports
	}
	c.sockets = new(quicSockets)
	orElse(&c.UserAgent, "quilt")
	orElse(&c.MaxLinks, 64)
	orElse(&c.MaxInbound, max(1, c.MaxLinks*3/4))
	orElse(&c.MaxConns, c.MaxLinks+c.MaxLinks/2+1)
	orElse(&c.MaxMemory, 128<<20)
	orElse(&c.DialTimeout, 10*time.Second)
	orElse(&c.GreetingTimeout, 10*time.Second)
	orElse(&c.WriteTimeout, 15*time.Second)
	orElse(&c.FlushTimeout, time.Second)
	orElse(&c.idle, 5*time.Second)
	orElse(&c.punchWait, punchTimeout)
	if c.Relay != nil {
		limits, err := c.Relay.withDefaults()
		if err != nil {
			return c, err
		}
		c.Relay = &limits
	}
	switch {
	case c.MaxLinks < 1 || c.MaxInbound < 1 || c.MaxInbound > c.MaxLinks:
		return c, fmt.Errorf("links: MaxInbound %d and MaxLinks %d: want 1 <= MaxInbound <= MaxLinks", c.MaxInbound, c.MaxLinks)
	case c.MaxConns <= c.MaxLinks:
		return c, fmt.Errorf("links: MaxConns %d must be above MaxLinks %d", c.MaxConns, c.MaxLinks)
	case c.MaxMemory < 16<<20:
		return c, fmt.Errorf("links: MaxMemory %d: want at least 16 MiB", c.MaxMemory)
	case min(c.DialTimeout, c.GreetingTimeout, c.WriteTimeout, c.FlushTimeout) < 0:
		return c, errors.New("links: a timeout is negative")
	}
	return c, nil
}

// orElse sets a field that was left zero.
func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
