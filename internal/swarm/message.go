package swarm

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/large"
	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of messages. Carry, kind 0, means nothing here.
const (
	KindHave uint8 = 1 + iota
	KindWant
	KindPiece
	KindSorry
)

// Bounds of messages (our guesses).
const (
	// MaxList bounds the pieces that a Have adds; of more a map tells.
	MaxList = 512
	// MaxWant bounds the pieces of a Want and of a Sorry.
	MaxWant = 64
)

// Form says how a Have tells.
type Form uint8

// The forms.
const (
	// Added: the sender has those of List too, beside what it told before.
	Added Form = iota
	// Map: it has those of Map, and no others.
	Map
	// All: it has all.
	All
	numForms
)

// Have says which pieces the sender has and will send.
//
//	root:32 flags:1 …            bit 0: ask; bits 1 and 2: the form
//	Added: count:uvarint first:uvarint gap:uvarint…
//	Map:   pieces:uvarint 0 byte…          (a bit a piece, the lowest first)
//	       pieces:uvarint 1 run:uvarint…   (lacks, has, lacks, …; their sum is pieces)
//
// A gap is the difference to the one before, less 1. Of a map the shorter encoding is
// sent, the first where both are equal; both are read.
type Have struct {
	Root large.Hash
	// Ask is set where the sender wants a Have in return.
	Ask  bool
	Form Form
	// List has the pieces that are new, ascending; at most MaxList.
	List []uint32
	// Pieces is how many there are, Map which of them the sender has.
	Pieces int
	Map    large.Bits
}

// Want asks for pieces, ascending. root:32 count:uvarint first:uvarint gap:uvarint…
type Want struct {
	Root   large.Hash
	Pieces []uint32
}

// Sorry says that pieces that were asked for will not come. As Want.
type Sorry struct {
	Root   large.Hash
	Pieces []uint32
}

// Piece brings one. root:32 index:uvarint bytes:…
type Piece struct {
	Root  large.Hash
	Index uint32
	// Bytes are shared: nobody writes to them.
	Bytes []byte
}

// Kind implements protocol.Message.
func (Have) Kind() uint8  { return KindHave }
func (Want) Kind() uint8  { return KindWant }
func (Sorry) Kind() uint8 { return KindSorry }
func (Piece) Kind() uint8 { return KindPiece }

// AppendTo implements protocol.Message.
func (m Have) AppendTo(b []byte) []byte {
	flags := byte(m.Form) << 1
	if m.Ask {
		flags |= 1
	}
	b = append(append(b, m.Root[:]...), flags)
	switch m.Form {
	case Added:
		b = appendList(b, m.List)
	case Map:
		b = appendMap(binary.AppendUvarint(b, uint64(m.Pieces)), m.Map, m.Pieces)
	}
	return b
}

// AppendTo implements protocol.Message.
func (m Want) AppendTo(b []byte) []byte { return appendList(append(b, m.Root[:]...), m.Pieces) }

// AppendTo implements protocol.Message.
func (m Sorry) AppendTo(b []byte) []byte { return appendList(append(b, m.Root[:]...), m.Pieces) }

// AppendTo implements protocol.Message.
func (m Piece) AppendTo(b []byte) []byte { return append(m.AppendHead(b), m.Bytes...) }

// PayloadLen is how many bytes of content a piece brings.
func (m Piece) PayloadLen() int { return len(m.Bytes) }

// AppendHead appends what precedes the piece's bytes.
func (m Piece) AppendHead(b []byte) []byte {
	return binary.AppendUvarint(append(b, m.Root[:]...), uint64(m.Index))
}

func appendList(b []byte, list []uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for i, p := range list {
		if i > 0 {
			p -= list[i-1] + 1
		}
		b = binary.AppendUvarint(b, uint64(p))
	}
	return b
}

// Decode reads a message.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var root large.Hash
	copy(root[:], r.Fixed(len(root)))
	var m protocol.Message
	switch kind {
	case KindHave:
		m = readHave(r, root)
	case KindWant:
		m = Want{root, readList(r, 1, MaxWant)}
	case KindSorry:
		m = Sorry{root, readList(r, 1, MaxWant)}
	case KindPiece:
		p := Piece{Root: root, Index: uint32(r.Uvarint(large.MaxPieces - 1)), Bytes: r.Rest()}
		if len(p.Bytes) == 0 || len(p.Bytes) > large.MaxSegment {
			r.Fail()
		}
		m = p
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

func readHave(r *protocol.Reader, root large.Hash) Have {
	flags := r.Byte()
	m := Have{Root: root, Ask: flags&1 != 0, Form: Form(flags >> 1)}
	switch {
	case m.Form >= numForms:
		r.Fail()
	case m.Form == Added:
		m.List = readList(r, 0, MaxList)
	case m.Form == Map:
		m.Pieces = int(r.Uvarint(large.MaxPieces))
		m.Map = readMap(r, m.Pieces)
	}
	return m
}

// readList reads an ascending list of pieces.
func readList(r *protocol.Reader, least, most int) []uint32 {
	n := r.Count(most, 1)
	if n < least {
		r.Fail()
		return nil
	}
	list := make([]uint32, 0, n)
	next := uint64(0)
	for range n {
		next += r.Uvarint(large.MaxPieces)
		if next >= large.MaxPieces {
			r.Fail()
			return nil
		}
		list = append(list, uint32(next))
		next++
	}
	return list
}
