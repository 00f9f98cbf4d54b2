package gossip

import (
	"encoding/binary"

	"github.com/quilt-p2p/quilt/protocol"
)

// Kinds of messages. An item travels as protocol.Carry, which all objects share.
const (
	KindIHave uint8 = 1
	KindGraft uint8 = 2
	KindPrune uint8 = 3
)

// Announcement names an item that the sender holds.
type Announcement struct {
	ID protocol.ItemID
	// Size is that of the encoded item in bytes, so that a receiver knows how long
	// it takes on the wire; 1 to protocol.MaxItemSize.
	Size int
}

// announcementSize is the least an encoded Announcement takes.
const announcementSize = 32 + 1

// IHave announces 1 to MaxIDs items.
//
//	flags:1 count:uvarint count×(id:32 size:uvarint)
type IHave struct {
	// Lazy says that the sender holds this link lazy: what it announces it does
	// not push. Without it the link is eager, and only these items are not pushed.
	Lazy  bool
	Items []Announcement
}

const flagLazy = 1

// Kind implements protocol.Message.
func (IHave) Kind() uint8 { return KindIHave }

// AppendTo implements protocol.Message.
func (m IHave) AppendTo(b []byte) []byte {
	var flags byte
	if m.Lazy {
		flags = flagLazy
	}
	b = binary.AppendUvarint(append(b, flags), uint64(len(m.Items)))
	for _, a := range m.Items {
		b = append(b, a.ID[:]...)
		b = binary.AppendUvarint(b, uint64(a.Size))
	}
	return b
}

// Graft asks for 0 to MaxIDs announced items, and for everything new to be pushed
// over this link from now on.
//
//	flags:1 count:uvarint count×id:32
type Graft struct {
	// Once says that the items are all that is asked for, at least one: how the link
	// is held does not change.
	Once  bool
	Items []protocol.ItemID
}

const flagOnce = 1

// Kind implements protocol.Message.
func (Graft) Kind() uint8 { return KindGraft }

// AppendTo implements protocol.Message.
func (m Graft) AppendTo(b []byte) []byte {
	var flags byte
	if m.Once {
		flags = flagOnce
	}
	b = binary.AppendUvarint(append(b, flags), uint64(len(m.Items)))
	for _, id := range m.Items {
		b = append(b, id[:]...)
	}
	return b
}

// Prune asks for items to be announced only, over this link, from now on. Its
// body is empty.
type Prune struct{}

// Kind implements protocol.Message.
func (Prune) Kind() uint8 { return KindPrune }

// AppendTo implements protocol.Message.
func (Prune) AppendTo(b []byte) []byte { return b }

// Decode reads the body of one message; it is a protocol.Decoder. Every encoding
// is canonical: what decodes re-encodes to the same bytes.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case protocol.KindCarry:
		return decodeCarry(body)
	case KindIHave:
		m = readIHave(r)
	case KindGraft:
		m = readGraft(r)
	case KindPrune:
		m = Prune{}
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// decodeCarry keeps a failed Carry from becoming a Message that is not nil.
func decodeCarry(body []byte) (protocol.Message, error) {
	c, err := protocol.DecodeCarry(body)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func readIHave(r *protocol.Reader) IHave {
	flags := r.Byte()
	n := r.Count(MaxIDs, announcementSize)
	if flags&^flagLazy != 0 || n == 0 {
		r.Fail()
		return IHave{}
	}
	m := IHave{Lazy: flags&flagLazy != 0, Items: make([]Announcement, n)}
	for i := range m.Items {
		a := &m.Items[i]
		a.ID = r.Item()
		a.Size = int(r.Uvarint(protocol.MaxItemSize))
		if a.Size == 0 {
			r.Fail()
		}
	}
	return m
}

func readGraft(r *protocol.Reader) Graft {
	flags := r.Byte()
	n := r.Count(MaxIDs, len(protocol.ItemID{}))
	m := Graft{Once: flags&flagOnce != 0}
	if flags&^flagOnce != 0 || m.Once && n == 0 {
		r.Fail()
	}
	if n == 0 {
		return m
	}
	m.Items = make([]protocol.ItemID, n)
	for i := range m.Items {
		m.Items[i] = r.Item()
	}
	return m
}
