package ipmc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

func examples() []protocol.Message {
	long := cut(protocol.NewItem(topicName, "author", 1, make([]byte, 300_000)), 7, "peer-00", 8, 9, 1400)
	short := cut(protocol.NewItem(topicName, "author", 1, []byte("hello")), 7, "peer-00", 8, 9, 1400)
	mid := cut(protocol.NewItem(topicName, "author", 1, make([]byte, 3000)), 7, "peer-00", 8, 9, 1400)
	short.first.Sig = []byte("signature")
	return []protocol.Message{
		short.first, mid.first, long.first, long.packet(1), long.packet(2 + long.first.Lists),
		&Nack{Stream: 7, Runs: []Run{{3, 4}, {9, 1}}, Parts: []Part{{8, []byte{2}}, {20, []byte{0, 128}}}},
		&Beacon{Origin: "peer-00", Epoch: 8, Nonce: 300, Pause: 1500, Low: 2, Last: 40, Echoes: []Echo{{5, 6}}, Sig: []byte("signature")},
		&Fills{Stream: 7, Fills: []Fill{{1, protocol.ItemID{1}}, {5, protocol.ItemID{2}}}},
	}
}

// TestRoundTrip: what is encoded decodes to what encodes the same, and no shorter
// piece of it decodes to a first fragment, beacon, question or answer.
func TestRoundTrip(t *testing.T) {
	for _, m := range examples() {
		body := m.AppendTo(nil)
		again, err := Decode(m.Kind(), body)
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if got := again.AppendTo(nil); !bytes.Equal(got, body) {
			t.Errorf("%T: %x encodes again as %x", m, body, got)
		}
		if _, err := Decode(m.Kind(), append(bytes.Clone(body), 0)); err == nil && m.Kind() != kindFragment {
			t.Errorf("%T: a byte behind it is accepted", m)
		}
		for i := range body {
			if _, err := Decode(m.Kind(), body[:i]); err == nil && m.Kind() != kindFragment && m.Kind() != kindList {
				t.Errorf("%T: %d of %d bytes are accepted", m, i, len(body))
			}
		}
	}
}

// TestGolden: what one version sends the next understands.
func TestGolden(t *testing.T) {
	list := examples()
	for _, c := range []struct {
		m    protocol.Message
		want string
	}{
		{list[0], "07706565722d30300000000000000008091f00" + "1f0a06617574686f72120568656c6c6f1a08000000000000000122046e657773" + "097369676e6174757265"},
		{list[5], "0000000000000007020304020102080102" + "0b020080"},
		{list[6], "07706565722d30300000000000000008ac02dc0b022801000000000000000506" + "097369676e6174757265"},
		{list[7], "00000000000000070201" + "01" + hex.EncodeToString(make([]byte, 31)) + "03" + "02" + hex.EncodeToString(make([]byte, 31))},
	} {
		if got := hex.EncodeToString(c.m.AppendTo(nil)); got != c.want {
			t.Errorf("%T is %s\nwant %s", c.m, got, c.want)
		}
	}
	if g := GroupOf("news", "", SiteLocal, false).String(); g != "239.255.111.222:61519" {
		t.Errorf("the group of news is %s", g)
	}
	if g := GroupOf("news", "", SiteLocal, true).String(); g != "[ff15::6bbd:2c9:c307:7a6a]:61519" {
		t.Errorf("the IPv6 group of news is %s", g)
	}
	k := KeyOf("news", "", nil)
	if got := hex.EncodeToString(k[:4]); got != "eea5ed33" {
		t.Errorf("the key of news begins with %s", got)
	}
}

// TestRefused: what contradicts itself does not decode.
func TestRefused(t *testing.T) {
	mid := examples()[1].(*First)
	for name, change := range map[string]func(f *First){ //tidy:orderless tests
		"no size":            func(f *First) { f.Size = 0 },
		"too many fragments": func(f *First) { f.Data++; f.Hashes = append(f.Hashes, make([]byte, HashSize)...) },
		"too few":            func(f *First) { f.Data--; f.Hashes = f.Hashes[HashSize:] },
		"one list":           func(f *First) { f.Lists = 1; f.Hashes = f.Hashes[:HashSize] },
		"short fragments":    func(f *First) { f.Unit = 16 },
		"position 0":         func(f *First) { f.Seq = 0 },
		"nobody":             func(f *First) { f.Origin = "" },
	} {
		f := *mid
		f.Hashes = bytes.Clone(f.Hashes)
		change(&f)
		if _, err := Decode(kindFirst, f.AppendTo(nil)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Decode(99, nil); !errors.Is(err, protocol.ErrUnknownKind) {
		t.Errorf("kind 99: %v", err)
	}
}

// TestDatagram: what was changed on its way, what is of another topic and what is
// foreign is told apart.
func TestDatagram(t *testing.T) {
	tagger, key := NewTagger(), KeyOf(topicName, "", []byte("secret"))
	other := KeyOf(topicName, "", nil)
	m := examples()[0]
	d := tagger.Seal([]byte("before"), &key, topicID, 16, m)[len("before"):]
	keys := func(t protocol.TopicID) *Key {
		if t == topicID {
			return &key
		}
		return nil
	}
	frame, err := tagger.Open(d, keys)
	if err != nil || !bytes.Equal(frame, protocol.AppendFrame(nil, topicID, 16, m)) {
		t.Fatalf("%x, %v", frame, err)
	}
	if _, err := tagger.Open(d, func(protocol.TopicID) *Key { return &other }); err != ErrForged {
		t.Errorf("another secret: %v", err)
	}
	for i := range d {
		bad := bytes.Clone(d)
		bad[i] ^= 1
		if _, err := tagger.Open(bad, keys); err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
		if _, err := tagger.Open(d[:i], keys); err == nil {
			t.Errorf("%d bytes of %d: accepted", i, len(d))
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = tagger.Open(d, keys) }); n > 0 {
		t.Errorf("%v allocations for each datagram", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range examples() {
		f.Add(m.Kind(), m.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := Decode(kind, body)
		if err != nil {
			if m != nil {
				t.Fatalf("a message and %v", err)
			}
			return
		}
		if got := m.AppendTo(nil); !bytes.Equal(got, body) {
			t.Fatalf("%x encodes again as %x", body, got)
		}
	})
}

func FuzzOpen(f *testing.F) {
	tagger, key := NewTagger(), KeyOf(topicName, "", nil)
	for _, m := range examples() {
		f.Add(tagger.Seal(nil, &key, topicID, 16, m))
	}
	f.Fuzz(func(t *testing.T, d []byte) {
		frame, err := tagger.Open(d, func(protocol.TopicID) *Key { return &key })
		if err == nil {
			if _, err := protocol.ParseFrame(frame); err == nil && len(frame)+Overhead != len(d) {
				t.Fatal("the frame is not all of the datagram")
			}
		}
	})
}
