package core

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/gossip"
	"github.com/quilt-p2p/quilt/gossipmembership"
	"github.com/quilt-p2p/quilt/internal/antientropy"
	"github.com/quilt-p2p/quilt/protocol"
)

// messages are one of each kind, and where it is addressed to.
func messages() []struct {
	topic  string
	object protocol.ObjectID
	msg    protocol.Message
} {
	rec := testRecord(alice)
	it := item(1)
	return []struct {
		topic  string
		object protocol.ObjectID
		msg    protocol.Message
	}{
		{"", protocol.ObjectHost, ping{0}},
		{"", protocol.ObjectHost, ping{1<<64 - 1}},
		{"", protocol.ObjectHost, pong{300}},
		{"", protocol.ObjectHost, ask{alice}},
		{"", protocol.ObjectHost, askReply{alice, false}},
		{"", protocol.ObjectHost, askReply{alice, true}},
		{"", protocol.ObjectHost, find{nonce: 1}},
		{"", protocol.ObjectHost, find{nonce: 1, ttl: 255, last: true, topics: topics(MaxFindTopics)}},
		{"", protocol.ObjectHost, found{nonce: 1, topic: it.Topic}},
		{"", protocol.ObjectHost, found{nonce: 1, topic: it.Topic, records: []gossipmembership.Record{rec, rec, rec}}},
		{"", protocol.ObjectView, gossipmembership.Present{Degree: 3}},
		{square, protocol.ObjectView, gossipmembership.Neighbor{Nonce: 1, Degree: 2, Want: 3}},
		{square, protocol.ObjectGossip, protocol.Carry{Item: it, Flags: protocol.FlagRepaired, Hops: 3}},
		{square, protocol.ObjectRepair, protocol.Carry{Item: it}},
		{square, protocol.ObjectGossip, gossip.Prune{}},
		{square, protocol.ObjectRepair, antientropy.Digest{Floor: 1, From: 1}},
		{square, protocol.ObjectReceipts, who{it.ID}},
		{square, protocol.ObjectHost, fitness{fit: true}},
		{square, protocol.ObjectHost, fitness{asks: true}},
		{square, protocol.ObjectReceipts, storedBy{id: it.ID}},
		{square, protocol.ObjectReceipts, storedBy{it.ID, peers(0, MaxReceiptPeers)}},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages() {
		var topic protocol.TopicID
		if m.topic != "" {
			topic = protocol.TopicOf(m.topic)
		}
		b := protocol.AppendFrame(nil, topic, m.object, m.msg)
		f, err := protocol.ParseFrame(b)
		if err != nil {
			t.Errorf("%T: %v", m.msg, err)
			continue
		}
		got, err := Decode(f)
		if err != nil || !reflect.DeepEqual(got, m.msg) {
			t.Errorf("%T: got %+v, %v, want %+v", m.msg, got, err, m.msg)
		}
	}
}

// Every message cut short anywhere, or with a byte more, is refused.
func TestTruncated(t *testing.T) {
	for _, m := range messages() {
		var topic protocol.TopicID
		if m.topic != "" {
			topic = protocol.TopicOf(m.topic)
		}
		kind, body := m.msg.Kind(), m.msg.AppendTo(nil)
		if _, err := Decode(protocol.Frame{Topic: topic, Object: m.object, Kind: kind, Body: append(bytes.Clone(body), 0)}); err == nil {
			t.Errorf("%T with a byte more is taken", m.msg)
		}
		for n := range body {
			if n > 100 && n < len(body)-100 {
				continue
			}
			got, err := Decode(protocol.Frame{Topic: topic, Object: m.object, Kind: kind, Body: body[:n]})
			if err == nil && !bytes.Equal(got.AppendTo(nil), body[:n]) {
				t.Errorf("%T cut to %d of %d bytes is taken", m.msg, n, len(body))
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	ids := topics(2)
	unsorted := find{topics: []protocol.TopicID{ids[1], ids[0]}}
	twice := find{topics: []protocol.TopicID{ids[0], ids[0]}}
	hint := testRecord(alice)
	hint.Seq = 0
	rec := testRecord(alice)
	four := make([]gossipmembership.Record, MaxFoundRecords+1)
	for i := range four {
		four[i] = rec
	}
	longID := protocol.PeerID(strings.Repeat("x", protocol.MaxPeerIDLen+1))
	body := func(m protocol.Message) string { return string(m.AppendTo(nil)) }
	tests := []struct {
		name   string
		topic  string
		object protocol.ObjectID
		kind   uint8
		body   string
		want   error
	}{
		{"kind unknown to the host", "", protocol.ObjectHost, 99, "", protocol.ErrUnknownKind},
		{"an item for the host", "", protocol.ObjectHost, protocol.KindCarry, body(protocol.Carry{Item: item(1)}), protocol.ErrUnknownKind},
		{"gossip without a topic", "", protocol.ObjectGossip, 1, "", protocol.ErrUnknownKind},
		{"an object unknown", square, 99, 1, "", protocol.ErrUnknownKind},
		{"the host's object of a topic", square, protocol.ObjectHost, kindPong, "\x01", protocol.ErrUnknownKind},
		{"kind unknown to receipts", square, protocol.ObjectReceipts, 99, "", protocol.ErrUnknownKind},
		{"a number not minimal", "", protocol.ObjectHost, kindPing, "\x81\x00", protocol.ErrMalformed},
		{"a number too large", "", protocol.ObjectHost, kindPing, strings.Repeat("\xff", 9) + "\x02", protocol.ErrMalformed},
		{"nobody asked about", "", protocol.ObjectHost, kindAsk, "\x00", protocol.ErrMalformed},
		{"a peer ID too long", "", protocol.ObjectHost, kindAsk, body(ask{longID}), protocol.ErrMalformed},
		{"neither heard nor not", "", protocol.ObjectHost, kindAskReply, "\x02\x01x", protocol.ErrMalformed},
		{"nobody answered about", "", protocol.ObjectHost, kindAskReply, "\x01\x00", protocol.ErrMalformed},
		{"neither last nor not", "", protocol.ObjectHost, kindFind, zeros(9) + "\x02\x00", protocol.ErrMalformed},
		{"topics not ascending", "", protocol.ObjectHost, kindFind, body(unsorted), protocol.ErrMalformed},
		{"a topic twice", "", protocol.ObjectHost, kindFind, body(twice), protocol.ErrMalformed},
		{"the zero topic", "", protocol.ObjectHost, kindFind, body(find{topics: make([]protocol.TopicID, 1)}), protocol.ErrMalformed},
		{"too many topics", "", protocol.ObjectHost, kindFind, body(find{topics: topics(MaxFindTopics + 1)}), protocol.ErrMalformed},
		{"topics that do not follow", "", protocol.ObjectHost, kindFind, zeros(10) + "\x20", protocol.ErrTruncated},
		{"a record that a person gave", "", protocol.ObjectHost, kindFound, body(found{records: []gossipmembership.Record{hint}}), protocol.ErrMalformed},
		{"too many records", "", protocol.ObjectHost, kindFound, body(found{records: four}), protocol.ErrMalformed},
		{"no record", "", protocol.ObjectHost, kindFound, zeros(24) + "\x01\x01x", protocol.ErrMalformed},
		{"a nameless storer", square, protocol.ObjectReceipts, kindStored, zeros(32) + "\x01\x00\x00", protocol.ErrMalformed},
		{"too many storers", square, protocol.ObjectReceipts, kindStored, body(storedBy{peers: peers(0, MaxReceiptPeers+1)}), protocol.ErrMalformed},
		{"storers that do not follow", square, protocol.ObjectReceipts, kindStored, zeros(32) + "\x20", protocol.ErrTruncated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := protocol.Frame{Object: test.object, Kind: test.kind, Body: []byte(test.body)}
			if test.topic != "" {
				f.Topic = protocol.TopicOf(test.topic)
			}
			if m, err := Decode(f); !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v, want %v", m, err, test.want)
			}
		})
	}
}

func TestRecordsIn(t *testing.T) {
	recs := []gossipmembership.Record{testRecord(alice)}
	for _, m := range []protocol.Message{found{records: recs}, gossipmembership.Shuffle{Records: recs}} {
		if got := RecordsIn(m); len(got) != 1 {
			t.Errorf("%T: %d records", m, len(got))
		}
	}
	if got := RecordsIn(ping{}); got != nil {
		t.Errorf("a ping has %d records", len(got))
	}
}

// maxFuzzSeed keeps long seeds out, which fuzzing is slow with.
const maxFuzzSeed = 1024

// FuzzDecode: what decodes is encoded to the same bytes again, whatever it is.
func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		var topic protocol.TopicID
		if m.topic != "" {
			topic = protocol.TopicOf(m.topic)
		}
		if b := protocol.AppendFrame(nil, topic, m.object, m.msg); len(b) < maxFuzzSeed {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := protocol.ParseFrame(b)
		if err != nil {
			return
		}
		m, err := Decode(frame)
		if err != nil {
			return
		}
		if again := protocol.AppendFrame(nil, frame.Topic, frame.Object, m); !bytes.Equal(again, b) {
			t.Errorf("%T:\n%x became\n%x", m, b, again)
		}
		RecordsIn(m)
	})
}

func fuzzBody(f *testing.F, object protocol.ObjectID, decode protocol.Decoder) {
	for _, m := range messages() {
		if m.object == object && len(m.msg.AppendTo(nil)) < maxFuzzSeed {
			f.Add(m.msg.Kind(), m.msg.AppendTo(nil))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := decode(kind, body)
		if err != nil {
			if m != nil {
				t.Errorf("a message %T and an error %v", m, err)
			}
			return
		}
		if again := m.AppendTo(nil); m.Kind() != kind || !bytes.Equal(again, body) {
			t.Errorf("%T of kind %d:\n%x became\n%x", m, kind, body, again)
		}
	})
}

func FuzzDecodeHost(f *testing.F) { fuzzBody(f, protocol.ObjectHost, decodeHost) }

func FuzzDecodeReceipt(f *testing.F) { fuzzBody(f, protocol.ObjectReceipts, decodeReceipt) }
