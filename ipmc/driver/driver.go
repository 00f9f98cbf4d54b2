package driver

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

// Handler takes a frame that was heard. Nothing is proved of where it came from but
// that its sender knows the topic's key. It may keep frame. While it waits the socket
// that it came by is not read: what comes meanwhile waits, and then is lost, in the
// system's buffer. It is called from several goroutines.
type Handler func(from protocol.Origin, frame []byte)

// Driver sends to groups and hears them. Its methods may be called from several
// goroutines.
type Driver struct {
	cfg     Config
	nics    []NIC
	handler Handler
	keys    atomic.Pointer[map[protocol.TopicID]*ipmc.Key]
	senders []*sender // of each NIC, by family
	counts  counters

	unfiltered bool // in tests: the system drops nothing for us

	// Where topics share groups; see share.go.
	sharers     []*sharer
	rosterTopic protocol.TopicID
	rosterGroup netip.AddrPort
	rosters     chan rosterIn
	poke, done  chan struct{}
	begun       time.Time
	routes      atomic.Pointer[map[route]netip.AddrPort]

	mu     sync.Mutex // guards what follows; never held while waiting
	ears   map[membership]*ear
	closed bool
	wg     sync.WaitGroup
}

// membership is a group joined by an interface.
type membership struct {
	nic   protocol.NIC
	group netip.AddrPort
}

// Open opens the sockets to send with. Errors say which interface cannot.
func Open(cfg Config, handler Handler) (*Driver, error) {
	nics, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, nics: nics, handler: handler, ears: make(map[membership]*ear)}
	d.keys.Store(&map[protocol.TopicID]*ipmc.Key{})
	for i := range nics {
		if err := d.openSenders(&nics[i]); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	if err := d.openSharing(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// NICs are the interfaces used; their numbers are the system's.
func (d *Driver) NICs() []NIC { return d.nics }

// Packet is how many bytes a datagram has at most.
func (d *Driver) Packet() int { return d.cfg.Packet }

// AddTopic has datagrams of a topic taken and sent, with a key.
func (d *Driver) AddTopic(topic protocol.TopicID, key ipmc.Key) { d.setKey(topic, &key) }

// RemoveTopic ends that.
func (d *Driver) RemoveTopic(topic protocol.TopicID) { d.setKey(topic, nil) }

func (d *Driver) setKey(topic protocol.TopicID, key *ipmc.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := maps.Clone(*d.keys.Load())
	if key == nil {
		delete(keys, topic)
	} else {
		keys[topic] = key
	}
	d.keys.Store(&keys)
	for _, e := range d.ears {
		d.setFilter(e)
	}
}

func (d *Driver) key(topic protocol.TopicID) *ipmc.Key { return (*d.keys.Load())[topic] }

func (d *Driver) nic(n protocol.NIC) *NIC {
	for i := range d.nics {
		if d.nics[i].NIC == n {
			return &d.nics[i]
		}
	}
	return nil
}

// Errors of Join.
var (
	// ErrForbidden: the interface is not one of those allowed.
	ErrForbidden = errors.New("the interface is not used for multicast")
	// ErrTooManyGroups: the interface has joined as many groups as it may.
	ErrTooManyGroups = errors.New("too many multicast groups")
	// ErrClosed: the driver was closed.
	ErrClosed = errors.New("the multicast driver is closed")
)

// Join has a group heard on an interface. Joining again changes nothing. Where topics
// share groups another may be heard in its place, and what is sent to it goes there.
func (d *Driver) Join(nic protocol.NIC, group netip.AddrPort) error {
	n := d.nic(nic)
	if n == nil {
		return fmt.Errorf("joining %v on interface %d: %w", group, nic, ErrForbidden)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	if s := d.sharer(nic); s != nil {
		return d.want(s, group, true)
	}
	return d.join(n, group)
}

// join opens a socket that hears a group, unless there is one. d.mu is held.
func (d *Driver) join(n *NIC, group netip.AddrPort) error {
	m := membership{n.NIC, group}
	if d.ears[m] != nil {
		return nil
	}
	joined := 0
	for o := range d.ears {
		if o.nic == n.NIC {
			joined++
		}
	}
	if joined >= d.cfg.MaxGroups {
		return fmt.Errorf("joining %v on %s, which has %d: %w", group, n.Name, joined, ErrTooManyGroups)
	}
	e, err := d.listen(n, group)
	if err != nil {
		return fmt.Errorf("joining %v on %s: %w", group, n.Name, err)
	}
	d.ears[m] = e
	d.setFilter(e)
	d.wg.Go(func() { d.hear(e) })
	return nil
}

// Leave ends Join.
func (d *Driver) Leave(nic protocol.NIC, group netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sharer(nic); s != nil {
		_ = d.want(s, group, false) // counted
		return
	}
	d.drop(membership{nic, group})
}

// drop closes the socket that hears a group, if there is one. d.mu is held.
func (d *Driver) drop(m membership) {
	if e := d.ears[m]; e != nil {
		d.counts.kernelDropped.Add(e.dropped())
		delete(d.ears, m)
		_ = e.conn.Close()
	}
}

// Close closes all sockets, once what waits is sent, and waits until no handler runs
// any more. A handler must not wait for it.
func (d *Driver) Close() error {
	d.mu.Lock()
	if d.done != nil && !d.closed {
		close(d.done)
	}
	d.closed = true
	for m, e := range d.ears {
		delete(d.ears, m)
		_ = e.conn.Close()
	}
	d.mu.Unlock()
	for _, s := range d.senders {
		s.close()
	}
	d.wg.Wait()
	return nil
}
