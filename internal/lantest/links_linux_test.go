package lantest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/protocol"
)

// mesh is the links of an endpoint, plain TCP connections on the LAN: so what multicast
// loses comes by gossip and digests, as with real peers. Each begins with the peer IDs of
// both; then there are frames, each behind its length.
type mesh struct {
	e  *endpoint
	at string // where it listens

	mu    sync.Mutex
	links map[protocol.PeerID]*tcpLink
	down  int // links that ended
}

// tcpLink is one connection. What does not fit into its queue is dropped, and repaired.
type tcpLink struct {
	conn  net.Conn
	queue chan []byte
}

const (
	meshPort     = "4100"
	meshQueue    = 1024
	meshMaxFrame = 2 << 20
)

// newMesh listens on eth0.
func newMesh(e *endpoint) (*mesh, error) {
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return nil, err
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil, err
	}
	m := &mesh{e: e, links: make(map[protocol.PeerID]*tcpLink)}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			m.at = net.JoinHostPort(n.IP.String(), meshPort)
		}
	}
	l, err := net.Listen("tcp4", m.at)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.run(conn, "")
		}
	}()
	return m, nil
}

// record says where this peer is.
func (m *mesh) record() (r gossipmembership.Record, err error) {
	r = gossipmembership.Record{Peer: m.e.id, Seq: uint64(time.Now().UnixNano()), Addrs: []string{m.at}}
	return r, r.Sign(m.e.author)
}

// dial makes a link to a peer.
func (m *mesh) dial(p protocol.PeerID, addrs []string) {
	for _, a := range addrs {
		if conn, err := net.DialTimeout("tcp4", a, 10*time.Second); err == nil {
			m.run(conn, p)
			return
		}
	}
	m.e.inputs <- protocol.DialFailed{Peer: p, Reason: "nobody is there"}
}

// run greets and then brings what is read, until the connection ends. p is whom it was
// dialled for, empty for who came.
func (m *mesh) run(conn net.Conn, p protocol.PeerID) {
	defer conn.Close()
	out := p != ""
	in := bufio.NewReaderSize(conn, 64<<10)
	_, err := conn.Write(append([]byte{byte(len(m.e.id))}, m.e.id...))
	size, err2 := in.ReadByte()
	name := make([]byte, size)
	_, err3 := io.ReadFull(in, name)
	if err != nil || err2 != nil || err3 != nil || out && protocol.PeerID(name) != p {
		if out {
			m.e.inputs <- protocol.DialFailed{Peer: p, Reason: "it did not greet"}
		}
		return
	}
	p = protocol.PeerID(name)
	l := m.up(conn, p, out)
	if l == nil {
		return // there is one already
	}
	m.e.inputs <- protocol.LinkUp{Link: protocol.Link{Peer: p, NIC: m.e.driver.NICs()[0].NIC, Outbound: out}}
	go l.write()
	for m.read(in, p) == nil {
	}
	if m.drop(p, l) {
		m.e.inputs <- protocol.LinkDown{Peer: p, Reason: "the connection has ended"}
	}
}

// up takes in a link. Where both have dialled that of the lesser ID stays.
func (m *mesh) up(conn net.Conn, p protocol.PeerID, out bool) *tcpLink {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.links[p]; old != nil {
		if out == (m.e.id > p) {
			return nil
		}
		_ = old.conn.Close()
		close(old.queue)
	}
	l := &tcpLink{conn, make(chan []byte, meshQueue)}
	m.links[p] = l
	return l
}

// drop forgets a link; it reports whether it was the one there is.
func (m *mesh) drop(p protocol.PeerID, l *tcpLink) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = l.conn.Close()
	if m.links[p] != l {
		return false
	}
	delete(m.links, p)
	close(l.queue)
	m.down++
	return true
}

func (m *mesh) read(in *bufio.Reader, p protocol.PeerID) error {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > meshMaxFrame {
		return fmt.Errorf("a frame of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return err
	}
	f, err := protocol.ParseFrame(b)
	if err != nil {
		return err
	}
	msg, err := core.DecodeWith(m.e.plugin, f)
	if err != nil {
		return err
	}
	from := protocol.Origin{Peer: p, NIC: m.e.driver.NICs()[0].NIC, Authenticated: true}
	m.e.inputs <- protocol.Received{From: from, Topic: f.Topic, Object: f.Object, Msg: msg, At: m.e.now()}
	return nil
}

// send puts a frame into a link's queue, if there is room.
func (m *mesh) send(to protocol.PeerID, topic protocol.TopicID, object protocol.ObjectID, msg protocol.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[to]
	if l == nil {
		return
	}
	b := protocol.AppendFrame(make([]byte, 4), topic, object, msg)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	select {
	case l.queue <- b:
	default:
	}
}

// close ends a link at the core's wish.
func (m *mesh) close(p protocol.PeerID) {
	m.mu.Lock()
	l := m.links[p]
	m.mu.Unlock()
	if l != nil {
		m.drop(p, l)
	}
}

func (l *tcpLink) write() {
	for b := range l.queue {
		if _, err := l.conn.Write(b); err != nil {
			_ = l.conn.Close()
		}
	}
}
