package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// field is one length-delimited field, encoded.
func field(num protowire.Number, val string) string {
	return string(appendField(nil, num, []byte(val)))
}

// Fields of a good item.
var (
	from   = field(fieldFrom, "author")
	data   = field(fieldData, "data")
	seqno  = field(fieldSeqno, "\x00\x00\x00\x00\x00\x00\x01\x02")
	topic  = field(fieldTopic, "news")
	sig    = field(fieldSignature, "signature")
	key    = field(fieldKey, "key")
	signed = from + data + seqno + topic
)

func TestParseItem(t *testing.T) {
	it, err := ParseItem([]byte(signed + sig + key))
	if err != nil {
		t.Fatal(err)
	}
	if it.Author != "author" || string(it.Data) != "data" || it.Seq != 258 || it.TopicName != "news" ||
		it.Topic != TopicOf("news") || string(it.Signature) != "signature" || string(it.Key) != "key" {
		t.Errorf("got %+v", it)
	}
	if want := ItemID(sha256.Sum256([]byte("libp2p-pubsub:" + signed))); it.ID != want {
		t.Errorf("ID %s, want %s", it.ID.Full(), want.Full())
	}
	if got := string(it.SignedBytes()); got != "libp2p-pubsub:"+signed {
		t.Errorf("signed bytes %q", got)
	}
}

// The signature is no part of the ID, all else is.
func TestItemID(t *testing.T) {
	id := func(s string) ItemID {
		t.Helper()
		it, err := ParseItem([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return it.ID
	}
	base := id(signed)
	for _, same := range []string{signed + sig, signed + sig + key, signed + key, signed + field(fieldSignature, "")} {
		if id(same) != base {
			t.Errorf("%q has another ID", same)
		}
	}
	for _, other := range []string{
		field(fieldFrom, "authos") + data + seqno + topic, from + field(fieldData, "dato") + seqno + topic,
		from + data + field(fieldSeqno, "\x00\x00\x00\x00\x00\x00\x01\x03") + topic, from + data + seqno + field(fieldTopic, "newt"),
		from + seqno + topic, from + field(fieldData, "") + seqno + topic,
	} {
		if id(other) == base {
			t.Errorf("%q has the same ID", other)
		}
	}
}

func TestParseItemRefuses(t *testing.T) {
	tests := []struct {
		name, bytes string
		want        error
	}{
		{"nothing", "", ErrItemMalformed},
		{"no author", data + seqno + topic, ErrItemMalformed},
		{"no sequence number", from + data + topic, ErrItemMalformed},
		{"no topic", from + data + seqno + sig, ErrItemMalformed},
		{"empty author", field(fieldFrom, "") + data + seqno + topic, ErrItemMalformed},
		{"author too long", field(fieldFrom, strings.Repeat("x", MaxPeerIDLen+1)) + seqno + topic, ErrItemMalformed},
		{"empty topic", from + seqno + field(fieldTopic, ""), ErrItemMalformed},
		{"topic too long", from + seqno + field(fieldTopic, strings.Repeat("x", MaxTopicName+1)), ErrItemMalformed},
		{"short sequence number", from + field(fieldSeqno, "1234567") + topic, ErrItemMalformed},
		{"long sequence number", from + field(fieldSeqno, "123456789") + topic, ErrItemMalformed},
		{"a field twice", from + from + data + seqno + topic, ErrItemMalformed},
		{"fields out of order", from + seqno + data + topic, ErrItemMalformed},
		{"a field unknown", signed + field(7, "x"), ErrItemMalformed},
		{"field 0", "\x02\x00" + signed, ErrItemMalformed},
		{"a varint field", signed + "\x28\x01", ErrItemMalformed},
		{"a tag not minimal", "\x8a\x00\x06author" + data + seqno + topic, ErrItemMalformed},
		{"a length not minimal", "\x0a\x86\x00author" + data + seqno + topic, ErrItemMalformed},
		{"a length beyond the end", from + seqno + "\x22\x05news", ErrItemMalformed},
		{"a length beyond all bounds", from + seqno + "\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01news", ErrItemMalformed},
		{"a byte more", signed + "\x2a", ErrItemMalformed},
		{"too large", from + field(fieldData, strings.Repeat("x", MaxItemSize)) + seqno + topic, ErrItemTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if it, err := ParseItem([]byte(test.bytes)); !errors.Is(err, test.want) || it != nil {
				t.Errorf("got %+v, %v, want %v", it, err, test.want)
			}
		})
	}
}

// Everything cut short is refused, but where the signature and the key are only
// left out.
func TestParseItemTruncated(t *testing.T) {
	whole := signed + sig + key
	for n := range whole {
		_, err := ParseItem([]byte(whole[:n]))
		if fine := n == len(signed) || n == len(signed+sig); (err == nil) != fine {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// Items at their bounds are taken.
func TestParseItemBounds(t *testing.T) {
	rest := len(field(fieldFrom, strings.Repeat("a", MaxPeerIDLen))) + len(seqno) + len(field(fieldTopic, strings.Repeat("t", MaxTopicName)))
	room := MaxItemSize - rest - 1 - 3 // tag and length of data
	it := NewItem(strings.Repeat("t", MaxTopicName), PeerID(strings.Repeat("a", MaxPeerIDLen)), 1<<64-1, make([]byte, room))
	if len(it.Bytes) != MaxItemSize || it.Seq != 1<<64-1 {
		t.Errorf("%d bytes, seq %d", len(it.Bytes), it.Seq)
	}
	defer func() {
		if recover() == nil {
			t.Error("NewItem makes an item beyond the bound")
		}
	}()
	NewItem(strings.Repeat("t", MaxTopicName), PeerID(strings.Repeat("a", MaxPeerIDLen)), 1, make([]byte, room+1))
}

func TestNewItem(t *testing.T) {
	it := NewItem("news", "author", 258, []byte("data"))
	if string(it.Bytes) != signed {
		t.Errorf("got %q, want %q", it.Bytes, signed)
	}
	with := it.WithSignature([]byte("signature"), []byte("key"))
	if string(with.Bytes) != signed+sig+key || with.ID != it.ID || string(it.Bytes) != signed {
		t.Errorf("signed %q", with.Bytes)
	}
	if again := with.WithSignature([]byte("other"), nil); string(again.Bytes) != signed+field(fieldSignature, "other") {
		t.Errorf("signed again %q", again.Bytes)
	}
}

// What go-libp2p-pubsub encodes parses, and what parses it encodes to the same
// bytes: its signature check depends on that.
func TestItemIsPubsubMessage(t *testing.T) {
	name := "news"
	for _, m := range []*pb.Message{
		{From: []byte("author"), Data: []byte("data"), Seqno: []byte("12345678"), Topic: &name},
		{From: []byte("author"), Data: []byte{}, Seqno: []byte("12345678"), Topic: &name, Signature: []byte("s")},
		{From: []byte("author"), Seqno: []byte("12345678"), Topic: &name, Signature: []byte("s"), Key: []byte("k")},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		it, err := ParseItem(b)
		if err != nil {
			t.Errorf("%v: %v", m, err)
			continue
		}
		if it.TopicName != name || !bytes.Equal(it.Data, m.Data) || !bytes.Equal(it.Key, m.Key) {
			t.Errorf("got %+v from %v", it, m)
		}
	}
}

// FuzzParseItem: what parses is what pubsub encodes, and nothing changes when it is
// put together anew from its parts.
func FuzzParseItem(f *testing.F) {
	f.Add([]byte(signed))
	f.Add([]byte(signed + sig + key))
	f.Add([]byte(from + seqno + topic))
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := ParseItem(b)
		if err != nil {
			return
		}
		var m pb.Message
		if err := proto.Unmarshal(b, &m); err != nil {
			t.Fatalf("pubsub refuses %x: %v", b, err)
		}
		again, err := proto.Marshal(&m)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("pubsub makes %x of %x", again, b)
		}
		if len(it.Signature) > 0 && !bytes.Equal(it.WithSignature(it.Signature, it.Key).Bytes, b) && len(it.Key) > 0 {
			t.Fatalf("signing again makes another item of %x", b)
		}
		if it.Topic != TopicOf(m.GetTopic()) || string(it.Author) != string(m.From) {
			t.Fatalf("got %+v of %v", it, &m)
		}
	})
}
