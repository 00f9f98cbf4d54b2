package ipmc

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"

	"github.com/quilt-p2p/quilt/protocol"
)

// A datagram is one frame (protocol.AppendFrame) behind a tag:
//
//	magic:5 tag:8 frame:…
//
// The tag is the beginning of SHA-256(key, frame). What has another magic or another
// topic costs a comparison; what somebody forged who does not know the topic's name,
// or the group's secret where it has one, costs one hash.
const (
	// Magic is how every datagram begins, a version follows.
	Magic   = "QLTm"
	magic   = Magic + "\x01"
	tagSize = 8
	// Overhead is what a datagram has beside its frame, in bytes.
	Overhead = len(magic) + tagSize
	// maxFrameHeader is what a frame has beside its body.
	maxFrameHeader = 1 + len(protocol.TopicID{}) + 5 + 1
)

// Key makes and checks the tags of one topic.
type Key [32]byte

// KeyOf derives a topic's key from its name, the patch, and a secret that its members
// share; the latter may be empty. It keeps out who does not know all of these, and
// proves nothing between those who do: for that there are signatures.
func KeyOf(topicName, patch string, secret []byte) Key {
	b := append([]byte("quilt-ipmc-key:"), byte(len(topicName)>>8), byte(len(topicName)))
	b = append(append(b, topicName...), byte(len(patch)>>8), byte(len(patch)))
	return sha256.Sum256(append(append(b, patch...), secret...))
}

// Errors of Open.
var (
	// ErrForeign: a datagram is none of ours, or of a topic not joined.
	ErrForeign = errors.New("foreign datagram")
	// ErrForged: its tag is wrong.
	ErrForged = errors.New("forged datagram")
)

// Tagger makes and checks tags. It is for one goroutine; the zero value is not usable.
type Tagger struct {
	h   hash.Hash
	sum [sha256.Size]byte
}

// NewTagger returns one.
func NewTagger() *Tagger { return &Tagger{h: sha256.New()} }

func (t *Tagger) tag(k *Key, frame []byte) []byte {
	// The sum is shortened, so nobody can lengthen a frame by its tag.
	t.h.Reset()
	t.h.Write(k[:])
	t.h.Write(frame)
	return t.h.Sum(t.sum[:0])[:tagSize]
}

// Seal appends the datagram of a message to b.
func (t *Tagger) Seal(b []byte, k *Key, topic protocol.TopicID, object protocol.ObjectID, m protocol.Message) []byte {
	b = append(b, magic...)
	at := len(b)
	b = protocol.AppendFrame(append(b, make([]byte, tagSize)...), topic, object, m)
	copy(b[at:], t.tag(k, b[at+tagSize:]))
	return b
}

// Open returns the frame in a datagram, which it aliases. key returns the key of a
// topic, nil for one that is not joined.
func (t *Tagger) Open(datagram []byte, key func(protocol.TopicID) *Key) ([]byte, error) {
	const least = Overhead + 1 + len(protocol.TopicID{})
	if len(datagram) < least || string(datagram[:len(magic)]) != magic || datagram[Overhead] != 1 {
		return nil, ErrForeign
	}
	frame := datagram[Overhead:]
	k := key(protocol.TopicID(frame[1:]))
	if k == nil {
		return nil, ErrForeign
	}
	if subtle.ConstantTimeCompare(t.tag(k, frame), datagram[len(magic):Overhead]) != 1 {
		return nil, ErrForged
	}
	return frame, nil
}
