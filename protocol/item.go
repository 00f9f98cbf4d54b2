package protocol

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// MaxItemSize bounds an encoded item in bytes: pubsub's own RPC limit (1 MiB,
// go-libp2p-pubsub v0.17.0), less 4 KiB for what frames it. Larger things travel
// as a manifest and segments.
const MaxItemSize = 1<<20 - 4<<10

// signPrefix precedes what a pubsub author signs (libp2p pubsub specification,
// "Message Signing").
const signPrefix = "libp2p-pubsub:"

// Field numbers of pubsub's Message (libp2p pubsub specification).
const (
	fieldFrom      = 1
	fieldData      = 2
	fieldSeqno     = 3
	fieldTopic     = 4
	fieldSignature = 5
	fieldKey       = 6
)

// Item is one published message: a libp2p pubsub Message signed by its author.
// It is immutable and shared by reference: nobody writes to its bytes.
type Item struct {
	// ID is the SHA-256 of the signed bytes.
	ID ItemID
	// Topic is the ID of the topic named in the message.
	Topic TopicID
	// TopicName is the topic's name as signed; at most MaxTopicName bytes.
	TopicName string
	// Author is the signer.
	Author PeerID
	// Seq is the author's sequence number (pubsub's seqno, big endian).
	Seq uint64
	// Data is the payload, part of Bytes.
	Data []byte
	// Signature and Key are as received, part of Bytes; Key may be empty where
	// the author's ID contains the key.
	Signature, Key []byte
	// Bytes is the whole encoded message as it travels; at most MaxItemSize.
	Bytes []byte

	signed int // length of the signed part of Bytes
}

// Errors of ParseItem. They say what is wrong with bytes from the network: count
// them, charge the link, drop.
var (
	ErrItemTooLarge  = errors.New("item is larger than 1020 KiB")
	ErrItemMalformed = errors.New("item is not a canonical pubsub message")
)

// NewItem encodes an unsigned item. Only a signer ([Item.WithSignature]) and the
// simulator, which leaves signatures out, have use for it.
func NewItem(topicName string, author PeerID, seq uint64, data []byte) *Item {
	size := len(author) + len(data) + len(topicName) + 8 + 32
	b := make([]byte, 0, size+128) // room for the signature
	b = appendField(b, fieldFrom, []byte(author))
	b = appendField(b, fieldData, data)
	var seqno [8]byte
	for i := range seqno {
		seqno[i] = byte(seq >> (56 - 8*i))
	}
	b = appendField(b, fieldSeqno, seqno[:])
	b = appendField(b, fieldTopic, []byte(topicName))
	it, err := ParseItem(b)
	if err != nil {
		panic("protocol: NewItem encoded what ParseItem refuses: " + err.Error())
	}
	return it
}

// SignedBytes returns what the author's signature covers.
func (it *Item) SignedBytes() []byte {
	return append([]byte(signPrefix), it.Bytes[:it.signed]...)
}

// WithSignature returns the item with a signature, and the public key where the
// author's ID does not contain it.
func (it *Item) WithSignature(sig, key []byte) *Item {
	b := append(make([]byte, 0, it.signed+len(sig)+len(key)+16), it.Bytes[:it.signed]...)
	b = appendField(b, fieldSignature, sig)
	if len(key) > 0 {
		b = appendField(b, fieldKey, key)
	}
	signed := *it
	signed.Bytes = b
	signed.relocate()
	return &signed
}

// relocate points the slices of a freshly encoded item into its own Bytes.
func (it *Item) relocate() {
	again, err := ParseItem(it.Bytes)
	if err != nil {
		panic("protocol: re-encoded item does not parse: " + err.Error())
	}
	*it = *again
}

// ParseItem decodes b strictly: every field at most once and in ascending order,
// no unknown fields, minimal lengths. Strictness makes the encoding canonical:
// a stock pubsub peer that decodes and re-encodes the message to check its
// signature arrives at the same bytes. The item keeps b. A message without a
// signature parses; whoever verifies refuses it.
func ParseItem(b []byte) (*Item, error) {
	if len(b) > MaxItemSize {
		return nil, ErrItemTooLarge
	}
	it := &Item{Bytes: b}
	last := protowire.Number(0)
	seen := 0
	for pos := 0; pos < len(b); {
		num, val, n := consumeField(b[pos:])
		if n < 0 || num <= last || num > fieldKey {
			return nil, ErrItemMalformed
		}
		if err := it.set(num, val); err != nil {
			return nil, err
		}
		pos += n
		last = num
		seen |= 1 << num
		if num < fieldSignature {
			it.signed = pos
		}
	}
	const need = 1<<fieldFrom | 1<<fieldSeqno | 1<<fieldTopic
	if seen&need != need {
		return nil, fmt.Errorf("%w: from, seqno or topic is missing", ErrItemMalformed)
	}
	h := sha256.New()
	h.Write([]byte(signPrefix))
	h.Write(b[:it.signed])
	h.Sum(it.ID[:0])
	return it, nil
}

// set stores the value of one field.
func (it *Item) set(num protowire.Number, val []byte) error {
	switch num {
	case fieldFrom:
		if len(val) == 0 || len(val) > MaxPeerIDLen {
			return fmt.Errorf("%w: author of %d bytes", ErrItemMalformed, len(val))
		}
		it.Author = PeerID(val)
	case fieldData:
		it.Data = val
	case fieldSeqno:
		if len(val) != 8 {
			return fmt.Errorf("%w: seqno of %d bytes, want 8", ErrItemMalformed, len(val))
		}
		for _, c := range val {
			it.Seq = it.Seq<<8 | uint64(c)
		}
	case fieldTopic:
		if len(val) == 0 || len(val) > MaxTopicName {
			return fmt.Errorf("%w: topic of %d bytes", ErrItemMalformed, len(val))
		}
		it.TopicName = string(val)
		it.Topic = TopicOf(it.TopicName)
	case fieldSignature:
		it.Signature = val
	case fieldKey:
		it.Key = val
	}
	return nil
}

// appendField appends one length-delimited protobuf field.
func appendField(b []byte, num protowire.Number, val []byte) []byte {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendBytes(b, val)
}

// consumeField reads one length-delimited field in minimal encoding; n < 0 means
// that b does not begin with one.
func consumeField(b []byte) (num protowire.Number, val []byte, n int) {
	num, typ, tagLen := protowire.ConsumeTag(b)
	if tagLen != 1 || typ != protowire.BytesType {
		return 0, nil, -1
	}
	val, valLen := protowire.ConsumeBytes(b[tagLen:])
	if valLen < 0 || valLen != protowire.SizeBytes(len(val)) {
		return 0, nil, -1
	}
	return num, val, tagLen + valLen
}
