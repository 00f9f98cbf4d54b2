package detect

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
	"time"
)

// beaconVectors are beacons as they travel: other versions must understand them.
var beaconVectors = []struct {
	b    beacon
	text string
}{
	{beacon{me: 1, nonce: 2, every: 2 * time.Second, segment: segmentName{id: 3}},
		"514c546201" + "0000000000000001" + "0000000000000002" + "0002" + "00" + "0000000000000003" + "00"},
	{beacon{me: 0xfedcba9876543210, nonce: 0x0123456789abcdef, every: time.Hour, segment: segmentName{true, 0x1122334455667788},
		echoes: []echo{{1, 2}, {0xffffffffffffffff, 0}}},
		"514c546201" + "fedcba9876543210" + "0123456789abcdef" + "0e10" + "01" + "1122334455667788" + "02" +
			"00000000000000010000000000000002" + "ffffffffffffffff0000000000000000"},
}

func TestBeaconVectors(t *testing.T) {
	for _, v := range beaconVectors {
		if got := hex.EncodeToString(v.b.appendTo(nil)); got != v.text {
			t.Errorf("encoded\n%s, want\n%s", got, v.text)
		}
		raw, err := hex.DecodeString(v.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseBeacon(raw)
		if err != nil || got.me != v.b.me || got.nonce != v.b.nonce || got.every != v.b.every || got.segment != v.b.segment || !slices.Equal(got.echoes, v.b.echoes) {
			t.Errorf("%s reads %+v, %v", v.text, got, err)
		}
	}
}

func TestBeaconRefused(t *testing.T) {
	good := beaconVectors[1].b.appendTo(nil)
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	full := beacon{every: time.Second, echoes: make([]echo, maxEchoes)}
	if b := full.appendTo(nil); len(b) != maxBeacon {
		t.Errorf("the longest beacon has %d bytes, not %d", len(b), maxBeacon)
	} else if _, err := parseBeacon(b); err != nil {
		t.Errorf("the longest beacon: %v", err)
	}
	for name, b := range map[string][]byte{
		"empty": nil, "foreign": []byte("M-SEARCH * HTTP/1.1\r\n"), "another version": change(4, 2), "only the magic": good[:5],
		"a flag of later": change(23, 2), "too many echoes": change(32, maxEchoes+1), "one echo too few": change(32, 3), "one too many": change(32, 1),
		"cut off": good[:len(good)-1], "left over": append(bytes.Clone(good), 0), "no pause": change(22, 0)[:21],
		"a pause beyond an hour": change(21, 0xff), "long": append(full.appendTo(nil), 0),
	} {
		if n, err := parseBeacon(b); err == nil {
			t.Errorf("%s: reads %+v", name, n)
		}
	}
}

func FuzzParseBeacon(f *testing.F) {
	for _, v := range beaconVectors {
		f.Add(v.b.appendTo(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseBeacon(b)
		if err != nil {
			return
		}
		if again := n.appendTo(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x reads as %x", b, again)
		}
	})
}
