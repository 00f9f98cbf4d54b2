package antientropy

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/quilt-p2p/quilt/protocol"
)

func id(c byte) (id protocol.ItemID) {
	id[0], id[31] = c, c
	return id
}

// messages are one or more of each kind, with what they are on the wire.
var messages = []struct {
	msg  protocol.Message
	wire string // beginning of the body in hexadecimal
}{
	{Digest{Floor: 1, From: 1}, "01000000"},
	{Digest{Floor: 1, From: 1, Top: 9, Runs: []Range{{1, 3}, {5, 9}}, Head: id(7)}, "01000902000200040700"},
	{Digest{Floor: 3, From: 5, Top: 300, Runs: []Range{{4, 300}}}, "0302ac020103a802"},
	{Pull{Token: 300, MaxBytes: 1000, Ranges: []Range{{2, 2}, {10, 19}}}, "ac02e80702010006 09"},
	{Want{Token: 1, Keys: []Key{{0, id(1)}, {5, id(1)}, {5, id(2)}}}, "0103000100"},
	{Answer{Token: 2, Busy: true}, "020100"},
	{Answer{Token: 2, Ranges: []Range{{1, 4}}}, "0200010003"},
	{Reconcile{Session: 1, Round: 2}, "010200"},
	{Reconcile{Session: 1, Ranges: []KeyRange{
		{Upper: Key{Bucket: 2}, Mode: ModeSkip},
		{Upper: Key{Bucket: 2, ID: protocol.ItemID{0, 9}}, Mode: ModeFingerprint, Fingerprint: Fingerprint{1}},
		{Upper: Key{Bucket: 4}, Mode: ModeKeys},
		{Upper: Key{Bucket: 6}, Mode: ModeKeys, Keys: []Key{{4, id(0)}, {5, id(1)}}},
		{Upper: end, Mode: ModeHave, Keys: []Key{{MaxBucket, id(1)}}},
	}}, "010005 030000 01020009010100"},
	{protocol.Carry{Item: entry(1, ""), Flags: protocol.FlagRepaired, Hops: 3}, "0103"},
}

func TestEncoding(t *testing.T) {
	for _, m := range messages {
		body := m.msg.AppendTo(nil)
		want, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(m.wire), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(body, want) {
			t.Errorf("%+v is encoded as %x, want it to begin with %x", m.msg, body, want)
		}
		got, err := Decode(m.msg.Kind(), body)
		if err != nil {
			t.Errorf("%+v: %v", m.msg, err)
			continue
		}
		if _, ok := got.(protocol.Carry); !ok && !reflect.DeepEqual(got, m.msg) {
			t.Errorf("decoded %+v, want %+v", got, m.msg)
		}
		for n := range body {
			if _, err := Decode(m.msg.Kind(), body[:n]); err == nil && m.msg.Kind() != protocol.KindCarry {
				t.Errorf("%T cut to %d of %d bytes decodes", m.msg, n, len(body))
			}
		}
		if _, err := Decode(m.msg.Kind(), append(body, 0)); err == nil {
			t.Errorf("%T with a byte more decodes", m.msg)
		}
	}
}

// What breaks a rule is refused, so that machines need not check.
func TestDecodeRefuses(t *testing.T) {
	many := func(n int) (rs []Range) {
		for i := range n {
			rs = append(rs, Range{uint64(2*i + 1), uint64(2*i + 1)})
		}
		return rs
	}
	keys := make([]Key, MaxWantKeys+1)
	for i := range keys {
		keys[i] = Key{Bucket: uint64(i)}
	}
	manyRanges := make([]KeyRange, MaxKeyRanges+1)
	for i := range manyRanges {
		manyRanges[i] = KeyRange{Upper: Key{Bucket: uint64(i + 1)}, Mode: ModeKeys}
	}
	refused := map[string]protocol.Message{
		"digest without runs but a top":  Digest{Floor: 1, From: 1, Top: 3},
		"digest from beyond its runs":    Digest{Floor: 1, From: 9, Top: 3, Runs: []Range{{1, 3}}},
		"digest below its floor":         Digest{Floor: 3, From: 3, Top: 5, Runs: []Range{{2, 5}}},
		"digest with an unexplained top": Digest{Floor: 1, From: 1, Top: 9, Runs: []Range{{1, 3}}},
		"digest with too many runs":      Digest{Floor: 1, From: 1, Top: 19, Runs: many(MaxDigestRuns + 1)},
		"digest beyond the last entry":   Digest{Floor: 1, From: 1, Top: MaxSeq + 1, Runs: []Range{{1, MaxSeq + 1}}},
		"pull of nothing":                Pull{Token: 1, MaxBytes: 1},
		"pull of no bytes":               Pull{Token: 1, Ranges: []Range{{1, 1}}},
		"pull of too many bytes":         Pull{Token: 1, MaxBytes: MaxPullBytes + 1, Ranges: []Range{{1, 1}}},
		"pull of too many ranges":        Pull{Token: 1, MaxBytes: 1, Ranges: many(MaxPullRanges + 1)},
		"want of nothing":                Want{Token: 1},
		"want of too many":               Want{Token: 1, Keys: keys},
		"want of one key twice":          Want{Token: 1, Keys: []Key{{1, id(1)}, {1, id(1)}}},
		"want of descending keys":        Want{Token: 1, Keys: []Key{{1, id(2)}, {1, id(1)}}},
		"want beyond the last bucket":    Want{Token: 1, Keys: []Key{{MaxBucket + 1, id(1)}}},
		"busy answer that promises":      Answer{Token: 1, Busy: true, Ranges: []Range{{1, 1}}},
		"answer with too many ranges":    Answer{Token: 1, Ranges: many(MaxAnswerRanges + 1)},
		"bound that does not ascend":     Reconcile{Ranges: []KeyRange{{Upper: Key{Bucket: 1, ID: id(1)}, Mode: ModeKeys}, {Upper: Key{Bucket: 1, ID: id(1)}, Mode: ModeKeys}}},
		"range after the end":            Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeKeys}, {Upper: end, Mode: ModeKeys}}},
		"skip at the end":                Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeSkip}}},
		"two skips":                      Reconcile{Ranges: []KeyRange{{Upper: Key{Bucket: 1}}, {Upper: Key{Bucket: 2}}, {Upper: end, Mode: ModeKeys}}},
		"unknown mode":                   Reconcile{Ranges: []KeyRange{{Upper: end, Mode: 4}}},
		"offer of nothing":               Reconcile{Ranges: []KeyRange{{Upper: end, Mode: ModeHave}}},
		"key at its range's bound":       Reconcile{Ranges: []KeyRange{{Upper: Key{Bucket: 1, ID: id(1)}, Mode: ModeKeys, Keys: []Key{{1, id(1)}}}}},
		"too many key ranges":            Reconcile{Ranges: manyRanges},
	}
	for name, m := range refused { //tidy:orderless a test
		if got, err := Decode(m.Kind(), m.AppendTo(nil)); err == nil {
			t.Errorf("%s: decoded as %+v", name, got)
		}
	}
	if _, err := Decode(KindReconcile, make([]byte, MaxReconcile+1)); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("too long a message: %v", err)
	}
	if _, err := Decode(99, nil); !errors.Is(err, protocol.ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
	if m, err := Decode(protocol.KindCarry, []byte{0, 0, 1}); err == nil || m != nil {
		t.Errorf("bad carry: %v, %v", m, err)
	}
}

// What decodes is encoded to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, m := range messages {
		f.Add(m.msg.Kind(), m.msg.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := Decode(kind, body)
		if err != nil {
			return
		}
		if again := m.AppendTo(nil); !bytes.Equal(again, body) {
			t.Fatalf("%+v: %x becomes %x", m, body, again)
		}
	})
}
