package links

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/quilt-p2p/quilt/protocol"
)

// ErrNoLink: there is no link to the peer, or it went down.
var ErrNoLink = errors.New("links: no link to the peer")

// ErrTooLarge: the link goes by a relay that does not allow a connection so much.
var ErrTooLarge = errors.New("links: more than the relay passes on")

// Manager keeps the links of one host.
type Manager struct {
	cfg     Config
	handler Handler
	host    host.Host
	lan     *lan // nil without mDNS
	nat     traversal
	epoch   uint64
	// dialSlots and greetings are the places of MaxDials and MaxGreetings.
	dialSlots, greetings chan struct{}
	events               event.Subscription
	// wg has what calls the Handler or waits.
	wg sync.WaitGroup

	mu       sync.Mutex
	links    map[protocol.PeerID]*link
	serial   uint64
	stopping bool
	total    Counters // without those of links
	charges  ledger
}

// New starts a host and its links. The Handler may be called before New returns:
// peers that know this host's address do not wait.
func New(cfg Config, handler Handler) (*Manager, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Manager{
		cfg:       cfg,
		handler:   handler,
		epoch:     randomEpoch(),
		dialSlots: make(chan struct{}, MaxDials),
		greetings: make(chan struct{}, MaxGreetings),
		links:     make(map[protocol.PeerID]*link),
	}
	m.nat.punches.done = cfg.OnPunch
	m.nat.punches.network = m.network
	h, err := newHost(cfg, m.nat.options(cfg)...)
	if err != nil {
		return nil, err
	}
	m.setHost(h)
	m.events, err = h.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("links"))
	if err != nil {
		_ = h.Close()
		return nil, fmt.Errorf("links: %w", err)
	}
	if cfg.Traverse {
		if m.nat.relays, err = newRelays(m); err != nil {
			_ = m.events.Close()
			_ = h.Close()
			return nil, err
		}
	}
	if cfg.MDNS {
		m.lan = newLAN(m)
	}
	m.wg.Go(m.watchAddrs)
	h.SetStreamHandler(ProtocolID, m.accept)
	return m, nil
}

// randomEpoch tells this process from an earlier one of the same host.
func randomEpoch() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint64(b[:])
}

// Stop ends all links in good order, with Down for each, then the host, and waits
// until nothing of the Manager runs any more: the Handler must not block. Once it
// has returned the Handler is called no more.
func (m *Manager) Stop() error {
	m.mu.Lock()
	if m.stopping {
		m.mu.Unlock()
		return nil
	}
	m.stopping = true
	var last []*link
	for _, l := range m.links {
		l.redial = false
		last = append(last, l)
	}
	m.mu.Unlock()
	m.host.RemoveStreamHandler(ProtocolID)
	for _, l := range last {
		l.end(ReasonStopped, true)
	}
	for _, l := range last {
		<-l.done
	}
	err := m.events.Close()
	if m.lan != nil {
		m.lan.stop()
	}
	if m.nat.relays != nil {
		m.nat.relays.stop()
		err = errors.Join(err, m.nat.service.set(m.host, m.cfg, false))
	}
	err = errors.Join(err, m.host.Close())
	m.wg.Wait()
	return err
}

// enter lets a goroutine that others started work with the Manager, until
// wg.Done; false once it stops.
func (m *Manager) enter() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return false
	}
	m.wg.Add(1)
	return true
}

// ID is the host's name.
func (m *Manager) ID() protocol.PeerID { return m.host.ID() }

// Host is the libp2p host, for other protocols to be spoken beside links.
func (m *Manager) Host() host.Host { return m.host }

// Close ends the link to a peer; queued control frames are still sent, within
// Config.FlushTimeout. Down with the reason follows where the link was up,
// DialFailed where it was being dialled. It does not wait.
func (m *Manager) Close(peer protocol.PeerID, reason string) {
	m.mu.Lock()
	l := m.links[peer]
	if l != nil {
		l.redial = false
	}
	m.mu.Unlock()
	if l != nil {
		l.end(reason, true)
	}
}

// forget is a link's last act: another to the same peer may begin.
func (m *Manager) forget(l *link) {
	m.mu.Lock()
	delete(m.links, l.peer)
	m.total.add(l.counters())
	l.unprotect()
	if l.redial && !m.stopping {
		again := m.newLink(l.peer)
		again.dialled = true
		again.start()
	}
	close(l.done)
	m.mu.Unlock()
	if in, ok := l.greeted(); ok {
		l.refuse(in)
	}
	m.reapLater(l.peer)
}

// link returns the link to a peer that is up, or nil.
func (m *Manager) link(peer protocol.PeerID) *link {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.links[peer]; l != nil && l.up {
		return l
	}
	return nil
}

// Send queues a frame of 1 to protocol.MaxFrame bytes. It reports false where there
// is no link to the peer; what becomes of the frame otherwise, only Dropped tells,
// and Down, with which all that is queued is lost. frame must not be written to
// afterwards; it may be given to several Sends.
func (m *Manager) Send(peer protocol.PeerID, class protocol.Class, expires protocol.Time, frame []byte, tag any) bool {
	e := newEntry(class, expires, frame, tag)
	l := m.link(peer)
	return l != nil && l.out.send(m.cfg.Now(), e)
}

// SendWait is Send that waits for room in the class rather than drop the frame. It
// returns ErrNoLink, ErrTooLarge or the context's error where the frame was not queued.
func (m *Manager) SendWait(ctx context.Context, peer protocol.PeerID, class protocol.Class, expires protocol.Time, frame []byte, tag any) error {
	e := newEntry(class, expires, frame, tag)
	l := m.link(peer)
	if l == nil {
		return ErrNoLink
	}
	return l.out.sendWait(ctx, m.cfg.Now, e)
}

// newEntry makes what is queued, and panics on what no peer would take.
func newEntry(class protocol.Class, expires protocol.Time, frame []byte, tag any) entry {
	if len(frame) == 0 || len(frame) > protocol.MaxFrame || class >= protocol.NumClasses {
		panic(fmt.Sprintf("links: frame of %d bytes in class %d", len(frame), class))
	}
	return entry{Frame: frame, Size: len(frame), Class: class, Expires: expires, Tag: tag}
}

// Room returns how many frames and bytes the class of a peer's queue has room for
// now: 0 without a link.
func (m *Manager) Room(peer protocol.PeerID, class protocol.Class) (frames, bytes int) {
	if l := m.link(peer); l != nil {
		return l.out.room(class)
	}
	return 0, 0
}

// Peers describes the links that are up, by ascending peer ID.
func (m *Manager) Peers() []Peer {
	m.mu.Lock()
	var up []*link
	for _, l := range m.links {
		if l.up {
			up = append(up, l)
		}
	}
	m.mu.Unlock()
	peers := make([]Peer, len(up))
	for i, l := range up {
		peers[i] = l.peerInfo()
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Link.Peer, b.Link.Peer) })
	return peers
}
