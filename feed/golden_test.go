package feed

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/golden.json anew: only when vectors are added")

// vector is one published item, byte for byte. What is in testdata/golden.json was
// published: it must be readable for ever.
type vector struct {
	Name    string `json:"name"`
	KeySeed string `json:"key_seed"` // of the Ed25519 key, 32 bytes
	Topic   string `json:"topic"`
	Seq     uint64 `json:"seq"`
	// Entry is set for owned feeds, Data for open topics.
	Entry *vectorEntry `json:"entry,omitempty"`
	Data  string       `json:"data"` // hex: the encoded entry or the raw payload
	Item  string       `json:"item"` // hex
	ID    string       `json:"id"`
}

type vectorEntry struct {
	Type        uint8  `json:"type"`
	Prev        string `json:"prev"`
	Time        int64  `json:"time"`
	ContentType string `json:"content_type"`
	Payload     string `json:"payload"` // hex
}

const goldenFile = "testdata/golden.json"

// testKey returns the author's key made of a seed of one repeated byte.
func testKey(t testing.TB, seed byte) crypto.PrivKey {
	t.Helper()
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func testAuthor(t testing.TB, seed byte) protocol.PeerID {
	t.Helper()
	id, err := peer.IDFromPrivateKey(testKey(t, seed))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// makeVectors signs what the golden file has.
func makeVectors(t *testing.T) []vector {
	key := testKey(t, 7)
	topic := TopicName(testAuthor(t, 7))
	var vs []vector
	add := func(name, topic string, it *protocol.Item, e *Entry) {
		v := vector{Name: name, KeySeed: hex.EncodeToString(bytes.Repeat([]byte{7}, 32)), Topic: topic, Seq: it.Seq,
			Data: hex.EncodeToString(it.Data), Item: hex.EncodeToString(it.Bytes), ID: it.ID.Full()}
		if e != nil {
			v.Entry = &vectorEntry{uint8(e.Type), e.Prev.Full(), e.Time, e.ContentType, hex.EncodeToString(e.Payload)}
		}
		vs = append(vs, v)
	}
	var prev protocol.ItemID
	for i, e := range []Entry{
		{Type: Post, Time: 1262304000000, ContentType: "text/plain; charset=utf-8", Payload: []byte("Hello, world")},
		{Type: Post, Time: 0},
		{Type: KeyRotation, Time: MaxTime, Payload: []byte{0, 1, 2, 255}},
		{Type: Revocation, Time: 1, Payload: []byte("reserved")},
		{Type: Resumption, Time: 1},
		{Type: 255, Time: 1793491200000, ContentType: "application/feed+json", Payload: []byte(`{"id":"1"}`)},
	} {
		e.Seq, e.Prev = uint64(i+1), prev
		it, err := SignEntry(key, &e)
		if err != nil {
			t.Fatal(err)
		}
		prev = it.ID
		add("entry-"+e.Type.String(), topic, it, &e)
	}
	far := Entry{Type: Post, Seq: MaxSeq, Prev: prev, Time: 127, Payload: bytes.Repeat([]byte("x"), 300)}
	it, err := SignEntry(key, &far)
	if err != nil {
		t.Fatal(err)
	}
	add("entry-last-seq", topic, it, &far)
	for _, o := range []struct {
		topic string
		seq   uint64
		data  []byte
	}{{"news", 1793491200000000000, []byte("open to all")}, {"ünïcode", 0, nil}, {"/other/feed/x", 1<<64 - 1, []byte{0}}} {
		it, err := Sign(key, o.topic, o.seq, o.data)
		if err != nil {
			t.Fatal(err)
		}
		add("open-"+o.topic, o.topic, it, nil)
	}
	return vs
}

func TestGolden(t *testing.T) {
	made := makeVectors(t)
	if *rewrite {
		b, err := json.MarshalIndent(made, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var want []vector
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(made) {
		t.Fatalf("%d vectors in %s, %d made", len(want), goldenFile, len(made))
	}
	for i, w := range want {
		if got, _ := json.Marshal(made[i]); !bytes.Equal(got, mustJSON(t, w)) {
			t.Errorf("%s: encoding has changed\n got %s\nwant %s", w.Name, got, mustJSON(t, w))
		}
		checkVector(t, w)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkVector reads a published item as a peer does.
func checkVector(t *testing.T, w vector) {
	t.Helper()
	raw, err := hex.DecodeString(w.Item)
	if err != nil {
		t.Fatal(err)
	}
	it, err := protocol.ParseItem(raw)
	if err != nil {
		t.Errorf("%s: %v", w.Name, err)
		return
	}
	if err := Verify(it); err != nil {
		t.Errorf("%s: Verify: %v", w.Name, err)
	}
	if err := Check(it); err != nil {
		t.Errorf("%s: Check: %v", w.Name, err)
	}
	if it.ID.Full() != w.ID || it.TopicName != w.Topic || it.Seq != w.Seq || hex.EncodeToString(it.Data) != w.Data {
		t.Errorf("%s: read back %s %q %d %x", w.Name, it.ID.Full(), it.TopicName, it.Seq, it.Data)
	}
	if w.Entry == nil {
		return
	}
	e, err := ParseEntry(it.Data)
	if err != nil {
		t.Errorf("%s: ParseEntry: %v", w.Name, err)
		return
	}
	got := vectorEntry{uint8(e.Type), e.Prev.Full(), e.Time, e.ContentType, hex.EncodeToString(e.Payload)}
	if got != *w.Entry {
		t.Errorf("%s: entry reads %+v, want %+v", w.Name, got, *w.Entry)
	}
}
