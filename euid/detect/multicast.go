package detect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/quilt-p2p/quilt/euid"
)

// Where beacons are sent: groups of site-local scope (RFC 2365, section 6.1: the
// "local scope"; RFC 4291, section 2.7: scope 5, transient), and a port that nobody has
// registered. Our choice; all peers must make the same.
var groups = [euid.NumFamilies]net.UDPAddr{
	euid.IPv4: {IP: net.IPv4(239, 255, 113, 76), Port: beaconPort},
	euid.IPv6: {IP: net.ParseIP("ff15::7175:696c:74"), Port: beaconPort},
}

const beaconPort = 40571

// Multicast implements System.
func (kernel) Multicast(i Interface, f euid.Family, ttl int) (MulticastConn, error) {
	ifi, err := net.InterfaceByIndex(i.Index)
	if err != nil {
		return nil, err
	}
	network := [...]string{euid.IPv4: "udp4", euid.IPv6: "udp6"}[f]
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = shareGroup(fd, f) }); e != nil {
			return e
		}
		return err
	}}
	conn, err := lc.ListenPacket(context.Background(), network, fmt.Sprintf(":%d", beaconPort))
	if err != nil {
		return nil, err
	}
	m := &multicastConn{conn: conn, ifi: ifi, group: groups[f]}
	if f == euid.IPv4 {
		m.v4 = ipv4.NewPacketConn(conn)
		err = errors.Join(m.v4.JoinGroup(ifi, &m.group), m.v4.SetMulticastInterface(ifi),
			m.v4.SetMulticastTTL(ttl), m.v4.SetMulticastLoopback(true))
		m.marked = m.v4.SetControlMessage(ipv4.FlagInterface, true) == nil
	} else {
		m.v6 = ipv6.NewPacketConn(conn)
		m.group.Zone = i.Name
		err = errors.Join(m.v6.JoinGroup(ifi, &m.group), m.v6.SetMulticastInterface(ifi),
			m.v6.SetMulticastHopLimit(ttl), m.v6.SetMulticastLoopback(true))
		m.marked = m.v6.SetControlMessage(ipv6.FlagInterface, true) == nil
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return m, nil
}

// multicastConn is a socket that is a member of a group on one interface.
type multicastConn struct {
	conn  net.PacketConn
	v4    *ipv4.PacketConn // or
	v6    *ipv6.PacketConn
	ifi   *net.Interface
	group net.UDPAddr
	// marked: the kernel says by which interface a datagram came.
	marked bool
}

// Send implements MulticastConn.
func (m *multicastConn) Send(b []byte) error {
	_, err := m.conn.WriteTo(b, &m.group)
	return err
}

// Receive implements MulticastConn. What came by other interfaces it skips: sockets of
// one port may get each other's.
func (m *multicastConn) Receive(b []byte) (n int, err error) {
	for {
		index := 0
		if m.v4 != nil {
			var c *ipv4.ControlMessage
			if n, c, _, err = m.v4.ReadFrom(b); c != nil {
				index = c.IfIndex
			}
		} else {
			var c *ipv6.ControlMessage
			if n, c, _, err = m.v6.ReadFrom(b); c != nil {
				index = c.IfIndex
			}
		}
		if err != nil || !m.marked || index == m.ifi.Index {
			return n, err
		}
	}
}

// Close implements MulticastConn.
func (m *multicastConn) Close() error { return m.conn.Close() }

// multicastNews is what a listener tells: what is heard, and what does not work.
type multicastNews struct {
	hearing
	why  string // nothing can be heard, or sent
	sent int    // bytes
	at   time.Time
}

// heardDatagrams bounds the datagrams that wait; more are dropped: a flood costs no
// more than reading it.
const heardDatagrams = 16

// listen sends and hears beacons on an interface, by both families, until ctx ends,
// and tells what changes. Only tell may wait, and only for ctx.
func listen(ctx context.Context, sys System, i Interface, me uint64, ttl int, tell func(multicastNews)) {
	if !i.Multicast {
		tell(multicastNews{why: "the interface cannot do multicast", at: time.Now()})
		return
	}
	conns, why := openAll(sys, i, ttl)
	if len(conns) == 0 {
		tell(multicastNews{why: why, at: time.Now()})
		return
	}
	var readers sync.WaitGroup
	defer readers.Wait()
	closeAll := func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	defer closeAll()
	datagrams := make(chan []byte, heardDatagrams)
	for _, c := range conns {
		readers.Go(func() { receive(c, datagrams) })
	}
	s := newSegment(time.Now(), me, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	timer := time.NewTimer(0)
	defer timer.Stop()
	var told multicastNews
	news := multicastNews{why: why}
	for first := true; ; first = false {
		now := time.Now()
		if b, due := s.send(now); due {
			news.why = sendAll(conns, b)
			news.sent += len(b) * len(conns)
		}
		news.hearing, news.at = s.hearing(now), now
		if first || news.why != told.why || news.heard != told.heard || news.name != told.name || news.members != told.members || news.both != told.both {
			told = news
			tell(news)
		}
		timer.Reset(time.Until(s.deadline()))
		select {
		case b := <-datagrams:
			s.hear(time.Now(), b)
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// openAll opens a socket for each family that can; why says why there is none.
func openAll(sys System, i Interface, ttl int) (conns []MulticastConn, why string) {
	var errs []error
	for f := range euid.NumFamilies {
		if len(i.Addrs) == 0 || f == euid.IPv4 && !i.has(f) || f == euid.IPv6 && !i.hasLinkLocal() {
			continue
		}
		c, err := sys.Multicast(i, f, ttl)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		conns = append(conns, c)
	}
	switch {
	case len(conns) > 0:
		return conns, ""
	case len(errs) > 0:
		return nil, errors.Join(errs...).Error()
	}
	return nil, "no address to send multicast from"
}

// hasLinkLocal reports whether it has the IPv6 address from which multicast is sent.
func (i *Interface) hasLinkLocal() bool {
	for _, p := range i.Addrs {
		if a := p.Addr(); a.Is6() && a.IsLinkLocalUnicast() {
			return true
		}
	}
	return i.has(euid.IPv6)
}

// sendAll sends by all; its result says why none could.
func sendAll(conns []MulticastConn, b []byte) (why string) {
	sent := false
	for _, c := range conns {
		if err := c.Send(b); err != nil {
			why = err.Error()
			continue
		}
		sent = true
	}
	if sent {
		return ""
	}
	return why
}

// receive reads until the socket is closed. What no beacon begins like is not even
// copied.
func receive(c MulticastConn, to chan<- []byte) {
	b := make([]byte, maxBeacon+1)
	for {
		n, err := c.Receive(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Second) // such as that the interface is down
			continue
		}
		if n < len(beaconMagic) || string(b[:len(beaconMagic)]) != beaconMagic {
			continue
		}
		select {
		case to <- append([]byte(nil), b[:n]...):
		default:
		}
	}
}
