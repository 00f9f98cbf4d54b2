package ipmc

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of messages. protocol.KindCarry brings whole items over links.
const (
	kindFirst uint8 = 1 + iota
	kindList
	kindFragment
	kindNack
	kindBeacon
	kindFills
)

// HashSize is the length of the hashes that list fragments: 128 bits of SHA-256.
// Who signs a list could find two fragments of one hash, and deceive nobody but in
// its own name; a stranger cannot find a second one to a given.
const HashSize = 16

// Hash is a shortened SHA-256.
type Hash [HashSize]byte

// Other bounds of messages.
const (
	// MaxSignature bounds a signature in bytes: Ed25519 has 64.
	MaxSignature = 80
	// minUnit and maxUnit bound the length of a fragment.
	minUnit = 1000
	maxUnit = MaxPacket
	// MaxRuns and MaxParts bound what one Nack names.
	MaxRuns  = 32
	MaxParts = 16
	// MaxEchoes bounds the others that one Beacon answers, drawn at random.
	MaxEchoes = 8
	// MaxFills bounds the positions of one Fills.
	MaxFills = 64
	// maxPause is the longest pause that a Beacon may announce, in ms.
	maxPause = 60_000
	// maxSeq bounds positions, so that sums with them do not overflow.
	maxSeq = 1<<62 - 1
)

// First is the first fragment of an item, often the only one. Whoever sent the item
// to the group has signed it, so that it proves itself whoever repeats it.
//
//	origin epoch:8 seq:uvarint size:uvarint unit:uvarint
//	[data:uvarint lists:uvarint hash:16… item:32] chunk sig
//
// unit is 0 where the chunk is the whole item. Otherwise the rest of the item is cut
// into data fragments of unit bytes, the last one shorter. The hashes are those of
// the fragments, or with lists > 0 those of lists of their hashes.
type First struct {
	Origin      protocol.PeerID
	Epoch, Seq  uint64
	Size        int
	Unit        int
	Data, Lists int
	Hashes      []byte // HashSize each
	Item        protocol.ItemID
	Chunk       []byte
	Sig         []byte

	signed []byte // what was decoded, less sig
}

// List is a part of a long item's hashes.
//
//	stream:8 seq:uvarint index:uvarint hash:16…
type List struct {
	Stream, Seq uint64
	Index       int
	Hashes      []byte
}

// Fragment is a part of an item.
//
//	stream:8 seq:uvarint index:uvarint chunk:…
type Fragment struct {
	Stream, Seq uint64
	Index       int
	Chunk       []byte
}

// Run is positions of a stream, the first of them and their number.
type Run struct{ Seq, Len uint64 }

// Part is what is missing of an item of which something is there: bit 0 of Bits is the
// first fragment, then follow the lists and the data fragments.
type Part struct {
	Seq  uint64
	Bits []byte
}

// Nack asks for what is missing of a stream: 1 to MaxRuns + MaxParts things, both
// ascending.
//
//	stream:8 runs:uvarint (gap:uvarint len:uvarint)… parts:uvarint (gap:uvarint bits)…
type Nack struct {
	Stream uint64
	Runs   []Run
	Parts  []Part
}

// Echo says "I have heard this beacon of yours".
type Echo struct {
	Who   uint64 // by shortOf
	Nonce uint64
}

// Beacon says that its sender is there, what it has sent, and whom it hears.
//
//	origin epoch:8 nonce:uvarint pause:uvarint low:uvarint last:uvarint echoes:uvarint (who:8 nonce:uvarint)… sig
type Beacon struct {
	Origin protocol.PeerID
	Epoch  uint64
	Nonce  uint64 // counts up from 1
	Pause  int    // ms until the next, 1 to maxPause
	// Low and Last are the first position that its sender can repair and the last
	// that it has sent; both 0 for none.
	Low, Last uint64
	Echoes    []Echo
	Sig       []byte

	signed []byte
}

// Fill says which item is at a position: over links only.
type Fill struct {
	Seq  uint64
	Item protocol.ItemID
}

// Fills answers a Nack that came over a link; the items follow as Carry.
//
//	stream:8 count:uvarint (gap:uvarint item:32)…
type Fills struct {
	Stream uint64
	Fills  []Fill
}

// Kind implements protocol.Message.
func (*First) Kind() uint8    { return kindFirst }
func (*List) Kind() uint8     { return kindList }
func (*Fragment) Kind() uint8 { return kindFragment }
func (*Nack) Kind() uint8     { return kindNack }
func (*Beacon) Kind() uint8   { return kindBeacon }
func (*Fills) Kind() uint8    { return kindFills }

// PayloadLen is how many bytes of items the message brings.
func (m *First) PayloadLen() int    { return len(m.Chunk) }
func (m *Fragment) PayloadLen() int { return len(m.Chunk) }

// BeginsItem marks the fragment by which the copies of an item are counted.
func (m *First) BeginsItem() {}

// AppendTo implements protocol.Message.
func (m *First) AppendTo(b []byte) []byte {
	return protocol.AppendBytes(m.appendSigned(b), m.Sig)
}

// appendSigned appends all but the signature.
func (m *First) appendSigned(b []byte) []byte {
	if m.signed != nil {
		return append(b, m.signed...)
	}
	b = protocol.AppendPeer(b, m.Origin)
	b = binary.BigEndian.AppendUint64(b, m.Epoch)
	b = binary.AppendUvarint(b, m.Seq)
	b = binary.AppendUvarint(b, uint64(m.Size))
	b = binary.AppendUvarint(b, uint64(m.Unit))
	if m.Unit > 0 {
		b = binary.AppendUvarint(b, uint64(m.Data))
		b = binary.AppendUvarint(b, uint64(m.Lists))
		b = append(append(b, m.Hashes...), m.Item[:]...)
	}
	return protocol.AppendBytes(b, m.Chunk)
}

// AppendTo implements protocol.Message.
func (m *List) AppendTo(b []byte) []byte {
	return append(appendPlace(b, m.Stream, m.Seq, m.Index), m.Hashes...)
}

// AppendTo implements protocol.Message.
func (m *Fragment) AppendTo(b []byte) []byte {
	return append(appendPlace(b, m.Stream, m.Seq, m.Index), m.Chunk...)
}

func appendPlace(b []byte, stream, seq uint64, index int) []byte {
	b = binary.AppendUvarint(binary.BigEndian.AppendUint64(b, stream), seq)
	return binary.AppendUvarint(b, uint64(index))
}

// AppendTo implements protocol.Message.
func (m *Nack) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Stream)
	b = binary.AppendUvarint(b, uint64(len(m.Runs)))
	last := uint64(0)
	for _, r := range m.Runs {
		b = binary.AppendUvarint(b, r.Seq-last)
		b = binary.AppendUvarint(b, r.Len)
		last = r.Seq + r.Len
	}
	b = binary.AppendUvarint(b, uint64(len(m.Parts)))
	last = 0
	for _, p := range m.Parts {
		b = protocol.AppendBytes(binary.AppendUvarint(b, p.Seq-last), p.Bits)
		last = p.Seq + 1
	}
	return b
}

// AppendTo implements protocol.Message.
func (m *Beacon) AppendTo(b []byte) []byte {
	return protocol.AppendBytes(m.appendSigned(b), m.Sig)
}

func (m *Beacon) appendSigned(b []byte) []byte {
	if m.signed != nil {
		return append(b, m.signed...)
	}
	b = protocol.AppendPeer(b, m.Origin)
	b = binary.BigEndian.AppendUint64(b, m.Epoch)
	for _, v := range []uint64{m.Nonce, uint64(m.Pause), m.Low, m.Last, uint64(len(m.Echoes))} {
		b = binary.AppendUvarint(b, v)
	}
	for _, e := range m.Echoes {
		b = binary.AppendUvarint(binary.BigEndian.AppendUint64(b, e.Who), e.Nonce)
	}
	return b
}

// AppendTo implements protocol.Message.
func (m *Fills) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Stream)
	b = binary.AppendUvarint(b, uint64(len(m.Fills)))
	last := uint64(0)
	for _, f := range m.Fills {
		b = append(binary.AppendUvarint(b, f.Seq-last), f.Item[:]...)
		last = f.Seq + 1
	}
	return b
}
