package protocol

import "encoding/binary"

// MaxFrame bounds a frame in bytes: an item, what carries it, and some room.
const MaxFrame = 1 << 20

// Frame is a message on the wire, addressed to an object.
//
//	flags:1 [topic:16] object:uvarint kind:1 body:…
//
// Bit 0 of flags says that a topic follows; without it the host is addressed.
// All other bits are zero. On a stream each frame is preceded by its length as an
// unsigned varint of at most MaxFrame.
type Frame struct {
	Topic  TopicID
	Object ObjectID
	Kind   uint8
	Body   []byte
}

const frameHasTopic = 1

// AppendFrame appends the frame of msg to b, without the length that precedes it
// on a stream.
func AppendFrame(b []byte, topic TopicID, object ObjectID, msg Message) []byte {
	if topic.IsZero() {
		b = append(b, 0)
	} else {
		b = append(append(b, frameHasTopic), topic[:]...)
	}
	b = binary.AppendUvarint(b, uint64(object))
	b = append(b, msg.Kind())
	return msg.AppendTo(b)
}

// ParseFrame reads a frame; its Body aliases b.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) > MaxFrame {
		return Frame{}, ErrMalformed
	}
	r := NewReader(b)
	var f Frame
	switch flags := r.Byte(); {
	case flags == frameHasTopic:
		f.Topic = r.Topic()
		if f.Topic.IsZero() {
			r.Fail()
		}
	case flags != 0:
		r.Fail()
	}
	f.Object = ObjectID(r.Uvarint(1<<32 - 1))
	f.Kind = r.Byte()
	f.Body = r.Rest()
	return f, r.Err()
}
