package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/links"
	"github.com/quilt-p2p/quilt/internal/pieces"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/ipmc/driver"
	"github.com/quilt-p2p/quilt/protocol"
)

// Node is a running peer. Its methods may be called from several goroutines.
type Node struct {
	cfg       config
	log       *slog.Logger
	home      string
	temp      bool // home is removed by Close
	id        protocol.PeerID
	key       crypto.PrivKey // this host's
	author    *author        // for open topics
	started   time.Time
	running   bool // the core's goroutine was started
	store     *store.Store
	vault     *pieces.Vault
	large     *largeWork
	links     *links.Manager
	multicast *driver.Driver   // nil: not used
	plugin    *protocol.Plugin // in gossip's place, nil for none

	// Owned by the core's goroutine.
	core      *core.Host
	out       protocol.Outbox
	effects   []protocol.Effect
	replies   []protocol.Input
	servers   map[protocol.PeerID]*server
	lastCarry encodedCarry

	inputs       chan protocol.Input
	addrsChanged chan struct{}
	met          chan struct{} // a link has come up
	closing      chan struct{}
	looped       chan struct{} // closed when the core's goroutine has ended
	closeOnce    sync.Once
	closeErr     error
	wg           sync.WaitGroup

	verifier  *verifier
	records   recordChecks
	env       environment
	verdicts  verdicts
	gate      *gate
	budget    *budget // of bytes that wait for the core
	counters  counters
	receipts  receiptWaits
	notices   noticeHub
	origins   origins
	unwritten unwritten
	forks     forksSeen
	full      atomic.Bool // the last write found the disk, or the store's limit, full

	// joining is held while a topic is joined or left, so that the core hears of it
	// in the order in which it is so. Never taken by the core's goroutine.
	joining sync.Mutex
	// naming is held while a feed gets its name, or loses it.
	naming sync.Mutex

	mu     sync.Mutex // never held while waiting for anything
	topics map[protocol.TopicID]*Topic
	feeds  map[string]Feed // by local name
	hello  []byte          // this host's record, as peers are greeted with
}

// New starts a peer. It runs until Close; ctx bounds only the starting.
//
// Errors name what to do: a home in use by another process, a key file others can
// read, a port in use, a ticket with a mistake.
func New(ctx context.Context, opts ...Option) (*Node, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	tickets, err := parseTickets(cfg.tickets)
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, log: cfg.logger, started: time.Now(),
		inputs:       make(chan protocol.Input, MaxInputs),
		addrsChanged: make(chan struct{}, 1),
		met:          make(chan struct{}, 1),
		closing:      make(chan struct{}),
		looped:       make(chan struct{}),
		servers:      make(map[protocol.PeerID]*server),
		topics:       make(map[protocol.TopicID]*Topic),
		feeds:        make(map[string]Feed),
		gate:         newGate(),
		verdicts:     newVerdicts(),
		budget:       newBudget(maxInputBytes),
		large:        newLargeWork(),
	}
	if err := n.start(ctx); err != nil {
		n.Close()
		return nil, err
	}
	for _, t := range tickets {
		n.addTicket(t)
	}
	return n, nil
}

// start brings up the parts in the order in which they depend on each other.
func (n *Node) start(ctx context.Context) error {
	if err := n.openHome(); err != nil {
		return err
	}
	if err := n.openStore(); err != nil {
		return err
	}
	n.verifier = newVerifier(n.store, n.tell)
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	if err := n.openMulticast(); err != nil {
		return err
	}
	n.core = core.New(core.Config{Self: n.id, Plugin: n.plugin}, mathrand.New(mathrand.NewChaCha8(seed)))
	if err := n.nextRecord(nil); err != nil {
		return err
	}
	n.tell(protocol.Start{}) // first of all inputs: peers may bring some from here on
	if err := n.openLinks(); err != nil {
		return err
	}
	n.wg.Add(1)
	go n.workLarge()
	n.running = true
	go n.loop() // before anything else is told: what waits to be told may be full
	if err := n.nextRecord(n.links.Addrs()); err != nil {
		return err
	}
	n.wg.Add(1)
	go n.upkeep()
	if err := n.startDetection(); err != nil {
		return err
	}
	n.tellRemembered()
	if err := ctx.Err(); err != nil {
		return err
	}
	return n.rejoin()
}

// openHome makes the directories and reads or makes the keys.
func (n *Node) openHome() error {
	n.home = n.cfg.home
	if n.home == "" {
		dir, err := os.MkdirTemp("", "quilt-")
		if err != nil {
			return fmt.Errorf("making a temporary home: %w", err)
		}
		n.home, n.temp = dir, true
	}
	if err := os.MkdirAll(filepath.Join(n.home, "feeds"), 0o700); err != nil {
		return fmt.Errorf("making home %s: %w", n.home, err)
	}
	var err error
	if n.key, n.id, err = loadIdentity(filepath.Join(n.home, "identity.key")); err != nil {
		return err
	}
	n.author, err = loadAuthor(filepath.Join(n.home, "author.key"))
	return err
}

// openStore opens the disk and tells a locked one from a broken one.
func (n *Node) openStore() error {
	s, err := store.Open(filepath.Join(n.home, "store.db"), store.Options{Now: n.cfg.clock, MaxBytes: n.cfg.maxStore})
	if locked := (*store.LockedError)(nil); errors.As(err, &locked) {
		return fmt.Errorf("%w %s: stop the other one, or use another home (%w)", ErrHomeInUse, n.home, err)
	}
	if err != nil {
		return err
	}
	n.store = s
	n.vault, err = pieces.Open(filepath.Join(n.home, "large"), n.cfg.maxLarge)
	return err
}

// ErrHomeInUse: another process runs a peer in this home.
var ErrHomeInUse = errors.New("another peer is running in home")

// openLinks opens the sockets.
func (n *Node) openLinks() error {
	if taken := notFree(n.cfg.listen); len(taken) > 0 && len(n.cfg.libp2p) == 0 { // tests have networks of their own
		return listenError(taken, nil) // before libp2p, which says it at length
	}
	observed, _ := n.cfg.detects()
	kept, err := n.store.Meta(metaLinks, "ways")
	if err != nil {
		return err
	}
	m, err := links.New(links.Config{
		Identity: n.key, Listen: n.cfg.listen, Transports: n.cfg.transports, Ways: kept, MDNS: n.cfg.mdns, UserAgent: n.cfg.agent,
		Now: n.now, Gater: n.gate, ObservedAddrs: observed, Libp2p: n.hostOptions(),
		Traverse: n.cfg.traverse, Relay: n.cfg.relay, PortMap: n.cfg.portMap, Gateway: n.env.gateway, OnPunch: n.punched, OnTransfer: n.transferred,
		RelayCandidates: n.relayCandidates,
		Hello:           func() []byte { n.mu.Lock(); defer n.mu.Unlock(); return n.hello },
	}, handler{n})
	if errors.Is(err, links.ErrListen) {
		return err
	}
	if err != nil {
		return listenError(n.cfg.listen, err)
	}
	n.links = m
	if missing := notListening(n.cfg.listen, m.Host().Network().ListenAddresses()); len(missing) > 0 {
		return listenError(missing, errors.New("port in use, or not permitted"))
	}
	return nil
}

// ID is the peer's name.
func (n *Node) ID() protocol.PeerID { return n.id }

// Home is the directory with this peer's keys and items.
func (n *Node) Home() string { return n.home }

// Close ends the peer in good order: neighbours are told, what was acknowledged is
// on disk. Publish and Next return ErrClosed from now on. Calling it again is
// harmless.
func (n *Node) Close() error {
	n.closeOnce.Do(func() { n.closeErr = n.close() })
	return n.closeErr
}

func (n *Node) close() error {
	if n.running {
		n.remember()
	}
	n.mu.Lock()
	close(n.closing)
	n.budget.close()
	n.large.close()
	n.mu.Unlock()
	if n.running {
		<-n.looped // it says goodbye to the neighbours before the links close
	}
	var errs []error
	if n.links != nil {
		errs = append(errs, n.links.Stop())
	}
	if n.multicast != nil {
		errs = append(errs, n.multicast.Close())
	}
	for _, s := range n.servers {
		s.cancel()
	}
	n.wg.Wait()
	if n.verifier != nil {
		n.verifier.close()
	}
	if n.vault != nil {
		errs = append(errs, n.vault.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	if n.temp {
		errs = append(errs, os.RemoveAll(n.home))
	}
	n.notices.close()
	return errors.Join(errs...)
}

// ErrClosed: the node was closed.
var ErrClosed = errors.New("the peer is closed")

// closed reports whether Close was called.
func (n *Node) closed() bool {
	select {
	case <-n.closing:
		return true
	default:
		return false
	}
}

// orClosed returns ErrClosed for an error that only says that the store is closed.
func (n *Node) orClosed(err error) error {
	if errors.Is(err, store.ErrClosed) && n.closed() {
		return ErrClosed
	}
	return err
}

// greeting encodes this host's record for peers.
func greeting(rec gossipmembership.Record) []byte { return rec.AppendTo(nil) }
