package donet

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quilt-p2p/quilt/internal/vivaldi"
	"github.com/quilt-p2p/quilt/protocol"
)

const ms = time.Millisecond

var (
	somewhere = vivaldi.Coordinate{X: 16, Y: -16, Z: 0, Height: 32, Err: 128}
	whereHex  = "0010fff00000002080"
	standing  = Stand{Tag: 0, Attached: true, Child: true, Reach: ReachPublic, Beat: 7, Lag: 20 * ms, Base: 21 * ms, Cost: ms / 2, Spare: 3, At: somewhere, Path: []uint32{1, 0xffffffff}}
	standHex  = "00" + "07" + "07" + "88a401" + "a09c01" + "f403" + "03" + whereHex + "02" + "00000001ffffffff"
)

// golden are the encodings; they do not change.
var golden = []struct {
	name string
	msg  protocol.Message
	hex  string
}{
	{"map of a feed", Map{Size: 1100, Runs: []Run{{100, 10}, {120, 1}}}, "00" + "00" + "cc08" + "02" + "6409" + "0a00"},
	{"map, full, of an author", Map{Full: true, Tag: 0x0102030405060708, Size: 5, Runs: []Run{{1 << 40, 1}}}, "01" + "010102030405060708" + "05" + "01" + "808080808020" + "00"},
	{"ask", Ask{Tag: 0, Runs: []Run{{7, 2}}}, "00" + "01" + "0701"},
	{"meet", Meet{Mode: MeetOnce, At: somewhere}, "04" + whereHex},
	{"stand", standing, standHex},
	{"stand, joined, of one without place", Stand{Joined: true, Reach: ReachNone}, "00" + "18" + "00" + "00" + "00" + "00" + "00" + "000000000000000000" + "00"},
	{"join", Join{Tag: 9, Orphan: true, Lag: ms, RTT: 2 * ms, Weight: 4, Value: 5, Turn: 3 * ms, Spare: 6, At: somewhere}, "010000000000000009" + "01" + "e807" + "d00f" + "04" + "05" + "b817" + "06" + whereHex},
	{"refuse", Refuse{standing}, standHex},
	{"leave", Leave{0}, "00"},
	{"report", Report{Tag: 0, Weight: 300, Value: 4, Other: ms}, "00" + "ac02" + "04" + "e807"},
	{"late", Late{1}, "010000000000000001"},
	{"members", Members{Answer: true, Tag: 0, List: []Member{{Peer: "p", At: somewhere, Lag: ms, Base: 2 * ms, Spare: 31, Reach: ReachPublic, Age: 3 * time.Second, Addr: "x"}}},
		"01" + "00" + "01" + "0170" + whereHex + "e807" + "d00f" + "1f" + "01" + "03" + "0178"},
	{"yield", Yield{Tag: 0, To: "q", Base: ms, Limit: 2 * ms}, "00" + "0171" + "e807" + "d00f"},
	{"slots", Slots{Ask: true, Tag: 0, First: 300, Bits: [15]byte{0x80}}, "01" + "00" + "ac02" + "80" + strings.Repeat("00", 14)},
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
		{"an unknown kind", 99, "", protocol.ErrUnknownKind},
		{"map: nothing", KindMap, "", protocol.ErrTruncated},
		{"map: no runs", KindMap, "00" + "00" + "01" + "00", protocol.ErrMalformed},
		{"map: an unknown flag", KindMap, "02" + "00" + "01" + "01" + "0100", protocol.ErrMalformed},
		{"map: runs that touch", KindMap, "00" + "00" + "01" + "02" + "0100" + "0000", protocol.ErrMalformed},
		{"map: more numbers than a window", KindMap, "00" + "00" + "01" + "01" + "01" + "8010", protocol.ErrMalformed},
		{"map: two runs, together more than a window", KindMap, "00" + "00" + "01" + "02" + "01ff0f" + "0100", protocol.ErrMalformed},
		{"map: beyond the last number", KindMap, "00" + "00" + "01" + "01" + "ffffffffffffffffff01" + "00", protocol.ErrMalformed},
		{"ask: more than may be asked for", KindAsk, "00" + "01" + "0140", protocol.ErrMalformed},
		{"tag: zero written out", KindLeave, "010000000000000000", protocol.ErrMalformed},
		{"meet: an unknown mode", KindMeet, "05" + whereHex, protocol.ErrMalformed},
		{"stand: a height below 0", KindStand, "00" + "07" + "07" + "00" + "00" + "00" + "03" + "000000000000ffff80" + "00", protocol.ErrMalformed},
		{"stand: a path too long", KindStand, "00" + "07" + "07" + "00" + "00" + "00" + "03" + whereHex + "21" + strings.Repeat("00000001", 33), protocol.ErrMalformed},
		{"stand: an unknown reach", KindStand, "00" + "0f" + "07" + "00" + "00" + "00" + "03" + whereHex + "00", protocol.ErrMalformed},
		{"stand: a path cut off", KindStand, "00" + "07" + "07" + "00" + "00" + "00" + "03" + whereHex + "02" + "00000001", protocol.ErrTruncated},
		{"join: a lag too great", KindJoin, "00" + "00" + "81c2d72f" + "00" + "01" + "01" + "00" + "00" + whereHex, protocol.ErrMalformed},
		{"members: an address too long", KindMembers, "00" + "00" + "01" + "0170" + whereHex + "00" + "00" + "00" + "01" + "00" + "21" + strings.Repeat("00", 33), protocol.ErrMalformed},
		{"leave: something follows", KindLeave, "0000", protocol.ErrMalformed},
		{"slots: bits cut off", KindSlots, "00" + "00" + "01" + "00", protocol.ErrTruncated},
	} {
		body, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(tc.name, err)
		}
		if m, err := Decode(tc.kind, body); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, %v; want %v", tc.name, m, err, tc.err)
		}
	}
}

// FuzzDecode decodes anything and holds that what decodes is canonical.
func FuzzDecode(f *testing.F) {
	for _, tc := range golden {
		body, _ := hex.DecodeString(tc.hex)
		f.Add(tc.msg.Kind(), body)
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m, err := Decode(kind, body)
		if err != nil {
			return
		}
		if again := m.AppendTo(nil); string(again) != string(body) {
			t.Errorf("kind %d: %x decodes to %+v, which encodes to %x", kind, body, m, again)
		}
	})
}
