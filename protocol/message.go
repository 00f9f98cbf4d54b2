package protocol

// Message is what peers say to each other: an immutable value that can write
// itself. How one is read back is a [Decoder]'s business.
type Message interface {
	// Kind tells messages of one object apart. KindCarry is taken.
	Kind() uint8
	// AppendTo appends the encoded body, without kind or length, to b.
	AppendTo(b []byte) []byte
}

// Decoder reads the body of one kind of message. It refuses what is malformed,
// out of bounds, or followed by more bytes; it allocates no more than a small
// multiple of what it reads; and it may keep body.
type Decoder func(kind uint8, body []byte) (Message, error)

// KindCarry is the kind of [Carry] in every object.
const KindCarry uint8 = 0

// Flags of Carry.
const (
	// FlagRepaired marks an answer to a request for what was missed.
	FlagRepaired uint8 = 1 << iota
	flagsKnown         = FlagRepaired
)

// Carry brings an item. All objects share it, so that drivers can stream items
// from the store, in answer to FetchAndSend, without knowing the protocol.
//
//	flags:1 hops:1 item:…
type Carry struct {
	Item  *Item
	Flags uint8
	// Hops is how many links the item has crossed before this one.
	Hops uint8
}

// Kind implements Message.
func (Carry) Kind() uint8 { return KindCarry }

// AppendTo implements Message.
func (c Carry) AppendTo(b []byte) []byte {
	return append(append(b, c.Flags, c.Hops), c.Item.Bytes...)
}

// DecodeCarry reads a Carry.
func DecodeCarry(body []byte) (Carry, error) {
	if len(body) < 2 {
		return Carry{}, ErrTruncated
	}
	if body[0]&^flagsKnown != 0 {
		return Carry{}, ErrMalformed
	}
	it, err := ParseItem(body[2:])
	if err != nil {
		return Carry{}, err
	}
	return Carry{Item: it, Flags: body[0], Hops: body[1]}, nil
}
