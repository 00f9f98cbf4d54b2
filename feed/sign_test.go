package feed

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

func TestTopicNames(t *testing.T) {
	author := testAuthor(t, 1)
	name := TopicName(author)
	if got, ok := Owner(name); !ok || got != author {
		t.Fatalf("Owner(%q) = %v, %v", name, got, ok)
	}
	if err := CheckTopicName(name); err != nil {
		t.Error(err)
	}
	_, rsaKey, err := crypto.GenerateRSAKeyPair(2048, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := peer.IDFromPublicKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		ok   bool // as an open topic
	}{
		{"news", true},
		{"/other/x", true},
		{"quilt/feed/x", true},
		{strings.Repeat("x", protocol.MaxTopicName), true},
		{"", false},
		{strings.Repeat("x", protocol.MaxTopicName+1), false},
		{"\xff\xfe", false},
		{"/quilt/", false},
		{"/quilt/control", false},
		{"/quilt/feed/", false},
		{"/quilt/feed/nobody", false},
		{name + "/", false},
		{name + " ", false},
		{"/quilt/feed/" + peer.ToCid(author).String(), false}, // the same author, written otherwise
		{TopicName(rsa), false},
	} {
		if _, ok := Owner(tt.name); ok {
			t.Errorf("%q has an owner", tt.name)
		}
		err := CheckTopicName(tt.name)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrTopicName) {
			t.Errorf("CheckTopicName(%q): %v", tt.name, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	key := testKey(t, 1)
	if _, err := Sign(key, "news", 1, make([]byte, MaxData)); err != nil {
		t.Errorf("greatest data: %v", err)
	}
	if _, err := Sign(key, strings.Repeat("x", protocol.MaxTopicName), 1<<64-1, make([]byte, MaxData)); err != nil {
		t.Errorf("greatest data under the longest name: %v", err)
	}
	if _, err := Sign(key, "news", 1, make([]byte, MaxData+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too much data: %v", err)
	}
	if _, err := Sign(key, "/quilt/x", 1, nil); !errors.Is(err, ErrTopicName) {
		t.Errorf("reserved name: %v", err)
	}
	secp, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(secp, "news", 1, nil); !errors.Is(err, ErrAuthor) {
		t.Errorf("secp256k1 key: %v", err)
	}
	if _, err := SignEntry(key, &Entry{Type: Post}); !errors.Is(err, ErrEntry) {
		t.Errorf("invalid entry: %v", err)
	}
}

// TestVerifyEveryByte: no byte of a signed item can be altered.
func TestVerifyEveryByte(t *testing.T) {
	it, err := Sign(testKey(t, 1), "news", 7, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(it); err != nil {
		t.Fatal(err)
	}
	for i := range it.Bytes {
		for bit := range 8 {
			b := bytes.Clone(it.Bytes)
			b[i] ^= 1 << bit
			if altered, err := protocol.ParseItem(b); err == nil && Verify(altered) == nil {
				t.Fatalf("byte %d bit %d altered, and the item still verifies", i, bit)
			}
		}
	}
}

func TestVerifyKeyField(t *testing.T) {
	it, err := Sign(testKey(t, 1), "news", 7, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	marshal := func(seed byte) []byte {
		b, err := crypto.MarshalPublicKey(testKey(t, seed).GetPublic())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	withKey := func(key []byte) *protocol.Item {
		// Field 6 follows the signature; js-libp2p always writes it.
		b := append(bytes.Clone(it.Bytes), 0x32, byte(len(key)))
		out, err := protocol.ParseItem(append(b, key...))
		if err != nil {
			t.Fatal(err)
		}
		if out.ID != it.ID {
			t.Fatal("the key field is part of the ID")
		}
		return out
	}
	if err := Verify(withKey(marshal(1))); err != nil {
		t.Errorf("its own key: %v", err)
	}
	for name, key := range map[string][]byte{
		"another's key":        marshal(2),
		"empty":                {},
		"its own, and padding": append(marshal(1), 0x1a, 2, 0, 0), // an unknown protobuf field
	} {
		if err := Verify(withKey(key)); !errors.Is(err, ErrAuthor) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	author := testAuthor(t, 1)
	unsigned := protocol.NewItem("news", author, 1, nil)
	if err := Verify(unsigned); !errors.Is(err, ErrSignature) {
		t.Errorf("unsigned: %v", err)
	}
	if err := Verify(unsigned.WithSignature(make([]byte, 64), nil)); !errors.Is(err, ErrSignature) {
		t.Errorf("zero signature: %v", err)
	}
	if err := Verify(protocol.NewItem("news", "not an ID", 1, nil)); !errors.Is(err, ErrAuthor) {
		t.Errorf("author without a key: %v", err)
	}
	// The same key under another ID: padding inside the ID's key.
	padded := protocol.PeerID(append([]byte{0, 0x24 + 4}, append([]byte(author)[2:], 0x1a, 2, 0, 0)...))
	it := protocol.NewItem("news", padded, 1, nil)
	sig, err := testKey(t, 1).Sign(it.SignedBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(it.WithSignature(sig, nil)); !errors.Is(err, ErrAuthor) {
		t.Errorf("second ID of a key: %v", err)
	}
}

func TestCheck(t *testing.T) {
	key, other := testKey(t, 1), testKey(t, 2)
	own := TopicName(testAuthor(t, 1))
	e := validEntry()
	data := e.AppendTo(nil)
	sign := func(key crypto.PrivKey, topic string, seq uint64, data []byte) *protocol.Item {
		it, err := Sign(key, topic, seq, data)
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	for _, tt := range []struct {
		name string
		item *protocol.Item
		want error
	}{
		{"entry", sign(key, own, e.Seq, data), nil},
		{"open topic", sign(other, "news", 0, []byte("anything")), nil},
		{"another author", sign(other, own, e.Seq, data), ErrNotOwner},
		{"another number", sign(key, own, e.Seq+1, data), ErrSeqMismatch},
		{"no entry", sign(key, own, e.Seq, []byte("text")), ErrEntryVersion},
		{"empty", sign(key, own, e.Seq, nil), ErrEntry},
		{"reserved name", protocol.NewItem("/quilt/x", testAuthor(t, 1), 1, nil), ErrTopicName},
		{"name is no text", protocol.NewItem("\xff", testAuthor(t, 1), 1, nil), ErrTopicName},
	} {
		if err := Check(tt.item); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestNextOpenSeq(t *testing.T) {
	for _, tt := range []struct {
		last uint64
		wall int64
		want uint64
	}{{0, 100, 100}, {100, 100, 101}, {200, 100, 201}, {99, 100, 100}, {0, -5, 1}} {
		if got := NextOpenSeq(tt.last, tt.wall); got != tt.want {
			t.Errorf("NextOpenSeq(%d, %d) = %d, want %d", tt.last, tt.wall, got, tt.want)
		}
	}
}

func BenchmarkVerify1KiB(b *testing.B) {
	it, err := Sign(testKey(b, 1), "news", 1, make([]byte, 1<<10))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Verify(it); err != nil {
			b.Fatal(err)
		}
	}
}
