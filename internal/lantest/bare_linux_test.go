package lantest

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"golang.org/x/net/ipv4"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/protocol"
)

// The bare loop: one process signs items, cuts them into datagrams and writes these
// many at a call; the other reads many at a call, puts them together, and checks the
// signatures. There is nothing else: no hashes, no repair. What is lost is lost. The
// writer asks after each so many items how many have come, so as not to overrun the
// reader for ever.

var bareGroup = &net.UDPAddr{IP: net.IPv4(239, 255, 99, 99), Port: 62999}

const (
	bareHeader = 16
	bareChunk  = 1400
	bareBatch  = 64
)

type bareSender struct {
	conn *ipv4.PacketConn
	key  crypto.PrivKey
	seq  uint64
}

func newBareSender() (role, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		return nil, err
	}
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(conn)
	if err := p.SetMulticastInterface(ifi); err != nil {
		return nil, err
	}
	return &bareSender{conn: p, key: key}, p.SetMulticastLoopback(false)
}

// order publishes at a rate, or as fast as it goes.
func (s *bareSender) order(o order) error {
	if o.Do != "publish" {
		return nil
	}
	var ms []ipv4.Message
	flush := func() error {
		for len(ms) > 0 {
			n, err := s.conn.WriteBatch(ms, 0)
			if err != nil {
				return err
			}
			ms = ms[n:]
		}
		return nil
	}
	begin := time.Now()
	for i := range o.Items {
		if o.Rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(float64(i) / o.Rate * float64(time.Second)))))
		}
		s.seq++
		it, err := feed.Sign(s.key, topicName, s.seq, make([]byte, o.Size))
		if err != nil {
			return err
		}
		for at := 0; at < len(it.Bytes); at += bareChunk {
			b := make([]byte, 0, bareHeader+bareChunk)
			b = binary.BigEndian.AppendUint64(b, s.seq)
			b = binary.BigEndian.AppendUint32(b, uint32(at))
			b = binary.BigEndian.AppendUint32(b, uint32(len(it.Bytes)))
			b = append(b, it.Bytes[at:min(at+bareChunk, len(it.Bytes))]...)
			ms = append(ms, ipv4.Message{Buffers: [][]byte{b}, Addr: bareGroup})
		}
		if len(ms) >= bareBatch || i == o.Items-1 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *bareSender) report(r *report) {}

// bareReader puts items together as they come, in order.
type bareReader struct {
	valid, invalid atomic.Int64
	last           atomic.Int64
	begun          time.Time
}

func newBareReader() (role, error) {
	conn, err := net.ListenUDP("udp4", bareGroup)
	if err != nil {
		return nil, err
	}
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(conn)
	if err := p.JoinGroup(ifi, bareGroup); err != nil {
		return nil, err
	}
	forceBuffer(conn, 4<<20)
	r := &bareReader{begun: time.Now()}
	go r.read(p)
	return r, nil
}

func (r *bareReader) read(p *ipv4.PacketConn) {
	ms := make([]ipv4.Message, bareBatch)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, bareHeader+bareChunk+1)}
	}
	var seq uint64
	var item []byte
	have := 0
	for {
		n, err := p.ReadBatch(ms, 0)
		if err != nil {
			return
		}
		for _, m := range ms[:n] {
			b := m.Buffers[0][:m.N]
			s, at, size := binary.BigEndian.Uint64(b), int(binary.BigEndian.Uint32(b[8:])), int(binary.BigEndian.Uint32(b[12:]))
			if s != seq {
				seq, item, have = s, make([]byte, size), 0
			}
			have += copy(item[at:], b[bareHeader:])
			if have == size {
				r.take(item)
			}
		}
	}
}

func (r *bareReader) take(b []byte) {
	it, err := protocol.ParseItem(b)
	if err != nil || feed.Verify(it) != nil {
		r.invalid.Add(1)
		return
	}
	r.valid.Add(1)
	r.last.Store(int64(time.Since(r.begun)))
}

func (r *bareReader) order(order) error { return nil }

func (r *bareReader) report(to *report) {
	to.Delivered, to.Invalid = int(r.valid.Load()), int(r.invalid.Load())
	to.Idle = time.Since(r.begun) - time.Duration(r.last.Load())
}
