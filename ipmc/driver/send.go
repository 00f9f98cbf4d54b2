package driver

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

// MaxQueue bounds the datagrams that wait for a socket; what does not fit is dropped,
// and repaired as if the wire had lost it (our guess: the machine's own pace keeps it
// short).
const MaxQueue = 4096

// sender sends on one interface by one version of IP. One goroutine encodes and
// writes, so that whoever sends never waits.
type sender struct {
	d    *Driver
	nic  *NIC
	six  bool
	conn net.PacketConn
	v4   *ipv4.PacketConn // or
	v6   *ipv6.PacketConn

	mu     sync.Mutex
	wake   sync.Cond
	queue  []outgoing
	closed bool
}

// outgoing is a message that waits.
type outgoing struct {
	group  netip.AddrPort
	topic  protocol.TopicID
	object protocol.ObjectID
	msg    protocol.Message
}

// openSenders opens the sockets of an interface.
func (d *Driver) openSenders(n *NIC) error {
	four, _ := families(&n.ifi)
	var errs []error
	opened := 0
	for _, six := range []bool{false, true} {
		if six && !n.six || !six && !four {
			continue
		}
		s, err := d.openSender(n, six)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		opened++
		d.senders = append(d.senders, s)
		d.wg.Go(s.run)
	}
	if opened == 0 {
		return errors.Join(errs...)
	}
	return nil
}

func (d *Driver) openSender(n *NIC, six bool) (*sender, error) {
	network := "udp4"
	if six {
		network = "udp6"
	}
	conn, err := net.ListenPacket(network, ":0")
	if err != nil {
		return nil, err
	}
	s := &sender{d: d, nic: n, six: six, conn: conn}
	s.wake.L = &s.mu
	_ = bindToDevice(conn.(syscall.Conn), n.Name)
	if six {
		s.v6 = ipv6.NewPacketConn(conn)
		err = errors.Join(s.v6.SetMulticastInterface(&n.ifi), s.v6.SetMulticastHopLimit(d.cfg.TTL), s.v6.SetMulticastLoopback(!d.cfg.Alone))
	} else {
		s.v4 = ipv4.NewPacketConn(conn)
		err = errors.Join(s.v4.SetMulticastInterface(&n.ifi), s.v4.SetMulticastTTL(d.cfg.TTL), s.v4.SetMulticastLoopback(!d.cfg.Alone))
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// Send sends a message to a group on an interface. It never waits: what there is no
// room for, and what is meant for an interface that is not used, is dropped and
// counted. The message must not be changed any more.
func (d *Driver) Send(e protocol.Multicast) {
	if to, shared := (*d.routes.Load())[route{e.NIC, e.Group}]; shared {
		e.Group = to
	}
	for _, s := range d.senders {
		if s.nic.NIC == e.NIC && s.six == e.Group.Addr().Is6() {
			if s.push(outgoing{e.Group, e.Topic, e.Object, e.Msg}) {
				return
			}
			break
		}
	}
	d.counts.sendDropped.Add(1)
}

func (s *sender) push(o outgoing) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.queue) >= MaxQueue {
		return false
	}
	s.queue = append(s.queue, o)
	if len(s.queue) == 1 {
		s.wake.Signal()
	}
	return true
}

// Waiting is how many messages wait to be written.
func (d *Driver) Waiting() (n int) {
	for _, s := range d.senders {
		s.mu.Lock()
		n += len(s.queue)
		s.mu.Unlock()
	}
	return n
}

// take waits for messages and returns all there are; none when it is over.
func (s *sender) take(spare []outgoing) []outgoing {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.closed {
		s.wake.Wait()
	}
	list := s.queue
	s.queue = spare[:0]
	return list
}

// close ends run after what waits.
func (s *sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wake.Signal()
}

// run encodes and writes until it is closed.
func (s *sender) run() {
	defer s.conn.Close()
	ms := make([]ipv4.Message, batch)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 0, s.d.cfg.Packet)}
	}
	tagger := ipmc.NewTagger()
	addr := &addresses{of: make(map[netip.AddrPort]*net.UDPAddr), zone: s.nic.Name}
	var spare []outgoing
	for {
		list := s.take(spare)
		if len(list) == 0 {
			return
		}
		for rest := list; len(rest) > 0; {
			n := 0
			for ; n < batch && len(rest) > 0; rest = rest[1:] {
				o := &rest[0]
				key := s.d.key(o.topic)
				if key == nil {
					s.d.counts.sendDropped.Add(1)
					continue
				}
				ms[n].Buffers[0] = tagger.Seal(ms[n].Buffers[0][:0], key, o.topic, o.object, o.msg)
				ms[n].Addr = addr.get(o.group)
				n++
			}
			s.write(ms[:n])
		}
		clear(list)
		spare = list
	}
}

// write writes all of some datagrams; what the system refuses is passed over.
func (s *sender) write(ms []ipv4.Message) {
	c := &s.d.counts
	for len(ms) > 0 {
		var n int
		var err error
		if s.v4 != nil {
			n, err = s.v4.WriteBatch(ms, 0)
		} else {
			n, err = s.v6.WriteBatch(ms, 0)
		}
		c.sendCalls.Add(1)
		n = max(n, 0)
		for i := range ms[:n] {
			c.sendBytes.Add(uint64(len(ms[i].Buffers[0])))
		}
		c.sent.Add(uint64(n))
		if err != nil || n == 0 {
			c.sendFailed.Add(1)
			n++
		}
		ms = ms[min(n, len(ms)):]
	}
}

// addresses keeps the form of groups that the system wants.
type addresses struct {
	of   map[netip.AddrPort]*net.UDPAddr
	zone string
}

// maxAddresses bounds them; then all are forgotten.
const maxAddresses = 256

func (a *addresses) get(g netip.AddrPort) *net.UDPAddr {
	u := a.of[g]
	if u == nil {
		if len(a.of) >= maxAddresses {
			clear(a.of)
		}
		u = &net.UDPAddr{IP: g.Addr().AsSlice(), Port: int(g.Port())}
		if g.Addr().Is6() {
			u.Zone = a.zone
		}
		a.of[g] = u
	}
	return u
}
