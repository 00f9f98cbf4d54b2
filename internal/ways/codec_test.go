package ways

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
	"time"
)

// TestGolden: what was kept stays readable.
func TestGolden(t *testing.T) {
	var m Memory
	dial(&m, start0, ID{1, 2, 3, 4, 5, 6, 7, 8}, wss443, every443...)
	dial(&m, start0.Add(time.Minute), ID{9}, quic6, quic6)
	const golden = "0102" +
		"0102030405060708" + "80a4a7da06" + "03" + "010080a4a7da0601" + "050080a4a7da0601" + "0980a4a7da060000" +
		"0900000000000000" + "bca4a7da06" + "01" + "02bca4a7da060000"
	if got := hex.EncodeToString(m.Append(nil)); got != golden {
		t.Errorf("it is\n%s, want\n%s", got, golden)
	}
	b, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Parse(start0, b); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("parsed: %+v, %v", got, err)
	}
	if got, err := Parse(start0.Add(MaxAge), b); err != nil || got.Networks() != 1 {
		t.Errorf("%d networks after MaxAge, want 1 (%v)", got.Networks(), err)
	}
}

// TestParseIsStrict: damaged bytes are errors.
func TestParseIsStrict(t *testing.T) {
	var m Memory
	dial(&m, start0, here, wss443, every443...)
	good := m.Append(nil)
	for i := range good {
		if _, err := Parse(start0, good[:i]); err == nil {
			t.Errorf("the first %d bytes are accepted", i)
		}
	}
	twice := append(append([]byte{1, 2}, good[2:]...), good[2:]...)
	for what, b := range map[string][]byte{
		"another version":   append([]byte{2}, good[1:]...),
		"more":              append(bytes.Clone(good), 0),
		"one twice":         twice,
		"too many":          {1, MaxNetworks + 1},
		"no such way":       {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, numWaysByte, 1, 0, 0},
		"worked and beaten": {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1},
		"nothing":           {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0},
		"beaten 0 times":    {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0},
		"too often":         {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, maxTimes + 1},
		"descending":        {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 1, 0, 0, 0, 1, 0, 0},
	} {
		if _, err := Parse(start0, b); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

const numWaysByte = byte(numWays)

// TestMaxSize: the fullest memory is within the bound.
func TestMaxSize(t *testing.T) {
	var m Memory
	for i := range MaxNetworks {
		for w := range numWays {
			dial(&m, start0, number(i), wayOf(w), wayOf(w))
		}
	}
	b := m.Append(nil)
	if len(b) > MaxSize {
		t.Errorf("%d bytes, more than %d", len(b), MaxSize)
	}
	if got, err := Parse(start0, b); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("it is read back differently (%v)", err)
	}
	t.Logf("%d bytes", len(b))
}

// FuzzParse: what is accepted is written the same again, and can be used.
func FuzzParse(f *testing.F) {
	var m Memory
	f.Add(m.Append(nil))
	dial(&m, start0, here, wss443, every443...)
	dial(&m, start0, ID{2}, quic, quic6, quic)
	f.Add(m.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(start0, b)
		if err != nil {
			return
		}
		again, err := Parse(start0, m.Append(nil))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%x: %v", b, err)
		}
		dial(&m, start0, here, quic, every443...)
	})
}
