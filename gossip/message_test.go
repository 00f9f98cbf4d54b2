package gossip

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

var (
	ones = protocol.ItemID(bytes.Repeat([]byte{0x11}, 32))
	twos = protocol.ItemID(bytes.Repeat([]byte{0x22}, 32))
	hex1 = strings.Repeat("11", 32)
	hex2 = strings.Repeat("22", 32)
)

// golden are the encodings; they do not change.
var golden = []struct {
	name string
	msg  protocol.Message
	hex  string
}{
	{"ihave", IHave{Items: []Announcement{{ones, 5}}}, "0001" + hex1 + "05"},
	{"ihave, lazy", IHave{Lazy: true, Items: []Announcement{{ones, 1}, {twos, 1000}}}, "0102" + hex1 + "01" + hex2 + "e807"},
	{"ihave, largest item", IHave{Items: []Announcement{{ones, protocol.MaxItemSize}}}, "0001" + hex1 + "80e03f"},
	{"graft", Graft{}, "0000"},
	{"graft, two items", Graft{Items: []protocol.ItemID{ones, twos}}, "0002" + hex1 + hex2},
	{"graft, once", Graft{Once: true, Items: []protocol.ItemID{ones}}, "0101" + hex1},
	{"prune", Prune{}, ""},
}

func TestGolden(t *testing.T) {
	for _, tc := range golden {
		if got := hex.EncodeToString(tc.msg.AppendTo(nil)); got != tc.hex {
			t.Errorf("%s: encoded as %s, want %s", tc.name, got, tc.hex)
		}
		body, _ := hex.DecodeString(tc.hex)
		got, err := Decode(tc.msg.Kind(), body)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if again := hex.EncodeToString(got.AppendTo(nil)); again != tc.hex || got.Kind() != tc.msg.Kind() {
			t.Errorf("%s: decoded and encoded again as %s", tc.name, again)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind uint8
		hex  string
		err  error
	}{
		{"an unknown kind", 4, "", protocol.ErrUnknownKind},
		{"ihave: nothing", KindIHave, "", protocol.ErrTruncated},
		{"ihave: no items", KindIHave, "0000", protocol.ErrMalformed},
		{"ihave: an unknown flag", KindIHave, "0201" + hex1 + "05", protocol.ErrMalformed},
		{"ihave: an item of no size", KindIHave, "0001" + hex1 + "00", protocol.ErrMalformed},
		{"ihave: too large an item", KindIHave, "0001" + hex1 + "81e03f", protocol.ErrMalformed},
		{"ihave: 65 items", KindIHave, "0041" + strings.Repeat(hex1+"01", 65), protocol.ErrMalformed},
		{"ihave: fewer items than it says", KindIHave, "0002" + hex1 + "01", protocol.ErrTruncated},
		{"ihave: more bytes", KindIHave, "0001" + hex1 + "0100", protocol.ErrMalformed},
		{"graft: nothing", KindGraft, "", protocol.ErrTruncated},
		{"graft: an unknown flag", KindGraft, "0201" + hex1, protocol.ErrMalformed},
		{"graft: once nothing", KindGraft, "0100", protocol.ErrMalformed},
		{"graft: 65 items", KindGraft, "0041" + strings.Repeat(hex1, 65), protocol.ErrMalformed},
		{"graft: fewer items than it says", KindGraft, "0001" + hex1[2:], protocol.ErrTruncated},
		{"graft: a length that is not minimal", KindGraft, "008100" + hex1, protocol.ErrMalformed},
		{"prune: more bytes", KindPrune, "00", protocol.ErrMalformed},
		{"carry: nothing", protocol.KindCarry, "", protocol.ErrTruncated},
		{"carry: no item", protocol.KindCarry, "0000", protocol.ErrItemMalformed},
	} {
		body, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		if msg, err := Decode(tc.kind, body); !errors.Is(err, tc.err) || msg != nil {
			t.Errorf("%s: got %v, %v, want %v", tc.name, msg, err, tc.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, tc := range golden {
		f.Add(tc.msg.Kind(), tc.msg.AppendTo(nil))
	}
	f.Add(protocol.KindCarry, protocol.Carry{Item: testItem("x"), Flags: protocol.FlagRepaired, Hops: 3}.AppendTo(nil))
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		msg, err := Decode(kind, body)
		if err != nil {
			if msg != nil {
				t.Fatalf("both %v and %v", msg, err)
			}
			return
		}
		if again := msg.AppendTo(nil); msg.Kind() != kind || !bytes.Equal(again, body) {
			t.Fatalf("kind %d %x became kind %d %x", kind, body, msg.Kind(), again)
		}
	})
}
