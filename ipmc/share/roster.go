package share

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of a roster.
const (
	// MaxGroups bounds the groups that a host wants: as many as fit into a small packet.
	MaxGroups = 100
	// MinBound is the least number of groups that counts as a host's bound: it could
	// say that it has room for one, and everybody's topics would be thrown together.
	MinBound = 2
	// maxBound is the greatest that is sent.
	maxBound = 1 << 16
	// maxPause is the longest pause that may be announced, in ms.
	maxPause = 120_000
	// maxSignature is the length of the longest signature.
	maxSignature = 80
	maxSeq       = 1<<63 - 1
)

// KindRoster is the only kind of message.
const KindRoster uint8 = 1

// Roster says which groups a host wants and how many it may join, and what it goes by.
//
//	origin seq:uvarint pause:uvarint bound:uvarint basis:8 six:1 count:uvarint (addr port:2)… sig
//
// addr are the last 8 bytes of an IPv6 address behind the common first 8, or the 4 of
// an IPv4 address; all ascend.
type Roster struct {
	Origin protocol.PeerID
	Seq    uint64 // counts up, over restarts too
	Pause  int    // ms until it is repeated
	Bound  int
	Basis  Basis            // see basis.go
	Groups []netip.AddrPort // of one family, ascending, each once
	Sig    []byte

	signed []byte
}

// Kind implements protocol.Message.
func (*Roster) Kind() uint8 { return KindRoster }

// AppendTo implements protocol.Message.
func (m *Roster) AppendTo(b []byte) []byte { return protocol.AppendBytes(m.AppendSigned(b), m.Sig) }

// AppendSigned appends what is signed: all but the signature.
func (m *Roster) AppendSigned(b []byte) []byte {
	if m.signed != nil {
		return append(b, m.signed...)
	}
	b = protocol.AppendPeer(b, m.Origin)
	for _, v := range []uint64{m.Seq, uint64(m.Pause), uint64(m.Bound)} {
		b = binary.AppendUvarint(b, v)
	}
	b = append(b, m.Basis[:]...)
	six := len(m.Groups) > 0 && m.Groups[0].Addr().Is6()
	if b = append(b, 0); six {
		b[len(b)-1] = 1
	}
	b = binary.AppendUvarint(b, uint64(len(m.Groups)))
	for i, g := range m.Groups {
		a := g.Addr().AsSlice()
		if six && i == 0 {
			b = append(b, a[:8]...)
		}
		if six {
			a = a[8:]
		}
		b = binary.BigEndian.AppendUint16(append(b, a...), g.Port())
	}
	return b
}

// ErrKind: the message is of another kind.
var ErrKind = errors.New("no roster")

// Decode reads a roster; what decodes re-encodes to the same bytes.
func Decode(kind uint8, body []byte) (*Roster, error) {
	if kind != KindRoster {
		return nil, ErrKind
	}
	r := protocol.NewReader(body)
	m := &Roster{Origin: r.Peer(), Seq: r.Uvarint(maxSeq), Pause: int(r.Uvarint(maxPause)), Bound: int(r.Uvarint(maxBound))}
	copy(m.Basis[:], r.Fixed(len(m.Basis)))
	family := r.Byte()
	if m.Origin == "" || m.Seq == 0 || m.Pause == 0 || family > 1 {
		r.Fail()
	}
	m.readGroups(r, family == 1)
	m.signed = body[:len(body)-r.Len()]
	m.Sig = r.Bytes(maxSignature)
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Roster) readGroups(r *protocol.Reader, six bool) {
	n := r.Count(MaxGroups, 6)
	if six && n == 0 {
		r.Fail() // or there would be two ways to say nothing
		return
	}
	var prefix []byte
	if six {
		prefix = r.Fixed(8)
	}
	for range n {
		var a netip.Addr
		if b := r.Fixed(4); six {
			a, _ = netip.AddrFromSlice(append(append(prefix[:len(prefix):len(prefix)], b...), r.Fixed(4)...))
		} else {
			a, _ = netip.AddrFromSlice(b)
		}
		p := r.Fixed(2)
		if r.Err() != nil {
			return
		}
		g := netip.AddrPortFrom(a, binary.BigEndian.Uint16(p))
		if k := len(m.Groups); !a.IsMulticast() || k > 0 && m.Groups[k-1].Compare(g) >= 0 {
			r.Fail()
			return
		}
		m.Groups = append(m.Groups, g)
	}
}
