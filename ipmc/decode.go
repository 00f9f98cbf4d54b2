package ipmc

import (
	"github.com/quilt-p2p/quilt/protocol"
)

// Decode reads the body of one message; it is a protocol.Decoder. Every encoding is
// canonical: what decodes re-encodes to the same bytes.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case kindFirst:
		m = readFirst(r, body)
	case kindList:
		m = readList(r)
	case kindFragment:
		m = readFragment(r)
	case kindNack:
		m = readNack(r)
	case kindBeacon:
		m = readBeacon(r, body)
	case kindFills:
		m = readFills(r)
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// readFirst refuses what is inconsistent in itself: then a first fragment alone says
// how many others there are and how long each is.
func readFirst(r *protocol.Reader, body []byte) *First {
	m := &First{Origin: readPeer(r), Epoch: r.Uint64(), Seq: readSeq(r), Size: int(r.Uvarint(protocol.MaxItemSize)), Unit: int(r.Uvarint(maxUnit))}
	if m.Unit > 0 {
		m.Data = int(r.Uvarint(MaxFragments))
		m.Lists = int(r.Uvarint(MaxLists))
		m.Hashes = r.Fixed(m.listed() * HashSize)
		m.Item = r.Item()
	}
	m.Chunk = r.Bytes(MaxPacket)
	m.signed = body[:len(body)-r.Len()]
	m.Sig = r.Bytes(MaxSignature)
	rest := m.Size - len(m.Chunk)
	switch {
	case m.Size == 0 || rest < 0:
		r.Fail()
	case m.Unit == 0:
		if rest != 0 {
			r.Fail()
		}
	case m.Unit < minUnit || m.Data == 0 || m.Data != (rest+m.Unit-1)/m.Unit:
		r.Fail()
	case m.Lists == 1 || m.Lists > 0 && m.Lists != (m.Data+m.perList()-1)/m.perList():
		r.Fail()
	}
	return m
}

// listed is how many hashes the first fragment itself has.
func (m *First) listed() int {
	if m.Lists > 0 {
		return m.Lists
	}
	return m.Data
}

// perList is how many hashes a list has, but for the last.
func (m *First) perList() int { return m.Unit / HashSize }

// hashesIn is how many a list has.
func (m *First) hashesIn(list int) int { return min(m.perList(), m.Data-list*m.perList()) }

// chunkLen is how long a data fragment is.
func (m *First) chunkLen(i int) int { return min(m.Unit, m.Size-len(m.Chunk)-i*m.Unit) }

// hash is that of the i-th listed thing.
func (m *First) hash(i int) Hash { return Hash(m.Hashes[i*HashSize:]) }

func readPlace(r *protocol.Reader) (stream, seq uint64, index int) {
	return r.Uint64(), readSeq(r), int(r.Uvarint(MaxFragments - 1))
}

func readList(r *protocol.Reader) *List {
	m := &List{}
	m.Stream, m.Seq, m.Index = readPlace(r)
	m.Hashes = r.Rest()
	if len(m.Hashes) == 0 || len(m.Hashes)%HashSize != 0 || len(m.Hashes) > maxUnit || m.Index >= MaxLists {
		r.Fail()
	}
	return m
}

func readFragment(r *protocol.Reader) *Fragment {
	m := &Fragment{}
	m.Stream, m.Seq, m.Index = readPlace(r)
	m.Chunk = r.Rest()
	if len(m.Chunk) == 0 || len(m.Chunk) > maxUnit {
		r.Fail()
	}
	return m
}

// maxBits is how many bytes the longest Part has.
const maxBits = (1 + MaxFragments + MaxLists + 7) / 8

func readNack(r *protocol.Reader) *Nack {
	m := &Nack{Stream: r.Uint64()}
	last := uint64(0)
	for n := r.Count(MaxRuns, 2); n > 0; n-- {
		run := Run{Seq: last + r.Uvarint(maxSeq), Len: r.Uvarint(MaxWindow)}
		if run.Len == 0 || run.Seq == 0 || run.Seq > maxSeq || len(m.Runs) > 0 && run.Seq == last {
			r.Fail() // two that touch would be one
			break
		}
		last = run.Seq + run.Len
		m.Runs = append(m.Runs, run)
	}
	last = 0
	for n := r.Count(MaxParts, 3); n > 0; n-- {
		p := Part{Seq: last + r.Uvarint(maxSeq), Bits: r.Bytes(maxBits)}
		if p.Seq == 0 || p.Seq > maxSeq || len(p.Bits) == 0 || p.Bits[len(p.Bits)-1] == 0 {
			r.Fail()
			break
		}
		last = p.Seq + 1
		m.Parts = append(m.Parts, p)
	}
	if len(m.Runs)+len(m.Parts) == 0 {
		r.Fail()
	}
	return m
}

func readBeacon(r *protocol.Reader, body []byte) *Beacon {
	m := &Beacon{Origin: readPeer(r), Epoch: r.Uint64(), Nonce: readSeq(r), Pause: int(r.Uvarint(maxPause)),
		Low: r.Uvarint(maxSeq), Last: r.Uvarint(maxSeq)}
	for range r.Count(MaxEchoes, 9) {
		m.Echoes = append(m.Echoes, Echo{Who: r.Uint64(), Nonce: readSeq(r)})
	}
	m.signed = body[:len(body)-r.Len()]
	m.Sig = r.Bytes(MaxSignature)
	if m.Pause == 0 || (m.Low == 0) != (m.Last == 0) || m.Low > m.Last {
		r.Fail()
	}
	return m
}

func readFills(r *protocol.Reader) *Fills {
	m := &Fills{Stream: r.Uint64()}
	last := uint64(0)
	for n := r.Count(MaxFills, 33); n > 0; n-- {
		f := Fill{Seq: last + r.Uvarint(maxSeq), Item: r.Item()}
		if f.Seq == 0 || f.Seq > maxSeq {
			r.Fail()
			break
		}
		last = f.Seq + 1
		m.Fills = append(m.Fills, f)
	}
	if len(m.Fills) == 0 {
		r.Fail()
	}
	return m
}

// readSeq reads a number from 1.
func readSeq(r *protocol.Reader) uint64 {
	v := r.Uvarint(maxSeq)
	if v == 0 {
		r.Fail()
	}
	return v
}

func readPeer(r *protocol.Reader) protocol.PeerID {
	p := r.Peer()
	if p == "" {
		r.Fail()
	}
	return p
}
