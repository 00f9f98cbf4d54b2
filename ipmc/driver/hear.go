package driver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/quilt-p2p/quilt/ipmc"
	"github.com/quilt-p2p/quilt/protocol"
)

// batch is how many datagrams are read or written with one call (our measurement:
// more bring nothing).
const batch = 64

// ear is a socket that hears one group on one interface.
type ear struct {
	nic   *NIC
	conn  net.PacketConn
	v4    *ipv4.PacketConn // or
	v6    *ipv6.PacketConn
	bound bool // to the interface; otherwise each datagram says by which it came
}

// listen opens a socket that has joined a group. It is bound to the group's address,
// where the system permits that, and so hears no other.
func (d *Driver) listen(n *NIC, group netip.AddrPort) (*ear, error) {
	e := &ear{nic: n}
	network, address := "udp4", group.String()
	if group.Addr().Is6() {
		network, address = "udp6", netip.AddrPortFrom(group.Addr().WithZone(n.Name), group.Port()).String()
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = tune(fd, group.Addr().Is6(), d.cfg.Buffer) }); e != nil {
			return e
		}
		return err
	}}
	conn, err := lc.ListenPacket(context.Background(), network, bindAddress(address, group))
	if err != nil {
		return nil, err
	}
	e.conn = conn
	e.bound = bindToDevice(conn.(syscall.Conn), n.Name) == nil
	g := &net.UDPAddr{IP: group.Addr().AsSlice()}
	if network == "udp4" {
		e.v4 = ipv4.NewPacketConn(conn)
		err = e.v4.JoinGroup(&n.ifi, g)
		if !e.bound {
			err = errors.Join(err, e.v4.SetControlMessage(ipv4.FlagInterface, true))
		}
	} else {
		e.v6 = ipv6.NewPacketConn(conn)
		err = e.v6.JoinGroup(&n.ifi, g)
		if !e.bound {
			err = errors.Join(err, e.v6.SetControlMessage(ipv6.FlagInterface, true))
		}
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return e, nil
}

// readBatch reads some datagrams. The messages of both families are of one type.
func (e *ear) readBatch(ms []ipv4.Message) (int, error) {
	if e.v4 != nil {
		return e.v4.ReadBatch(ms, 0)
	}
	return e.v6.ReadBatch(ms, 0)
}

// cameBy is the interface that a datagram came by, where the socket is not bound.
func (e *ear) cameBy(m *ipv4.Message) int {
	if e.v4 != nil {
		var c ipv4.ControlMessage
		if c.Parse(m.OOB[:m.NN]) == nil {
			return c.IfIndex
		}
		return 0
	}
	var c ipv6.ControlMessage
	if c.Parse(m.OOB[:m.NN]) == nil {
		return c.IfIndex
	}
	return 0
}

// hear reads until the socket is closed.
func (d *Driver) hear(e *ear) {
	ms := make([]ipv4.Message, batch)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, d.cfg.Packet+1)}
		if !e.bound {
			ms[i].OOB = make([]byte, 128)
		}
	}
	tagger := ipmc.NewTagger()
	for {
		n, err := e.readBatch(ms)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(100 * time.Millisecond) // such as that the interface is down
			continue
		}
		d.counts.readCalls.Add(1)
		for i := range ms[:n] {
			d.heard(e, tagger, &ms[i])
		}
	}
}

// heard takes one datagram. Its bytes are copied only when they are worth it.
func (d *Driver) heard(e *ear, tagger *ipmc.Tagger, m *ipv4.Message) {
	b := m.Buffers[0][:m.N]
	switch {
	case m.N > d.cfg.Packet:
		d.counts.oversize.Add(1)
		return
	case !e.bound && e.cameBy(m) != e.nic.ifi.Index:
		d.counts.elsewhere.Add(1)
		return
	}
	frame, err := tagger.Open(b, d.key)
	switch err {
	case nil:
	case ipmc.ErrForged:
		d.counts.forged.Add(1)
		return
	default:
		d.counts.foreign.Add(1)
		return
	}
	if d.sharers != nil && protocol.TopicID(frame[1:]) == d.rosterTopic {
		d.heardRoster(e.nic.NIC, frame)
		return
	}
	d.counts.heard.Add(1)
	d.counts.heardBytes.Add(uint64(m.N))
	from := protocol.Origin{NIC: e.nic.NIC, Multicast: true}
	if a, ok := m.Addr.(*net.UDPAddr); ok {
		from.Addr, _ = netip.AddrFromSlice(a.IP)
		from.Addr = from.Addr.Unmap()
	}
	d.handler(from, append(make([]byte, 0, len(frame)), frame...))
}
