package gossipmembership

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quilt-p2p/quilt/protocol"
)

// testKey returns the Ed25519 key made of a seed of equal bytes, and its peer ID.
func testKey(t testing.TB, seed byte) (crypto.PrivKey, PeerID) {
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, id
}

// signedRecord is the record of the golden vector.
func signedRecord(t testing.TB) Record {
	key, id := testKey(t, 7)
	r := Record{
		Peer: id, Seq: 1_790_000_000_000, Caps: 5,
		Addrs: []string{"\x04\x7f\x00\x00\x01\x06\x0f\xa1", "\x04\x7f\x00\x00\x01\x91\x02\x0f\xa1\xcd\x03"},
		EUIDs: [][]byte{{1, 2, 3}},
	}
	if err := r.Sign(key); err != nil {
		t.Fatal(err)
	}
	return r
}

// What is once published stays readable: this vector never changes.
const goldenRecord = "" +
	"0126002408011220ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c80d8c1a28c" +
	"34050208047f000001060fa10b047f00000191020fa1cd03010301020340bfe3d0d8125fbf72eb3834c4f41543" +
	"1520e4cf5a0c54f613508eb9d086efe8a2ff743da08fee63df24ad92ce6e09ba614889cb262b5194c52b177f3a" +
	"29a36309"

func TestRecordGoldenVector(t *testing.T) {
	r := signedRecord(t)
	if got := hex.EncodeToString(r.AppendTo(nil)); got != goldenRecord {
		t.Errorf("record encodes as\n%s, want\n%s", got, goldenRecord)
	}
	b, err := hex.DecodeString(goldenRecord)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRecord(b)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("ParseRecord = %+v, %v", got, err)
	}
	if err := got.Verify(); err != nil {
		t.Error(err)
	}
}

// Every byte counts: no record with one changed byte both decodes and verifies.
func TestRecordTampered(t *testing.T) {
	r := signedRecord(t)
	good := r.AppendTo(nil)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if got, err := ParseRecord(bad); err == nil && got.Verify() == nil {
			t.Errorf("byte %d changed, and the record holds", i)
		}
		if _, err := ParseRecord(good[:i]); err == nil {
			t.Errorf("a record of %d bytes of %d decodes", i, len(good))
		}
	}
	if _, err := ParseRecord(append(good, 0)); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestRecordRefused(t *testing.T) {
	key, id := testKey(t, 1)
	_, other := testKey(t, 2)
	many := func(n, size int) (list []string) {
		for range n {
			list = append(list, strings.Repeat("a", size))
		}
		return list
	}
	euids := func(n, size int) (list [][]byte) {
		for range n {
			list = append(list, make([]byte, size))
		}
		return list
	}
	tests := []struct {
		name string
		r    Record
		want error
	}{
		{"at the bounds", Record{Peer: id, Seq: 1<<64 - 1, Caps: 1<<64 - 1,
			Addrs: many(MaxAddrs, MaxAddrLen), EUIDs: euids(MaxEUIDs, MaxEUIDLen)}, nil},
		{"nothing in it", Record{Peer: id, Seq: 1}, nil},
		{"no sequence number", Record{Peer: id}, ErrRecordBounds},
		{"no peer", Record{Seq: 1}, ErrRecordBounds},
		{"long peer", Record{Peer: PeerID(strings.Repeat("p", protocol.MaxPeerIDLen+1)), Seq: 1}, ErrRecordBounds},
		{"addresses", Record{Peer: id, Seq: 1, Addrs: many(MaxAddrs+1, 1)}, ErrRecordBounds},
		{"long address", Record{Peer: id, Seq: 1, Addrs: many(1, MaxAddrLen+1)}, ErrRecordBounds},
		{"empty address", Record{Peer: id, Seq: 1, Addrs: many(1, 0)}, ErrRecordBounds},
		{"EUIDs", Record{Peer: id, Seq: 1, EUIDs: euids(MaxEUIDs+1, 1)}, ErrRecordBounds},
		{"long EUID", Record{Peer: id, Seq: 1, EUIDs: euids(1, MaxEUIDLen+1)}, ErrRecordBounds},
		{"empty EUID", Record{Peer: id, Seq: 1, EUIDs: euids(1, 0)}, ErrRecordBounds},
		{"another's key", Record{Peer: other, Seq: 1}, ErrRecordSignature},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.r.Sign(key); !errors.Is(err, test.want) {
				t.Fatalf("Sign: %v, want %v", err, test.want)
			}
			if err := test.r.Verify(); !errors.Is(err, test.want) {
				t.Errorf("Verify: %v, want %v", err, test.want)
			}
			b := test.r.AppendTo(nil)
			if len(b) > MaxRecordSize && test.want == nil {
				t.Errorf("%d bytes, more than MaxRecordSize %d", len(b), MaxRecordSize)
			}
			if _, err := ParseRecord(b); err != nil && test.want == nil {
				t.Errorf("ParseRecord: %v", err)
			}
		})
	}
}

// A signature by a key that the ID does not contain proves nothing.
func TestRecordOfForeignKeyType(t *testing.T) {
	r := signedRecord(t)
	r.Peer = PeerID("\x12\x20" + strings.Repeat("h", 32)) // the hash of an RSA key
	if err := r.Verify(); !errors.Is(err, ErrRecordSignature) {
		t.Errorf("Verify: %v", err)
	}
	r = signedRecord(t)
	r.Signature = nil
	if err := r.Verify(); !errors.Is(err, ErrRecordSignature) {
		t.Errorf("unsigned: %v", err)
	}
}

func TestNewer(t *testing.T) {
	if a, b := testRecord(1, 2), testRecord(1, 1); !Newer(a, b) || Newer(b, a) || Newer(a, a) {
		t.Error("the greater sequence number wins, and no other")
	}
}

func FuzzParseRecord(f *testing.F) {
	r := signedRecord(f)
	f.Add(r.AppendTo(nil))
	small := testRecord(1, 1)
	f.Add(small.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRecord(b)
		if err != nil {
			return
		}
		if again := r.AppendTo(nil); !bytes.Equal(again, b) {
			t.Errorf("%x decodes, and encodes as %x", b, again)
		}
	})
}
